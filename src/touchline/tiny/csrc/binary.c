/* SUB, SQUARED_DIFFERENCE, PRELU, MAXIMUM and MINIMUM, the second input repeated. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_sub_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        int32_t first = tl_scale(tl_left(a[i] - p->zero1, 20), p->m1, p->s1);
        int32_t second = tl_scale(tl_left(b[j] - p->zero2, 20), p->m2, p->s2);
        out[i] = (int8_t)tl_clamp(tl_scale(first - second, p->m_out, p->s_out) + p->out_zero, p->low, p->high);
        if (++j == period) j = 0;
    }
}

void tl_squared_difference_s8(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        int32_t difference = tl_scale(tl_left(a[i] - p->zero1, 7), p->m1, p->s1);
        difference -= tl_scale(tl_left(b[j] - p->zero2, 7), p->m2, p->s2);
        int32_t square = tl_scale(difference * difference, p->m_out, p->s_out);
        out[i] = (int8_t)tl_clamp(square + p->out_zero, p->low, p->high);
        if (++j == period) j = 0;
    }
}

void tl_prelu_s8(const tl_prelu *p, const int8_t *in, const int8_t *alpha, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        int32_t x = in[i] - p->zero;
        int32_t scaled = x >= 0 ? tl_scale(x, p->m_positive, p->s_positive)
                                : tl_scale(x * (alpha[j] - p->alpha_zero), p->m_negative, p->s_negative);
        out[i] = (int8_t)tl_clamp(scaled + p->out_zero, -128, 127);
        if (++j == period) j = 0;
    }
}

void tl_maximum_s8(const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        out[i] = a[i] > b[j] ? a[i] : b[j];
        if (++j == period) j = 0;
    }
}

void tl_minimum_s8(const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        out[i] = a[i] < b[j] ? a[i] : b[j];
        if (++j == period) j = 0;
    }
}
