/* TFLite's SVDF with a state of int16. */
#include <string.h>

#include "touchline_dot.h"
#include "touchline_kernels.h"

void tl_svdf_state_s16(const tl_svdf_state *p, const int8_t *in, const int8_t *state, int8_t *out)
{
    const int8_t *w = p->weights;
    for (int32_t i = 0; i < p->filters; i++, w += p->inputs, state += 2 * p->memory, out += 2 * p->memory) {
        int32_t sum = tl_scale(tl_dot(p->bias[i], w, in, p->inputs), p->multiplier, p->shift);
        int16_t made = (int16_t)(tl_clamp(sum, INT16_MIN, INT16_MAX) + p->zero);
        memmove(out, state + 2, (size_t)(2 * p->memory - 2));
        memcpy(out + 2 * p->memory - 2, &made, 2);
    }
}

void tl_svdf_time_s16(const tl_svdf_time *p, const int8_t *state, int8_t *out)
{
    const int16_t *w = p->weights;
    for (int32_t i = 0; i < p->units; i++, w += p->length) {
        uint32_t total = (uint32_t)p->bias[i]; /* wraps as 32 bits do */
        for (int32_t k = 0; k < p->length; k++, state += 2) {
            int16_t value;
            memcpy(&value, state, 2);
            total += (uint32_t)(w[k] * value);
        }
        int32_t made = tl_scale((int32_t)total, p->multiplier, p->shift) + p->out_zero;
        out[i] = (int8_t)tl_clamp(made, -128, 127);
    }
}
