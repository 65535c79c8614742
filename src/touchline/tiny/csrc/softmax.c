/* TFLite's fixed-point softmax: gemmlowp's exp on [-32, 0] and reciprocal by Newton's method. Qm below is an int32 with m
 * integer bits and 31 - m fractional ones. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

static int32_t tl_saturating_left(int32_t x, int32_t e)
{
    if (x > INT32_MAX >> e) return INT32_MAX;
    if (x < INT32_MIN >> e) return INT32_MIN;
    return tl_left(x, e);
}

/* exp(a), a <= 0 in Q5, result in Q0: a Taylor series on [-1/4, 0), then a factor exp(-2^i) for each bit above. */
static int32_t tl_exp(int32_t a)
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
static int32_t tl_one_over_one_plus(int32_t a)
{
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + tl_high_mul(half, -1010580540); /* 48/17 - 32/17 * half, in Q2 */
    for (int32_t i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - tl_high_mul(half, x);
        x += tl_saturating_left(tl_high_mul(x, error), 2);
    }
    return tl_saturating_left(x, 1);
}

void tl_softmax_s8(const tl_softmax *p, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t largest = -128, sum = 0, zeros = 0;
        for (int32_t i = 0; i < p->depth; i++) {
            if (in[i] > largest) largest = in[i];
        }
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = in[i] - largest;
            if (difference < p->diff_min) continue;
            sum += tl_round_shift(tl_exp(tl_high_mul(tl_left(difference, p->left_shift), p->multiplier)), 12);
        }
        while (!((uint32_t)sum << zeros & 0x80000000u)) zeros++;
        int32_t scale = tl_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = in[i] - largest, value = -128;
            if (difference >= p->diff_min) {
                int32_t e = tl_exp(tl_high_mul(tl_left(difference, p->left_shift), p->multiplier));
                value += tl_round_shift(tl_high_mul(scale, e), 12 - zeros + 23);
            }
            out[i] = (int8_t)tl_clamp(value, -128, 127);
        }
    }
}
