/* Average and maximum pools over windows clipped to the input. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

typedef int32_t tl_window_fn(const int8_t *from, int32_t rows, int32_t columns, int32_t step, int32_t row_step);

static int32_t tl_average(const int8_t *from, int32_t rows, int32_t columns, int32_t step, int32_t row_step)
{
    int32_t sum = 0, count = rows * columns;
    for (; rows > 0; rows--, from += row_step) {
        const int8_t *at = from;
        for (int32_t n = columns; n > 0; n--, at += step) sum += *at;
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t tl_largest(const int8_t *from, int32_t rows, int32_t columns, int32_t step, int32_t row_step)
{
    int32_t largest = -128;
    for (; rows > 0; rows--, from += row_step) {
        const int8_t *at = from;
        for (int32_t n = columns; n > 0; n--, at += step) {
            if (*at > largest) largest = *at;
        }
    }
    return largest;
}

static void tl_pool_with(const tl_pool *p, const int8_t *in, int8_t *out, tl_window_fn *window)
{
    int32_t step = p->channels, row_step = p->in_w * step;
    for (int32_t y = 0, top = -p->pad_top; y < p->out_h; y++, top += p->stride_h) {
        int32_t y0 = top < 0 ? 0 : top, y1 = top + p->kernel_h > p->in_h ? p->in_h : top + p->kernel_h;
        for (int32_t x = 0, left = -p->pad_left; x < p->out_w; x++, left += p->stride_w) {
            int32_t x0 = left < 0 ? 0 : left, x1 = left + p->kernel_w > p->in_w ? p->in_w : left + p->kernel_w;
            const int8_t *from = in + y0 * row_step + x0 * step;
            for (int32_t c = 0; c < step; c++) {
                int32_t value = window(from + c, y1 - y0, x1 - x0, step, row_step);
                *out++ = (int8_t)tl_clamp(value, p->low, p->high);
            }
        }
    }
}

void tl_average_pool_s8(const tl_pool *p, const int8_t *in, int8_t *out)
{
    tl_pool_with(p, in, out, tl_average);
}

void tl_max_pool_s8(const tl_pool *p, const int8_t *in, int8_t *out)
{
    tl_pool_with(p, in, out, tl_largest);
}
