/* Fully connected, portable. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_fully_connected_s8(const tl_fully_connected *p, const int8_t *in, int8_t *out)
{
    for (int32_t batch = 0; batch < p->batches; batch++, in += p->inputs) {
        const int8_t *w = p->weights;
        const int32_t *channel = p->channels;
        for (int32_t o = 0; o < p->outputs; o++, channel += 3) {
            int32_t sum = channel[0];
            for (int32_t k = 0; k < p->inputs; k++) sum += in[k] * *w++;
            sum = tl_scale(sum, channel[1], channel[2]) + p->out_zero;
            *out++ = (int8_t)tl_clamp(sum, p->low, p->high);
        }
    }
}
