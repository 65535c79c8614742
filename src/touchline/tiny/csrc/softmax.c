/* TFLite's fixed-point softmax: exp on [-32, 0] and a reciprocal by Newton's method. */
#include "touchline_exp.h"
#include "touchline_kernels.h"

void tl_softmax_s8(const tl_softmax *p, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t largest, sum = tl_sum_of_exps(in, p->depth, p->multiplier, p->left_shift, p->diff_min, &largest);
        int32_t zeros = tl_leading_zeros(sum);
        int32_t scale = tl_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = in[i] - largest, value = -128;
            if (difference >= p->diff_min) {
                int32_t e = tl_exp(tl_difference(difference, p->multiplier, p->left_shift));
                value += tl_round_shift(tl_high_mul(scale, e), 12 - zeros + 23);
            }
            out[i] = (int8_t)tl_clamp(value, -128, 127);
        }
    }
}
