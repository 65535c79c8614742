/* Gathering what lies under an output. */
#include "touchline_mve.h"
#include "touchline_patch.h"

static inline void tl_copy_small(int8_t *to, const int8_t *from, int32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    __asm__ volatile(
        "wlstp.8 lr, %[n], 2f\n"
        "1:\n"
        "vldrb.8 q0, [%[from]], #16\n"
        "vstrb.8 q0, [%[to]], #16\n"
        "letp lr, 1b\n"
        "2:\n"
        : [to] "+l"(to), [from] "+l"(from)
        : [n] "r"(n)
        : "lr", "d0", "d1", "memory");
#else
    for (; n >= 4; n -= 4, to += 4, from += 4) memcpy(to, from, 4);
    for (; n > 0; n--) *to++ = *from++;
#endif
}

/* Of `count` taps from `first` on, `step` apart, those within 0 .. size: [*begin, *end). */
static void tl_inside(int32_t first, int32_t step, int32_t count, int32_t size, int32_t *begin, int32_t *end)
{
    *begin = first < 0 ? (-first + step - 1) / step : 0;
    *end = first >= size ? 0 : (size - 1 - first) / step + 1;
    if (*end > count) *end = count;
}

void tl_patch(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, int8_t *to)
{
    int32_t channels = p->in_c, size = p->kernel_w * channels, y0 = 0, y1 = p->kernel_h, x0 = 0, x1 = p->kernel_w;
    if (top < 0 || left < 0 || top + (y1 - 1) * p->dilation_h >= p->in_h || left + (x1 - 1) * p->dilation_w >= p->in_w) {
        tl_inside(top, p->dilation_h, p->kernel_h, p->in_h, &y0, &y1);
        tl_inside(left, p->dilation_w, p->kernel_w, p->in_w, &x0, &x1);
        memset(to, p->in_zero, (size_t)(p->kernel_h * size));
        if (x0 >= x1) return;
    }
    int32_t block = p->dilation_w == 1 ? x1 - x0 : 1; /* a whole kernel row lies together */
    int32_t bytes = block * channels, first = (left + x0 * p->dilation_w) * channels;
    to += y0 * size + x0 * channels;
    for (int32_t ky = y0; ky < y1; ky++, to += size) {
        const int8_t *from = tl_row(p, rows, top + ky * p->dilation_h) + first;
        tl_copy_small(to, from, bytes);
        for (int32_t kx = x0 + block; kx < x1; kx++) {
            from += p->dilation_w * channels;
            tl_copy_small(to + (kx - x0) * channels, from, bytes);
        }
    }
}

void tl_find_taps(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, const int8_t *outside,
                  const int8_t **taps)
{
    for (int32_t ky = 0; ky < p->kernel_h; ky++, top += p->dilation_h) {
        const int8_t *row = top >= 0 && top < p->in_h ? tl_row(p, rows, top) : NULL;
        for (int32_t kx = 0, x = left; kx < p->kernel_w; kx++, x += p->dilation_w) {
            *taps++ = row && x >= 0 && x < p->in_w ? row + x * p->in_c : outside;
        }
    }
}
