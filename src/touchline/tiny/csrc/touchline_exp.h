/* gemmlowp's exponential and reciprocal in fixed point. Qm below is an int32 with m integer bits and 31 - m fractional ones. */
#ifndef TOUCHLINE_EXP_H
#define TOUCHLINE_EXP_H

#include "touchline_arith.h"

static inline int32_t tl_saturating_left(int32_t x, int32_t e)
{
    if (x > INT32_MAX >> e) return INT32_MAX;
    if (x < INT32_MIN >> e) return INT32_MIN;
    return tl_left(x, e);
}

/* exp(a), a <= 0 in Q5, result in Q0: a Taylor series on [-1/4, 0), then a factor exp(-2^i) for each bit above. */
static inline int32_t tl_exp(int32_t a)
{
    static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t quarter = 1 << 24, exp_eighth = 1895147668, third = 715827883;
    if (a == 0) return INT32_MAX;
    int32_t low = (a & (quarter - 1)) - quarter, bits = low - a;
    int32_t x = tl_left(low, 5) + (1 << 28); /* around -1/8, in Q0 */
    int32_t x2 = tl_high_mul(x, x), x3 = tl_high_mul(x2, x), x4 = tl_high_mul(x2, x2);
    int32_t tail = tl_round_shift(tl_high_mul(tl_round_shift(x4, 2) + x3, third) + x2, 1);
    int32_t result = exp_eighth + tl_high_mul(exp_eighth, x + tail);
    for (int32_t i = 0; i < 7; i++) {
        if (bits >> (24 + i) & 1) result = tl_high_mul(result, factors[i]);
    }
    return result;
}

/* 1 / (1 + a), a in [0, 1) in Q0, result in Q0. */
static inline int32_t tl_one_over_one_plus(int32_t a)
{
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + tl_high_mul(half, -1010580540); /* 48/17 - 32/17 * half, in Q2 */
    for (int32_t i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - tl_high_mul(half, x);
        x += tl_saturating_left(tl_high_mul(x, error), 2);
    }
    return tl_saturating_left(x, 1);
}

/* Bits above the first one that is set; x > 0. */
static inline int32_t tl_leading_zeros(int32_t x)
{
    int32_t zeros = 0;
    while (!((uint32_t)x << zeros & 0x80000000u)) zeros++;
    return zeros;
}

/* One difference to the largest of a row, in Q5. */
static inline int32_t tl_difference(int32_t difference, int32_t multiplier, int32_t left_shift)
{
    return tl_high_mul(tl_left(difference, left_shift), multiplier);
}

/* Of a row of n: its largest, and the sum in Q12 of exp(difference to it). */
static inline int32_t tl_sum_of_exps(const int8_t *in, int32_t n, int32_t multiplier, int32_t left_shift, int32_t diff_min,
                                     int32_t *largest)
{
    int32_t sum = 0, most = -128;
    for (int32_t i = 0; i < n; i++) {
        if (in[i] > most) most = in[i];
    }
    for (int32_t i = 0; i < n; i++) {
        if (in[i] - most < diff_min) continue;
        sum += tl_round_shift(tl_exp(tl_difference(in[i] - most, multiplier, left_shift)), 12);
    }
    *largest = most;
    return sum;
}

#endif
