/* The product of two matrices for Cortex-M with DSP: two rows by two columns at a time. */
#include "touchline_dsp.h"
#include "touchline_kernels.h"

/* Column j and the one after it less their zero point, as int16, four k at a time: k 0 and 2 of the first, 1 and 3; then of the
 * second. What is beyond the last k or column is nought. first[c]: what a sum of column c begins with. */
static void tl_two_columns(const tl_matmul *p, const int8_t *b, int32_t j, int16_t *made, int32_t first[2])
{
    static const uint8_t place[4] = {0, 2, 1, 3};
    int32_t next = p->transposed ? 1 : p->columns, next_column = p->transposed ? p->inner : 1;
    memset(made, 0, (size_t)((p->inner + 3) / 4 * 16));
    for (int32_t c = 0; c < 2; c++, made += 4) {
        first[c] = 0;
        if (j + c == p->columns) return;
        const int8_t *at = b + (j + c) * next_column;
        int32_t total = 0;
        for (int32_t k = 0; k < p->inner; k++, at += next) {
            int32_t value = *at - p->zero2;
            made[k / 4 * 8 + place[k % 4]] = (int16_t)value;
            total += value;
        }
        first[c] = (p->bias ? p->bias[j + c] : 0) - p->zero1 * total;
    }
}

/* sums[row][column] += one row's and the other's products of four k. */
#define TL_FOUR(word0, word1)                                                     \
    do {                                                                          \
        uint32_t even0 = tl_even(word0), odd0 = tl_odd(word0);                    \
        uint32_t even1 = tl_even(word1), odd1 = tl_odd(word1);                    \
        s00 = tl_mac2(w[1], odd0, tl_mac2(w[0], even0, s00));                     \
        s01 = tl_mac2(w[3], odd0, tl_mac2(w[2], even0, s01));                     \
        s10 = tl_mac2(w[1], odd1, tl_mac2(w[0], even1, s10));                     \
        s11 = tl_mac2(w[3], odd1, tl_mac2(w[2], even1, s11));                     \
        w += 4;                                                                   \
    } while (0)

static void tl_two_rows(const tl_matmul *p, const int8_t *a0, const int8_t *a1, const uint32_t *w, const int32_t first[2],
                        int32_t sums[4])
{
    int32_t s00 = first[0], s01 = first[1], s10 = first[0], s11 = first[1];
    const int8_t *end = a0 + (p->inner & ~3);
    for (; a0 != end; a0 += 4, a1 += 4) {
        uint32_t word0 = tl_load(a0), word1 = tl_load(a1);
        TL_FOUR(word0, word1);
    }
    if (p->inner & 3) { /* what is beyond a multiple of four */
        uint32_t word0 = 0, word1 = 0;
        memcpy(&word0, a0, (size_t)(p->inner & 3));
        memcpy(&word1, a1, (size_t)(p->inner & 3));
        TL_FOUR(word0, word1);
    }
    sums[0] = s00, sums[1] = s01, sums[2] = s10, sums[3] = s11;
}

void tl_matmul_s8_dsp(const tl_matmul *p, const int8_t *a, const int8_t *b, int8_t *out, void *scratch)
{
    for (int32_t j = 0; j < p->columns; j += 2) {
        int32_t first[2], sums[4], wide = p->columns - j > 1 ? 2 : 1;
        tl_two_columns(p, b, j, scratch, first);
        for (int32_t i = 0; i < p->rows; i += 2) {
            int32_t high = p->rows - i > 1 ? 2 : 1;
            const int8_t *row = a + i * p->inner;
            tl_two_rows(p, row, high > 1 ? row + p->inner : row, scratch, first, sums);
            for (int32_t r = 0; r < high; r++) {
                for (int32_t c = 0; c < wide; c++) {
                    int32_t made = tl_scale(sums[2 * r + c], p->multiplier, p->shift) + p->out_zero;
                    out[(i + r) * p->columns + j + c] = (int8_t)tl_clamp(made, p->low, p->high);
                }
            }
        }
    }
}
