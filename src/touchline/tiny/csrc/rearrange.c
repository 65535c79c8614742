/* Elements in another order: transpositions, reversals, repetitions. */
#include <string.h>

#include "touchline_kernels.h"

static int8_t *tl_move(const tl_rearrange *p, int32_t axis, const int8_t *in, int8_t *out)
{
    int32_t size = p->size[axis], stride = p->stride[axis];
    if (axis == 5 && stride == 1) {
        memcpy(out, in, (size_t)size);
        return out + size;
    }
    for (int32_t i = 0; i < size; i++) {
        if (axis == 5) {
            *out++ = in[i * stride];
        } else {
            out = tl_move(p, axis + 1, in + i * stride, out);
        }
    }
    return out;
}

void tl_rearrange_s8(const tl_rearrange *p, const int8_t *in, int8_t *out)
{
    tl_move(p, 0, in + p->offset, out);
}
