/* TFLite QUANTIZE between integers of 8, 16 and 32 bits. */
#include <string.h>

#include "touchline_arith.h"
#include "touchline_kernels.h"

static int32_t tl_read(const int8_t *at, const tl_requantise *p)
{
    int16_t half;
    int32_t word;
    if (p->in_bytes == 1) return p->in_signed ? *at : (uint8_t)*at;
    if (p->in_bytes == 2) {
        memcpy(&half, at, 2);
        return half;
    }
    memcpy(&word, at, 4);
    return word;
}

void tl_requantise_any(const tl_requantise *p, const int8_t *in, int8_t *out)
{
    for (int32_t i = 0; i < p->n; i++, in += p->in_bytes, out += p->out_bytes) {
        int32_t less = (int32_t)((uint32_t)tl_read(in, p) - (uint32_t)p->zero);
        int32_t made = tl_clamp(tl_scale(less, p->multiplier, p->shift) + p->out_zero, p->low, p->high);
        memcpy(out, &made, (size_t)p->out_bytes); /* cores that count bytes from the low end */
    }
}
