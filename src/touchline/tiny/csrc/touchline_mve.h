/* What the _mve kernels share. Empty where there is no Helium. */
#ifndef TOUCHLINE_MVE_H
#define TOUCHLINE_MVE_H

#include "touchline_kernels.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* tl_scale for four sums: shift to the left, high product, rounding shift with ties away from zero. */
static inline int32x4_t tl_scale4(int32x4_t x, int32x4_t multiplier, int32x4_t shift)
{
    int32x4_t zero = vdupq_n_s32(0), right = vminq_s32(shift, zero);
    x = vqrdmulhq_s32(vshlq_s32(x, vmaxq_s32(shift, zero)), multiplier);
    x = vqaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31)); /* -1 where x < 0 and there is a shift */
    return vrshlq_s32(x, right);
}

static inline int32x4_t tl_clamp4(int32x4_t x, int32_t low, int32_t high)
{
    return vminq_s32(vmaxq_s32(x, vdupq_n_s32(low)), vdupq_n_s32(high));
}

/* Four sums to four outputs; record: {bias[4], multiplier[4], shift[4]}. */
static inline int32x4_t tl_finish4(int32x4_t sum, const int32_t *record, int32_t out_zero, int32_t low, int32_t high)
{
    sum = vaddq_s32(sum, vld1q_s32(record));
    sum = tl_scale4(sum, vld1q_s32(record + 4), vld1q_s32(record + 8));
    return tl_clamp4(vaddq_n_s32(sum, out_zero), low, high);
}
#endif

#endif
