/* ARG_MAX and ARG_MIN over the middle of [outer][count][inner]; the first of equals. */
#include <string.h>

#include "touchline_kernels.h"

void tl_arg_max_s8(const tl_arg_max *p, const int8_t *in, int8_t *out)
{
    for (int32_t o = 0; o < p->outer; o++, in += p->count * p->inner) {
        for (int32_t i = 0; i < p->inner; i++, out += p->bytes) {
            const int8_t *at = in + i;
            int32_t best = *at;
            int64_t index = 0;
            for (int32_t n = 1; n < p->count; n++) {
                at += p->inner;
                if (p->least ? *at < best : *at > best) best = *at, index = n;
            }
            memcpy(out, &index, (size_t)p->bytes); /* cores that count bytes from the low end */
        }
    }
}
