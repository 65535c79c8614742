/* The fixed-point arithmetic all kernels share: gemmlowp's, as TFLite's reference kernels use it. */
#ifndef TOUCHLINE_ARITH_H
#define TOUCHLINE_ARITH_H

#include <stdint.h>

/* round(a * b / 2^31), ties upwards, saturated: SaturatingRoundingDoublingHighMul. */
static inline int32_t tl_high_mul(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* round(x / 2^e), ties away from zero, 0 <= e <= 31: RoundingDivideByPOT. */
static inline int32_t tl_round_shift(int32_t x, int32_t e)
{
    int32_t mask = (int32_t)((1u << e) - 1);
    return (x >> e) + ((x & mask) > (mask >> 1) + (x < 0));
}

/* x * 2^left, wrapping as two's complement does, without C's undefined overflow. */
static inline int32_t tl_left(int32_t x, int32_t left)
{
    return (int32_t)((uint32_t)x << left);
}

/* x * multiplier * 2^shift / 2^31: MultiplyByQuantizedMultiplier with two roundings. -31 <= shift <= 30. */
static inline int32_t tl_scale(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0) return tl_high_mul(tl_left(x, shift), multiplier);
    return tl_round_shift(tl_high_mul(x, multiplier), -shift);
}

static inline int32_t tl_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
