/* RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR, the latter in 1/1024ths of a pixel as TFLite's integer kernel does it. */
#include <string.h>

#include "touchline_kernels.h"

void tl_resize_nearest_s8(const tl_resize_nearest *p, const int8_t *in, int8_t *out)
{
    for (int32_t y = 0; y < p->out_h; y++) {
        const int8_t *row = in + p->rows[y] * p->in_w * p->channels;
        for (int32_t x = 0; x < p->out_w; x++, out += p->channels) {
            memcpy(out, row + p->columns[x] * p->channels, (size_t)p->channels);
        }
    }
}

typedef struct {
    int32_t first, second, part; /* indices, and the distance from the first in 1/1024ths */
} tl_between;

static tl_between tl_place(int32_t i, int32_t scale, int32_t half_pixel, int32_t size)
{
    int32_t at = i * scale + (half_pixel ? scale / 2 - 512 : 0);
    tl_between place = {at / 1024, (at + 1023) / 1024, 0};
    if (place.first < 0) place.first = 0;
    if (place.second > size - 1) place.second = size - 1;
    place.part = at - 1024 * place.first;
    return place;
}

void tl_resize_bilinear_s8(const tl_resize_bilinear *p, const int8_t *in, int8_t *out)
{
    int32_t step = p->channels;
    for (int32_t y = 0; y < p->out_h; y++) {
        tl_between v = tl_place(y, p->scale_h, p->half_pixel, p->in_h);
        const int8_t *upper = in + v.first * p->in_w * step, *lower = in + v.second * p->in_w * step;
        for (int32_t x = 0; x < p->out_w; x++) {
            tl_between h = tl_place(x, p->scale_w, p->half_pixel, p->in_w);
            for (int32_t c = 0; c < step; c++) {
                int32_t top = upper[h.first * step + c] * (1024 - h.part) + upper[h.second * step + c] * h.part;
                int32_t bottom = lower[h.first * step + c] * (1024 - h.part) + lower[h.second * step + c] * h.part;
                int32_t value = top * (1024 - v.part) + bottom * v.part;
                *out++ = (int8_t)((value + (value > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}
