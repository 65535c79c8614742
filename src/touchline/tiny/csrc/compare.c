/* Comparisons of two tensors, the second repeated; and the choice between two by what they give. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_compare_s8(const tl_compare *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n, int32_t period)
{
    for (int32_t i = 0, j = 0; i < n; i++) {
        int32_t x = tl_scale(256 * (a[i] - p->zero1), p->m1, p->s1);
        int32_t y = tl_scale(256 * (b[j] - p->zero2), p->m2, p->s2);
        out[i] = (p->holds & (x < y ? 1 : x == y ? 2 : 4)) != 0;
        if (++j == period) j = 0;
    }
}

void tl_select_s8(const int8_t *condition, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) out[i] = condition[i] ? a[i] : b[i];
}
