/* TFLite L2_NORMALIZATION: each row by one over its length, by Newton's method. */
#include "touchline_exp.h"
#include "touchline_kernels.h"

/* 1 / sqrt(x) = *made * 2^(the answer - 31), in Q3. */
static int32_t tl_inverse_root(int32_t x, int32_t *made)
{
    *made = INT32_MAX;
    if (x <= 1) return 0;
    int32_t shift = 11;
    for (; x >= 1 << 29; shift++) x /= 4;
    int32_t pairs = (tl_leading_zeros(x) - 1) / 2 - 1;
    shift -= pairs;
    int32_t fraction = tl_left(x, 2 * pairs) >> 1, half = tl_round_shift(fraction, 1), root = 1 << 28;
    for (int32_t i = 0; i < 5; i++) {
        int32_t cube = tl_saturating_left(tl_high_mul(tl_high_mul(root, root), root), 6);
        root = tl_saturating_left(tl_high_mul(3 << 27, root) - tl_high_mul(half, cube), 3);
    }
    *made = tl_high_mul(root, 1518500250); /* sqrt(1 / 2) */
    if (shift >= 0) return -shift;
    *made = tl_left(*made, -shift);
    return 0;
}

void tl_l2_norm_s8(const int8_t *in, int8_t *out, int32_t rows, int32_t depth, int32_t zero)
{
    for (int32_t row = 0; row < rows; row++, in += depth, out += depth) {
        int32_t sum = 0, multiplier;
        for (int32_t i = 0; i < depth; i++) sum += (in[i] - zero) * (in[i] - zero);
        int32_t shift = tl_inverse_root(sum, &multiplier) + 7;
        for (int32_t i = 0; i < depth; i++) {
            out[i] = (int8_t)tl_clamp(tl_scale(in[i] - zero, multiplier, shift), -128, 127);
        }
    }
}
