/* GATHER and EMBEDDING_LOOKUP by int32 indices that are computed, held within what there is. */
#include <string.h>

#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_gather_s8(const tl_pick *p, const int8_t *in, const int8_t *indices, int8_t *out)
{
    for (int32_t o = 0; o < p->outer; o++, in += p->entries * p->inner) {
        for (int32_t i = 0; i < p->count; i++, out += p->inner) {
            int32_t index;
            memcpy(&index, indices + 4 * i, 4);
            if (p->wraps && index < 0) index += p->entries;
            memcpy(out, in + tl_clamp(index, 0, p->entries - 1) * p->inner, (size_t)p->inner);
        }
    }
}
