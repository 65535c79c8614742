/* The few Cortex-M DSP instructions that the _dsp kernels are written in. Elsewhere plain C gives the same bits. */
#ifndef TOUCHLINE_DSP_H
#define TOUCHLINE_DSP_H

#include <string.h>

#include "touchline_arith.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define TL_HAS_DSP 1
#else
#define TL_HAS_DSP 0
#endif

/* An argument that only assembler reads. */
#define TL_UNUSED __attribute__((unused))

/* Four bytes from any address. */
static inline uint32_t tl_load(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, 4);
    return word;
}

#if TL_HAS_DSP
/* Bytes 0 and 2 as two int16. */
static inline uint32_t tl_even(uint32_t x)
{
    uint32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(x));
    return r;
}
/* Bytes 1 and 3 as two int16. */
static inline uint32_t tl_odd(uint32_t x)
{
    uint32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
    return r;
}
/* sum + the two products of int16. */
static inline int32_t tl_mac2(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t r;
    __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
    return r;
}
/* sum + round(a * b / 2^32), ties upwards. */
static inline int32_t tl_high_mac(int32_t a, int32_t b, int32_t sum)
{
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
    return r;
}
/* x / 2, held within int8. */
static inline int32_t tl_half_to_int8(int32_t x)
{
    int32_t r;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(r) : "r"(x));
    return r;
}
#else
static inline uint32_t tl_even(uint32_t x)
{
    return (uint16_t)(int8_t)x | (uint32_t)(int8_t)(x >> 16) << 16;
}
static inline uint32_t tl_odd(uint32_t x)
{
    return tl_even(x >> 8);
}
static inline int32_t tl_mac2(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t low = (int16_t)a * (int16_t)b, high = (int16_t)(a >> 16) * (int16_t)(b >> 16);
    return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
}
static inline int32_t tl_high_mac(int32_t a, int32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)(((int64_t)a * b + 0x80000000LL) >> 32));
}
static inline int32_t tl_half_to_int8(int32_t x)
{
    return tl_clamp(x >> 1, -128, 127);
}
#endif

/* One channel's numbers (three int32) and what all of a layer's channels share. */
typedef struct {
    int32_t zero, low, high, fast; /* zero: 2 * out_zero + 1 if fast, else out_zero */
} tl_finish;

/* From a sum to the output, as tl_scale, tl_clamp. Fast: the doubling of the high product is in the bias and the sum; the
 * rounding shift's half, its sign term and the zero point are added within the multiply. Where the sum is negative but
 * its product rounds to 0, the sign term is there too, and changes nothing: half - 1 is below the shift. */
static inline int32_t tl_finish_fast(int32_t sum, const int32_t *channel, int32_t zero)
{
    int32_t twice = (int32_t)((uint32_t)channel[0] + ((uint32_t)sum << 1)), e = channel[2];
    int32_t half = tl_left(zero, e) + (twice >> 31);
    return tl_half_to_int8(tl_high_mac(twice, channel[1], half) >> e);
}

/* n outputs clamped, four at a time: for fast layers whose clamp is not int8's own. */
void tl_clamp_bytes(int8_t *at, int32_t n, int32_t low, int32_t high);

int32_t tl_finish_slow(int32_t sum, const int32_t *channel, const tl_finish *f);

static inline int32_t tl_finished(int32_t sum, const int32_t *channel, const tl_finish *f)
{
    return f->fast ? tl_finish_fast(sum, channel, f->zero) : tl_finish_slow(sum, channel, f);
}

/* Two outputs' sums from words that hold 256 * b + a, for two vectors of x side by side ([n][2] words of two int16).
 * sums = {b0, b1, a0, a1}. The sums of b have to stay below 2^23, as they do with n <= 254: then 256 * b + a comes apart. */
static inline void tl_dot_pair(int32_t sums[4], const uint32_t *x, const uint32_t *w, int32_t n, int32_t step)
{
    int32_t ab0 = 0, ab1 = 0, a0 = 0, a1 = 0;
    for (; n > 0; n--, x += 2, w += step) {
        uint32_t low = tl_even(*w);
        ab0 = tl_mac2(*w, x[0], ab0);
        ab1 = tl_mac2(*w, x[1], ab1);
        a0 = tl_mac2(low, x[0], a0);
        a1 = tl_mac2(low, x[1], a1);
    }
    sums[0] = (int32_t)((uint32_t)ab0 - (uint32_t)a0) >> 8;
    sums[1] = (int32_t)((uint32_t)ab1 - (uint32_t)a1) >> 8;
    sums[2] = a0;
    sums[3] = a1;
}

#endif
