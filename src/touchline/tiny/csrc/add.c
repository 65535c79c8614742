/* TFLite ADD: both inputs to a common scale 2^20 finer than the coarser one, sum, and down to the output's scale. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

static inline int8_t tl_sum(const tl_add *p, int32_t a, int32_t b)
{
    int32_t sum = tl_scale(tl_left(a - p->zero1, 20), p->m1, p->s1) + tl_scale(tl_left(b - p->zero2, 20), p->m2, p->s2);
    return (int8_t)tl_clamp(tl_scale(sum, p->m_out, p->s_out) + p->out_zero, p->low, p->high);
}

void tl_add_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) out[i] = tl_sum(p, a[i], b[i]);
}

void tl_add_period_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0; i < n; i += period) {
        for (int32_t j = 0; j < period; j++) out[i + j] = tl_sum(p, a[i + j], b[j]);
    }
}
