/* The product of two matrices for Cortex-M55: four columns at a time. */
#include <string.h>

#include "touchline_mve.h"

#if defined(__ARM_FEATURE_MVE)
/* One row's products with four columns, each `apart` bytes from the next, and the row's own sum. */
static inline int32x4_t tl_row_by_four(const int8_t *row, const int8_t *column, int32_t apart, int32_t inner, int32_t *total)
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, own = 0;
    const int8_t *c1 = column + apart, *c2 = c1 + apart, *c3 = c2 + apart;
    for (int32_t left = inner; left > 0; left -= 16, row += 16, column += 16, c1 += 16, c2 += 16, c3 += 16) {
        mve_pred16_t some = vctp8q((uint32_t)left);
        int8x16_t x = vldrbq_z_s8(row, some);
        s0 = vmladavaq_s8(s0, x, vldrbq_z_s8(column, some));
        s1 = vmladavaq_s8(s1, x, vldrbq_z_s8(c1, some));
        s2 = vmladavaq_s8(s2, x, vldrbq_z_s8(c2, some));
        s3 = vmladavaq_s8(s3, x, vldrbq_z_s8(c3, some));
        own = vaddvaq_s8(own, x);
    }
    int32_t sums[4] = {s0, s1, s2, s3};
    *total = own;
    return vld1q_s32(sums);
}

/* `wide` columns from j on, one after another. */
static void tl_columns(const tl_matmul *p, const int8_t *b, int32_t j, int32_t wide, int8_t *made)
{
    int32_t inner = p->inner;
    if (p->transposed) {
        memcpy(made, b + j * inner, (size_t)(wide * inner));
        return;
    }
    b += j;
    for (int32_t k = 0; k < inner; k++, b += p->columns) {
        for (int32_t c = 0; c < wide; c++) made[c * inner + k] = b[c];
    }
}

void tl_matmul_s8_mve(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch)
{
    int32_t inner = p->inner, columns = p->columns;
    int32x4_t multiplier = vdupq_n_s32(p->multiplier), shift = vdupq_n_s32(p->shift);
    for (int32_t j = 0; j < columns; j += 4) {
        int32_t wide = columns - j < 4 ? columns - j : 4, first[4] = {0};
        tl_columns(p, b, j, wide, scratch);
        const int8_t *column = scratch;
        for (int32_t c = 0; c < wide; c++) {
            int32_t total = 0;
            for (int32_t left = inner; left > 0; left -= 16) {
                total = vaddvaq_s8(total, vldrbq_z_s8(column + inner - left, vctp8q((uint32_t)left)));
            }
            column += inner;
            first[c] = (p->bias ? p->bias[j + c] : 0) + p->zero1 * (inner * p->zero2 - total);
        }
        mve_pred16_t some = vctp32q((uint32_t)wide);
        int8_t *to = out + j;
        const int8_t *row = a;
        for (int32_t i = 0; i < p->rows; i++, row += inner, to += columns) {
            int32_t own;
            int32x4_t sums = tl_row_by_four(row, scratch, inner, inner, &own);
            sums = vaddq_n_s32(vaddq_s32(sums, vld1q_s32(first)), -own * p->zero2);
            sums = vaddq_n_s32(tl_scale4(sums, multiplier, shift), p->out_zero);
            vstrbq_p_s32(to, tl_clamp4(sums, p->low, p->high), some);
        }
    }
}
#endif
