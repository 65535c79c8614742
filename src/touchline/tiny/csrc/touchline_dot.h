/* Products of two rows of int8, as fast as the core that this is compiled for has instructions. */
#ifndef TOUCHLINE_DOT_H
#define TOUCHLINE_DOT_H

#include "touchline_dsp.h"
#include "touchline_mve.h"

/* sum + w[0] * x[0] + ... */
static inline int32_t tl_dot(int32_t sum, const int8_t *w, const int8_t *x, int32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    for (; n > 0; n -= 16, w += 16, x += 16) {
        mve_pred16_t some = vctp8q((uint32_t)n);
        sum = vmladavaq_s8(sum, vldrbq_z_s8(w, some), vldrbq_z_s8(x, some));
    }
#else
#if TL_HAS_DSP
    for (; n >= 4; n -= 4, w += 4, x += 4) {
        uint32_t a = tl_load(w), b = tl_load(x);
        sum = tl_mac2(tl_odd(a), tl_odd(b), tl_mac2(tl_even(a), tl_even(b), sum));
    }
#endif
    for (int32_t i = 0; i < n; i++) sum += w[i] * x[i];
#endif
    return sum;
}

/* The same of two rows of weights, one after the other. */
static inline void tl_dot_two(int32_t sums[2], const int8_t *w, const int8_t *x, int32_t n)
{
    const int8_t *v = w + n;
    int32_t first = sums[0], second = sums[1];
#if defined(__ARM_FEATURE_MVE)
    for (; n > 0; n -= 16, w += 16, v += 16, x += 16) {
        mve_pred16_t some = vctp8q((uint32_t)n);
        int8x16_t values = vldrbq_z_s8(x, some);
        first = vmladavaq_s8(first, vldrbq_z_s8(w, some), values);
        second = vmladavaq_s8(second, vldrbq_z_s8(v, some), values);
    }
#else
#if TL_HAS_DSP
    for (; n >= 4; n -= 4, w += 4, v += 4, x += 4) {
        uint32_t a = tl_load(w), b = tl_load(v), even = tl_even(tl_load(x)), odd = tl_odd(tl_load(x));
        first = tl_mac2(tl_odd(a), odd, tl_mac2(tl_even(a), even, first));
        second = tl_mac2(tl_odd(b), odd, tl_mac2(tl_even(b), even, second));
    }
#endif
    for (int32_t i = 0; i < n; i++) first += w[i] * x[i], second += v[i] * x[i];
#endif
    sums[0] = first, sums[1] = second;
}

#endif
