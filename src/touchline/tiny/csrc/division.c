/* TFLite DIV: by a reciprocal in fixed point, the second input repeated. */
#include "touchline_exp.h"
#include "touchline_kernels.h"

/* a / b, b > 0. The numerator is raised as far as 32 bits hold it. */
static int32_t tl_quotient(const tl_div *p, int32_t a, int32_t b)
{
    int32_t zeros = tl_leading_zeros(b), headroom = 0;
    int32_t inverse = tl_one_over_one_plus((int32_t)(((uint32_t)b << zeros) - 0x80000000u));
    while (headroom < 31 && (int32_t)((uint32_t)a << (headroom + 1)) >> (headroom + 1) == a) headroom++;
    int32_t fine = tl_high_mul(tl_high_mul(tl_left(a, headroom), inverse), p->multiplier);
    int32_t right = 31 - zeros + headroom - p->shift;
    if (right > 31) return 0;
    return right < 0 ? tl_saturating_left(fine, -right > 30 ? 30 : -right) : tl_round_shift(fine, right);
}

void tl_div_s8(const tl_div *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        int32_t x = a[i] - p->zero1, y = b[j] - p->zero2;
        if (y < 0) x = -x, y = -y;
        int32_t made = y == 0 ? 256 * x : tl_quotient(p, x, y);
        out[i] = (int8_t)tl_clamp(tl_clamp(made, -256, 256) + p->out_zero, p->low, p->high);
        if (++j == period) j = 0;
    }
}
