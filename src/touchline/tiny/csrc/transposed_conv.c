/* Transposed convolution: each output gathers what the inputs would have scattered to it, so it needs no sums in memory. */
#include "touchline_dot.h"
#include "touchline_kernels.h"

/* Taps of one axis that reach output `at` (padding added): from *first on, `stride` apart, up to *last. */
static void tl_reaching(int32_t at, int32_t stride, int32_t kernel, int32_t size, int32_t *first, int32_t *last)
{
    *first = at % stride;
    while (at - *first >= stride * size) *first += stride;
    *last = at < kernel ? at : kernel - 1;
}

void tl_transposed_conv_s8(const tl_conv *p, const int8_t *in, int8_t *out)
{
    int32_t taps = p->kernel_h * p->kernel_w;
    for (int32_t y = 0; y < p->out_h; y++) {
        int32_t ky0, ky1, at_y = y + p->pad_top;
        tl_reaching(at_y, p->stride_h, p->kernel_h, p->in_h, &ky0, &ky1);
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t kx0, kx1, at_x = x + p->pad_left;
            tl_reaching(at_x, p->stride_w, p->kernel_w, p->in_w, &kx0, &kx1);
            const int32_t *channel = p->channels, *zeros = channel + 3 * p->out_c;
            const int8_t *w = p->weights;
            for (int32_t o = 0; o < p->out_c; o++, channel += 3, zeros += taps, w += taps * p->in_c) {
                int32_t sum = channel[0];
                for (int32_t ky = ky0; ky <= ky1; ky += p->stride_h) {
                    int32_t pixel = (at_y - ky) / p->stride_h * p->in_row + (at_x - kx0) / p->stride_w * p->in_c;
                    for (int32_t kx = kx0; kx <= kx1; kx += p->stride_w, pixel -= p->in_c) {
                        int32_t tap = ky * p->kernel_w + kx;
                        sum = tl_dot(sum - zeros[tap], w + tap * p->in_c, in + pixel, p->in_c);
                    }
                }
                sum = tl_scale(sum, channel[1], channel[2]) + p->out_zero;
                *out++ = (int8_t)tl_clamp(sum, p->low, p->high);
            }
        }
    }
}
