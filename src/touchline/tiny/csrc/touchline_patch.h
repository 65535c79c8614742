/* Where convolutions read: rows in place or saved in a ring, and the patch under one output as K dense bytes. */
#ifndef TOUCHLINE_PATCH_H
#define TOUCHLINE_PATCH_H

#include <string.h>

#include "touchline_kernels.h"

/* The input of a convolution that may overwrite it: rows below `saved` stand in the ring. */
typedef struct {
    const int8_t *in;
    int8_t *ring;
    int32_t saved, row_bytes;
} tl_rows;

static inline const int8_t *tl_row(const tl_conv *p, const tl_rows *rows, int32_t y)
{
    if (y < rows->saved) return rows->ring + y % p->ring_rows * rows->row_bytes;
    return rows->in + y * p->in_row;
}

/* Save the rows that output row y is about to overwrite. */
static inline void tl_save_rows(const tl_conv *p, tl_rows *rows, int32_t y)
{
    if (p->ring_rows == 0) return;
    int32_t end = (y + 1) * p->out_w * p->out_c;
    while (rows->saved < p->in_h && rows->saved * rows->row_bytes < end) {
        memcpy(rows->ring + rows->saved % p->ring_rows * rows->row_bytes, rows->in + rows->saved * p->in_row,
               (size_t)rows->row_bytes);
        rows->saved++;
    }
}

/* The patch whose first tap is at (top, left), dense, kernel_h * kernel_w * in_c bytes; what lies outside reads in_zero. */
void tl_patch(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, int8_t *to);

/* Where the taps of the output whose first tap is at (top, left) lie; those outside of the input at `outside`. */
void tl_find_taps(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, const int8_t *outside,
                  const int8_t **taps);

#endif
