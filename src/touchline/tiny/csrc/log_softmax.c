/* TFLite's fixed-point LOG_SOFTMAX: the sum of exponentials as in softmax, and its logarithm by a rational function. */
#include "touchline_exp.h"
#include "touchline_kernels.h"

static int32_t tl_half_sum(int32_t a, int32_t b)
{
    int64_t sum = (int64_t)a + b;
    return (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/* ln x of x >= 1 in Q12, result in Q5: x = 2^k * r with r around sqrt(sqrt(1/2)), k in quarters, from two candidates. */
static int32_t tl_log(int32_t x)
{
    const int32_t root = 1518500250, root_of_root = 1805811301;
    int32_t headroom = tl_leading_zeros(x) - 1;
    int32_t first = tl_saturating_left(tl_high_mul(tl_left(x, headroom), root), 1);
    int32_t first_power = (11 - headroom) * (1 << 25) + (1 << 23);
    headroom = tl_leading_zeros(tl_high_mul(x, root)) - 1;
    int32_t second = tl_saturating_left(x, headroom), second_power = (12 - headroom) * (1 << 25) - (1 << 23);
    int32_t r = first < second ? first : second, power = first_power > second_power ? first_power : second_power;
    int32_t p = tl_half_sum(r, root_of_root), q = 2 * (r - root_of_root), square = tl_high_mul(q, q);
    int32_t above = tl_high_mul(q, r) + tl_high_mul(tl_high_mul(q, square), 117049297);
    int32_t below = tl_high_mul(p, 1057819769 + q + tl_high_mul(127690142, square)) + tl_high_mul(638450708, q);
    int32_t fraction = tl_high_mul(tl_round_shift(above, 6), tl_one_over_one_plus(below));
    return tl_saturating_left(tl_high_mul(power, 1488522236) + fraction, 1);
}

void tl_log_softmax_s8(const tl_log_softmax *p, const int8_t *in, int8_t *out)
{
    for (int32_t row = 0; row < p->rows; row++, in += p->depth, out += p->depth) {
        int32_t largest, sum = tl_sum_of_exps(in, p->depth, p->multiplier, p->left_shift, p->diff_min, &largest);
        int32_t log = tl_log(sum), least = tl_scale(log + INT32_MIN, p->back, p->back_shift);
        if (least < p->diff_min - 1) least = p->diff_min - 1;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t difference = in[i] - largest, value = -128;
            if (difference > least) {
                value = 127 + tl_round_shift(tl_difference(difference, p->multiplier, p->left_shift) - log, 22);
            }
            out[i] = (int8_t)tl_clamp(value, -128, 127);
        }
    }
}
