/* Softmax of int8 with an output of int16. */
#include <string.h>

#include "touchline_exp.h"
#include "touchline_kernels.h"

void tl_softmax_s8_s16(const tl_softmax *p, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->depth) {
        int32_t largest, sum = tl_sum_of_exps(in, p->depth, p->multiplier, p->left_shift, p->diff_min, &largest);
        int32_t zeros = tl_leading_zeros(sum);
        int32_t scale = tl_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        for (int32_t i = 0; i < p->depth; i++, out += 2) {
            int32_t difference = in[i] - largest, value = INT16_MIN;
            if (difference >= p->diff_min) {
                int32_t e = tl_exp(tl_difference(difference, p->multiplier, p->left_shift));
                value += tl_round_shift(tl_high_mul(scale, e), 12 - zeros + 15);
            }
            int16_t made = (int16_t)tl_clamp(value, INT16_MIN, INT16_MAX);
            memcpy(out, &made, 2);
        }
    }
}
