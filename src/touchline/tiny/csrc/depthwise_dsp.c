/* Depthwise convolution for Cortex-M with DSP: four channels of one position at a time, two taps in one SMLAD. */
#include "touchline_dsp.h"
#include "touchline_patch.h"

/* sums of four channels += two taps; the addresses of both taps and 4 x 2 weights follow each other. */
static inline void tl_two_taps(int32_t sums[4], const int8_t *const **taps, const uint32_t **w, int32_t channel)
{
#if TL_HAS_DSP
    uint32_t p, q, t, w0, w1;
    __asm__("ldrd %[p], %[q], [%[taps]], #8\n"
            "ldr %[p], [%[p], %[c]]\n"
            "ldr %[q], [%[q], %[c]]\n"
            "pkhbt %[t], %[p], %[q], lsl #16\n"
            "pkhtb %[q], %[q], %[p], asr #16\n"
            "ldrd %[w0], %[w1], [%[w]], #8\n"
            "sxtb16 %[p], %[t]\n"
            "sxtb16 %[t], %[t], ror #8\n"
            "smlad %[s0], %[p], %[w0], %[s0]\n"
            "smlad %[s1], %[t], %[w1], %[s1]\n"
            "ldrd %[w0], %[w1], [%[w]], #8\n"
            "sxtb16 %[p], %[q]\n"
            "sxtb16 %[q], %[q], ror #8\n"
            "smlad %[s2], %[p], %[w0], %[s2]\n"
            "smlad %[s3], %[q], %[w1], %[s3]\n"
            : [s0] "+r"(sums[0]), [s1] "+r"(sums[1]), [s2] "+r"(sums[2]), [s3] "+r"(sums[3]), [taps] "+r"(*taps),
              [w] "+r"(*w), [p] "=&r"(p), [q] "=&r"(q), [t] "=&r"(t), [w0] "=&r"(w0), [w1] "=&r"(w1)
            : [c] "r"(channel)
            : "memory");
#else
    for (int32_t i = 0; i < 4; i++) {
        uint32_t pair = (uint16_t)(*taps)[0][channel + i] | (uint32_t)(*taps)[1][channel + i] << 16;
        sums[i] = tl_mac2(pair, (*w)[i], sums[i]);
    }
    *taps += 2;
    *w += 4;
#endif
}

/* Where the taps of one output position lie; those outside of the input at `outside`. */
static void tl_find_taps(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, const int8_t *outside,
                         const int8_t **taps)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++, top += p->dilation_h) {
        const int8_t *row = top >= 0 && top < p->in_h ? tl_row(p, rows, top) : NULL;
        for (int32_t kx = 0, x = left; kx < p->kernel_w; kx++, x += p->dilation_w) {
            *taps++ = row && x >= 0 && x < p->in_w ? row + x * p->in_c : outside;
        }
    }
}

/* The channels beyond a multiple of four, one by one: a word would reach beyond the tensor. */
static int32_t tl_one_channel(const int8_t *const *taps, const int8_t *const *end, const uint32_t *w, int32_t channel)
{
    const int16_t *weight = (const int16_t *)(const void *)w + 2 * (channel & 3);
    int32_t sum = 0;
    for (; taps != end; taps += 2, weight += 8) {
        sum += taps[0][channel] * weight[0] + taps[1][channel] * weight[1];
    }
    return sum;
}

void tl_depthwise_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t count = (p->kernel_h * p->kernel_w + 1) & ~1, c4 = (p->in_c + 3) & ~3;
#if TL_HAS_DSP
    const int8_t **taps = scratch;
#else
    const int8_t *taps[count]; /* scratch is measured for pointers of four bytes */
#endif
    const int8_t *const *end = taps + count;
    int8_t *outside = (int8_t *)scratch + 4 * count;
    tl_finish f = {p->fast ? 2 * p->out_zero + 1 : p->out_zero, p->low, p->high, p->fast};
    tl_rows rows = {in, outside + c4, 0, p->in_w * p->in_c};
    tl_fill_small(outside, p->in_zero, c4);
    taps[count - 1] = outside;
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            const uint32_t *w = p->weights;
            const int32_t *channel = p->channels;
            int32_t c = 0;
            tl_find_taps(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, outside, taps);
            for (; c + 4 <= p->in_c; c += 4) {
                int32_t sums[4] = {0};
                for (const int8_t *const *tap = taps; tap != end;) tl_two_taps(sums, &tap, &w, c);
                for (int32_t i = 0; i < 4; i++, channel += 3) *to++ = (int8_t)tl_finished(sums[i], channel, &f);
            }
            for (; c < p->in_c; c++, channel += 3) {
                *to++ = (int8_t)tl_finished(tl_one_channel(taps, end, w, c), channel, &f);
            }
        }
    }
}
