/* TFLite's SVDF with a state of int8: features behind those of earlier frames, then a filter over time. */
#include <string.h>

#include "touchline_dot.h"
#include "touchline_kernels.h"

void tl_svdf_push_s8(const int8_t *features, const int8_t *state, int8_t *out, int32_t filters, int32_t memory, int32_t zero)
{
    for (int32_t i = 0; i < filters; i++, state += memory, out += memory) {
        memmove(out, state + 1, (size_t)(memory - 1));
        out[memory - 1] = (int8_t)(features[i] + zero); /* the lower bits, as the reference */
    }
}

void tl_svdf_time_s8(const tl_svdf_time *p, const int8_t *state, int8_t *out)
{
    const int8_t *w = p->weights;
    for (int32_t i = 0; i < p->units; i++, w += p->length, state += p->length) {
        int32_t sum = tl_dot(p->bias[i], w, state, p->length);
        out[i] = (int8_t)tl_clamp(tl_scale(sum, p->multiplier, p->shift) + p->out_zero, -128, 127);
    }
}
