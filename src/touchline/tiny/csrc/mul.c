/* TFLite MUL, with the second input repeated. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_mul_s8(const tl_mul *p, const int8_t *a, const int8_t *b, int8_t *out)
{
    for (int32_t i = 0, j = 0; i < p->n; i++) {
        int32_t product = (a[i] - p->zero1) * (b[j] - p->zero2);
        out[i] = (int8_t)tl_clamp(tl_scale(product, p->multiplier, p->shift) + p->out_zero, p->low, p->high);
        if (++j == p->period) j = 0;
    }
}
