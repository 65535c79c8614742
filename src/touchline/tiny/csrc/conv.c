/* Convolution, portable: gather the patch, then one dot product per output channel. */
#include "touchline_arith.h"
#include "touchline_patch.h"

static void tl_position(const tl_conv *p, const int8_t *patch, int8_t *to)
{
    int32_t size = p->kernel_h * p->kernel_w * p->in_c;
    const int8_t *w = p->weights;
    const int32_t *channel = p->channels;
    for (int32_t o = 0; o < p->out_c; o++, channel += 3) {
        int32_t sum = channel[0];
        for (int32_t k = 0; k < size; k++) sum += patch[k] * *w++;
        sum = tl_scale(sum, channel[1], channel[2]) + p->out_zero;
        to[o] = (int8_t)tl_clamp(sum, p->low, p->high);
    }
}

void tl_conv_s8(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int8_t *patch = scratch, *sum = patch + ((p->kernel_h * p->kernel_w * p->in_c + 3) & ~3);
    tl_rows rows = {in, sum + (p->add_with ? (2 * p->out_c + 7) & ~7 : 0), 0, p->in_w * p->in_c};
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++, to += p->out_c) {
            tl_patch(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, patch);
            if (p->add_with) {
                tl_position(p, patch, sum);
                p->add_with(p->add, sum, to, to, p->out_c);
            } else {
                tl_position(p, patch, to);
            }
        }
    }
}
