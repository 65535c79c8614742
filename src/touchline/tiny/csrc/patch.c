/* Gathering what lies under an output. */
#include "touchline_mve.h"
#include "touchline_patch.h"

static inline int8_t *tl_fill_small(int8_t *to, int32_t value, int32_t n)
{
    uint32_t four = (uint8_t)value * 0x01010101u;
    for (; n >= 4; n -= 4, to += 4) memcpy(to, &four, 4);
    for (; n > 0; n--) *to++ = (int8_t)value;
    return to;
}

static inline int8_t *tl_copy_small(int8_t *to, const int8_t *from, int32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    return tl_copy_bytes(to, from, n);
#endif
    for (; n >= 4; n -= 4, to += 4, from += 4) memcpy(to, from, 4);
    for (; n > 0; n--) *to++ = *from++;
    return to;
}

void tl_patch(const tl_conv *p, const tl_rows *rows, int32_t top, int32_t left, int8_t *to)
{
    int32_t size = p->kernel_w * p->in_c, channels = p->in_c, width = p->in_w;
    int32_t before = left < 0 ? -left : 0, after = left + p->kernel_w > width ? left + p->kernel_w - width : 0;
    before = before > p->kernel_w ? size : before * channels;
    after = after > p->kernel_w ? size : after * channels;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, top += p->dilation_h) {
        if (top < 0 || top >= p->in_h) {
            to = tl_fill_small(to, p->in_zero, size);
            continue;
        }
        const int8_t *row = tl_row(p, rows, top);
        if (p->dilation_w == 1) { /* a whole kernel row lies together */
            to = tl_fill_small(to, p->in_zero, before);
            to = tl_copy_small(to, row + (left * channels + before), size - before - after);
            to = tl_fill_small(to, p->in_zero, after);
        } else {
            for (int32_t x = left, end = left + p->kernel_w * p->dilation_w; x < end; x += p->dilation_w) {
                if (x < 0 || x >= width) {
                    to = tl_fill_small(to, p->in_zero, channels);
                } else {
                    to = tl_copy_small(to, row + x * channels, channels);
                }
            }
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
