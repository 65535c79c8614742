/* Transposed convolution: each output gathers what the inputs would have scattered to it, so it needs no sums in memory. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

static int32_t tl_gather(const tl_conv *p, const int8_t *in, const int8_t *w, int32_t y, int32_t x)
{
    int32_t sum = 0;
    for (int32_t ky = 0; ky < p->kernel_h; ky++) {
        int32_t from_y = y + p->pad_top - ky;
        if (from_y < 0 || from_y % p->stride_h != 0 || from_y / p->stride_h >= p->in_h) continue;
        for (int32_t kx = 0; kx < p->kernel_w; kx++) {
            int32_t from_x = x + p->pad_left - kx;
            if (from_x < 0 || from_x % p->stride_w != 0 || from_x / p->stride_w >= p->in_w) continue;
            const int8_t *pixel = in + (from_y / p->stride_h * p->in_w + from_x / p->stride_w) * p->in_c;
            const int8_t *weight = w + (ky * p->kernel_w + kx) * p->in_c;
            for (int32_t c = 0; c < p->in_c; c++) sum += weight[c] * (pixel[c] - p->in_zero);
        }
    }
    return sum;
}

void tl_transposed_conv_s8(const tl_conv *p, const int8_t *in, int8_t *out)
{
    int32_t size = p->kernel_h * p->kernel_w * p->in_c;
    for (int32_t y = 0; y < p->out_h; y++) {
        for (int32_t x = 0; x < p->out_w; x++) {
            const int32_t *channel = p->channels;
            const int8_t *w = p->weights;
            for (int32_t o = 0; o < p->out_c; o++, channel += 3, w += size) {
                int32_t sum = tl_scale(channel[0] + tl_gather(p, in, w, y, x), channel[1], channel[2]) + p->out_zero;
                *out++ = (int8_t)tl_clamp(sum, p->low, p->high);
            }
        }
    }
}
