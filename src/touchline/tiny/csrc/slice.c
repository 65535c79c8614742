/* STRIDED_SLICE over four axes. */
#include "touchline_kernels.h"

void tl_slice_s8(const tl_slice *p, const int8_t *in, int8_t *out)
{
    int32_t step2 = p->in[3], step1 = step2 * p->in[2], step0 = step1 * p->in[1];
    for (int32_t i = 0; i < p->out[0]; i++) {
        const int8_t *a = in + (p->begin[0] + i * p->stride[0]) * step0;
        for (int32_t j = 0; j < p->out[1]; j++) {
            const int8_t *b = a + (p->begin[1] + j * p->stride[1]) * step1;
            for (int32_t k = 0; k < p->out[2]; k++) {
                const int8_t *c = b + (p->begin[2] + k * p->stride[2]) * step2 + p->begin[3];
                for (int32_t l = 0; l < p->out[3]; l++) *out++ = c[l * p->stride[3]];
            }
        }
    }
}
