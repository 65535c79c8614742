/* Depthwise convolution, portable, any channel multiplier. */
#include "touchline_arith.h"
#include "touchline_patch.h"

static int32_t tl_taps(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, int32_t in_c, const int8_t *w)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, top += p->dilation_h) {
        const int8_t *row = top >= 0 && top < p->in_h ? tl_row(p, rows, top) : NULL;
        for (int32_t kx = 0, x = left; kx < p->kernel_w; kx++, x += p->dilation_w, w += p->out_c) {
            sum += *w * (row && x >= 0 && x < p->in_w ? row[x * p->in_c + in_c] : p->in_zero);
        }
    }
    return sum;
}

void tl_depthwise_s8(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t multiplier = p->out_c / p->in_c;
    tl_rows rows = {in, scratch, 0, p->in_w * p->in_c};
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            const int8_t *w = p->weights;
            const int32_t *channel = p->channels;
            for (int32_t c = 0; c < p->in_c; c++) {
                for (int32_t m = 0; m < multiplier; m++, channel += 3) {
                    int32_t sum = channel[0] + tl_taps(p, &rows, y * p->stride_h - p->pad_top,
                                                       x * p->stride_w - p->pad_left, c, w++);
                    sum = tl_scale(sum, channel[1], channel[2]) + p->out_zero;
                    *to++ = (int8_t)tl_clamp(sum, p->low, p->high);
                }
            }
        }
    }
}
