/* PAD: write the output in order, from the input or the value. */
#include <string.h>

#include "touchline_kernels.h"

static int8_t *tl_pad_axis(const tl_pad *p, int32_t axis, const int8_t **in, int8_t *out, int32_t size)
{
    int32_t inner = size / (p->before[axis] + p->in[axis] + p->after[axis]);
    memset(out, p->value, (size_t)(p->before[axis] * inner));
    out += p->before[axis] * inner;
    if (axis == 3) {
        memcpy(out, *in, (size_t)p->in[3]);
        *in += p->in[3];
        out += p->in[3];
    } else {
        for (int32_t i = 0; i < p->in[axis]; i++) out = tl_pad_axis(p, axis + 1, in, out, inner);
    }
    memset(out, p->value, (size_t)(p->after[axis] * inner));
    return out + p->after[axis] * inner;
}

void tl_pad_s8(const tl_pad *p, const int8_t *in, int8_t *out)
{
    int32_t size = 1;
    for (int32_t i = 0; i < 4; i++) size *= p->before[i] + p->in[i] + p->after[i];
    tl_pad_axis(p, 0, &in, out, size);
}
