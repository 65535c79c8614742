/* Gathering a patch. */
#include "touchline_patch.h"

void tl_patch(const tl_conv *p, const tl_rows *rows, int32_t y, int32_t x, int8_t *to)
{
    int32_t channels = p->in_c, width = p->kernel_w, block = 1, steps = width;
    int32_t top = y * p->stride_h - p->pad_top, left = x * p->stride_w - p->pad_left;
    if (p->dilation_w == 1) block = width, steps = 1; /* a whole kernel row lies together */
    for (int32_t ky = 0; ky < p->kernel_h; ky++, top += p->dilation_h) {
        if (top < 0 || top >= p->in_h) {
            tl_fill_small(to, p->in_zero, width * channels);
            to += width * channels;
            continue;
        }
        const int8_t *row = tl_row(p, rows, top);
        for (int32_t step = 0, ix = left; step < steps; step++, ix += p->dilation_w) {
            int32_t before = ix < 0 ? -ix : 0, after = ix + block > p->in_w ? ix + block - p->in_w : 0;
            if (before > block) before = block;
            if (after > block) after = block;
            int32_t inside = block - before - after;
            tl_fill_small(to, p->in_zero, before * channels);
            to += before * channels;
            if (inside > 0) {
                tl_copy_small(to, row + (ix + before) * channels, inside * channels);
                to += inside * channels;
            }
            tl_fill_small(to, p->in_zero, after * channels);
            to += after * channels;
        }
    }
}
