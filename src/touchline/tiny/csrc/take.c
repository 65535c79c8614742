/* GATHER and MIRROR_PAD: entries of one axis, by number. */
#include <string.h>

#include "touchline_kernels.h"

void tl_take_s8(const tl_take *p, const int8_t *in, int8_t *out)
{
    for (int32_t o = 0; o < p->outer; o++, in += p->in_step) {
        for (int32_t i = 0; i < p->count; i++, out += p->inner) {
            memcpy(out, in + p->indices[i] * p->inner, (size_t)p->inner);
        }
    }
}
