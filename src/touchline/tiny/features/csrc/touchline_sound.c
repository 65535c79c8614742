/* Sound → log-mel energies or MFCC in integers, bit for bit touchline.tiny.features. */
#include "touchline_sound.h"

#include <string.h>

enum { BLOCK_BITS = 31, POWER_SHIFT = 14, WEIGHT_BITS = 15, LOG_BITS = 16, REST_BITS = 11, DCT_BITS = 15 };

static int32_t tl_bit_length(uint32_t x)
{
#if defined(__GNUC__)
    return x == 0 ? 0 : 32 - __builtin_clz(x);
#else
    int32_t bits = 0;
    for (; x != 0; x >>= 1) bits++;
    return bits;
#endif
}

/* Half of a * c + b * d, for Q31 factors. */
static inline int32_t tl_half_sum(int32_t a, int32_t c, int32_t b, int32_t d)
{
    return (int32_t)(((int64_t)a * c + (int64_t)b * d) >> 32);
}

static inline int32_t tl_half_difference(int32_t a, int32_t c, int32_t b, int32_t d)
{
    return (int32_t)(((int64_t)a * c - (int64_t)b * d) >> 32);
}

static inline int32_t tl_raised(int32_t sample, int32_t shift, int32_t factor)
{
    return (int32_t)((int64_t)(int32_t)((uint32_t)sample << shift) * factor >> 32);
}

/* The frame, raised to 31 bits and windowed, pairs in the FFT's order. By how many bits it was raised. */
static int32_t tl_windowed(const tl_sound *s, const int16_t *frame, int32_t *work)
{
    int32_t bits = 0;
    for (int32_t i = 0; i < s->window; i++) bits |= frame[i] ^ (frame[i] >> 15);
    int32_t shift = BLOCK_BITS - tl_bit_length((uint32_t)bits);
    memset(work, 0, (uint32_t)s->size * sizeof *work);
    const uint16_t *reversed = s->reversed;
    for (int32_t i = 0; i + 1 < s->window; i += 2) {
        int32_t *to = work + 2 * *reversed++;
        to[0] = tl_raised(frame[i], shift, s->hann[i]);
        to[1] = tl_raised(frame[i + 1], shift, s->hann[i + 1]);
    }
    if (s->window % 2) work[2 * *reversed] = tl_raised(frame[s->window - 1], shift, s->hann[s->window - 1]);
    return shift;
}

/* a and b → half their sum and difference, b turned before by t. */
static inline void tl_butterfly(int32_t *a, int32_t *b, int32_t t_re, int32_t t_im)
{
    int32_t re = a[0] >> 1, im = a[1] >> 1;
    a[0] = re + t_re;
    a[1] = im + t_im;
    b[0] = re - t_re;
    b[1] = im - t_im;
}

static void tl_transform(const tl_sound *s, int32_t *work)
{
    int32_t size = s->size; /* of work, in numbers: twice that of the transform */
    for (int32_t half = 2; half < size; half *= 2) {
        for (int32_t *a = work; a < work + size; a += 2 * half) {
            int32_t *b = a + half;
            tl_butterfly(a, b, b[0] >> 1, b[1] >> 1);
            if (half > 2) {
                int32_t *turned = b + half / 2;
                tl_butterfly(a + half / 2, turned, turned[1] >> 1, -(turned[0] >> 1));
            }
        }
        /* A factor at a time: it is read once for all blocks. */
        int32_t step = 2 * size / half;
        const int32_t *factor = s->twiddles;
        for (int32_t j = 2; j < half; j += 2) {
            factor += step;
            if (2 * j == half) continue;
            int32_t cos = factor[0], sin = factor[1];
            for (int32_t *a = work + j; a < work + size; a += 2 * half) {
                int32_t *b = a + half, re = b[0], im = b[1];
                tl_butterfly(a, b, tl_half_sum(re, cos, im, sin), tl_half_difference(im, cos, re, sin));
            }
        }
    }
}

static inline void tl_put_power(int32_t *work, int32_t bin, int32_t re, int32_t im)
{
    uint64_t power = ((uint64_t)((int64_t)re * re) + (uint64_t)((int64_t)im * im)) >> POWER_SHIFT;
    work[2 * bin] = (int32_t)(uint32_t)power;
    work[2 * bin + 1] = (int32_t)(power >> 32);
}

static inline uint64_t tl_power(const int32_t *work, int32_t bin)
{
    return (uint64_t)(uint32_t)work[2 * bin + 1] << 32 | (uint32_t)work[2 * bin];
}

/* The transform of pairs → the power of the samples' own, a bin in the place of each pair. */
static void tl_to_power(const tl_sound *s, int32_t *work)
{
    int32_t pairs = s->size / 2;
    for (int32_t k = 1, m = pairs - 1; k <= m; k++, m--) {
        int32_t k_re = work[2 * k] >> 1, k_im = work[2 * k + 1] >> 1;
        int32_t m_re = work[2 * m] >> 1, m_im = work[2 * m + 1] >> 1;
        int32_t even_re = (k_re + m_re) >> 1, even_im = (k_im - m_im) >> 1;
        int32_t odd_re = k_im + m_im, odd_im = m_re - k_re;
        int32_t cos = s->twiddles[2 * k], sin = s->twiddles[2 * k + 1];
        int32_t t_re = tl_half_sum(odd_re, cos, odd_im, sin), t_im = tl_half_difference(odd_im, cos, odd_re, sin);
        tl_put_power(work, k, even_re + t_re, even_im + t_im);
        tl_put_power(work, m, even_re - t_re, even_im - t_im);
    }
}

/* log2 in Q16 of a sum that has bits too many. */
static int32_t tl_level(const tl_sound *s, uint64_t sum, int32_t bits)
{
    if (sum == 0) return s->floor;
    uint32_t high = (uint32_t)(sum >> 32);
    int32_t exponent = high ? 31 + tl_bit_length(high) : tl_bit_length((uint32_t)sum) - 1;
    uint32_t mantissa = (uint32_t)(exponent > LOG_BITS ? sum >> (exponent - LOG_BITS) : sum << (LOG_BITS - exponent));
    mantissa -= 1u << LOG_BITS;
    uint32_t index = mantissa >> REST_BITS;
    int32_t rest = (int32_t)(mantissa & ((1u << REST_BITS) - 1));
    int32_t between = ((s->log2_table[index + 1] - s->log2_table[index]) * rest + (1 << (REST_BITS - 1))) >> REST_BITS;
    int32_t level = (exponent - bits) * (1 << LOG_BITS) + s->log2_table[index] + between;
    return level < s->floor ? s->floor : level;
}

static int8_t tl_quantised(const tl_sound *s, int32_t value)
{
    int32_t q = (int32_t)(((int64_t)value * s->multiplier + ((int64_t)1 << 31)) >> 32) + s->zero_point;
    return (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

static void tl_row(const tl_sound *s, const int16_t *frame, int32_t *work, int8_t *row)
{
    int32_t bits = s->offset + 2 * tl_windowed(s, frame, work);
    tl_transform(s, work);
    tl_to_power(s, work);
    uint64_t before = 0;
    const uint16_t *rising = s->rising;
    for (int32_t segment = 0; segment <= s->bands; segment++) {
        uint64_t up = 0, all = 0;
        for (int32_t bin = s->starts[segment]; bin < s->starts[segment + 1]; bin++) {
            uint64_t power = tl_power(work, bin);
            up += power * *rising++;
            all += power;
        }
        if (segment > 0) {
            int32_t level = tl_level(s, before + (all << WEIGHT_BITS) - up, bits);
            /* Over bins that were read: each takes two numbers, and two bands share one at least. */
            if (s->coefficients) work[segment - 1] = level;
            else row[segment - 1] = tl_quantised(s, level);
        }
        before = up;
    }
    const int16_t *dct = s->dct;
    for (int32_t k = 0; k < s->coefficients; k++) {
        int64_t sum = 1 << (DCT_BITS - 1);
        for (int32_t band = 0; band < s->bands; band++) sum += (int64_t)work[band] * *dct++;
        row[k] = tl_quantised(s, (int32_t)(sum >> DCT_BITS));
    }
}

int32_t tl_sound_push(const tl_sound *s, tl_sound_place *place, int16_t *history, int8_t *rows, const int16_t *hop,
                      int32_t *work)
{
    int32_t kept = s->window - s->hop;
    memmove(history, history + s->hop, (uint32_t)kept * sizeof *history);
    memcpy(history + kept, hop, (uint32_t)s->hop * sizeof *history);
    place->samples += s->hop;
    if (place->samples < s->window) return 0;
    place->samples = s->window;
    tl_row(s, history, work, rows + place->next * (s->coefficients ? s->coefficients : s->bands));
    if (place->rows < s->frames) place->rows++;
    if (++place->next == s->frames) place->next = 0;
    return 1;
}

int32_t tl_sound_input(const tl_sound *s, const tl_sound_place *place, const int8_t *rows, int8_t *input)
{
    if (place->rows < s->frames) return 0;
    int32_t values = s->coefficients ? s->coefficients : s->bands;
    uint32_t newer = (uint32_t)(place->next * values), older = (uint32_t)(s->frames * values) - newer;
    memcpy(input, rows + newer, older);
    memcpy(input + older, rows, newer);
    return 1;
}
