/* The product of two matrices that are both computed at run time. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_matmul_s8(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch)
{
    int32_t next = p->transposed ? 1 : p->columns, next_column = p->transposed ? p->inner : 1;
    (void)scratch;
    for (int32_t i = 0; i < p->rows; i++, a += p->inner) {
        for (int32_t j = 0; j < p->columns; j++) {
            const int8_t *at = b + j * next_column;
            int32_t sum = p->bias ? p->bias[j] : 0;
            for (int32_t k = 0; k < p->inner; k++, at += next) sum += (a[k] - p->zero1) * (*at - p->zero2);
            sum = tl_scale(sum, p->multiplier, p->shift) + p->out_zero;
            *out++ = (int8_t)tl_clamp(sum, p->low, p->high);
        }
    }
}
