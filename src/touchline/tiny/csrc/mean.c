/* TFLite MEAN and SUM over one run of axes. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_mean_s8(const tl_mean *p, const int8_t *in, int8_t *out)
{
    for (int32_t o = 0; o < p->outer; o++, in += p->count * p->inner) {
        for (int32_t i = 0; i < p->inner; i++) {
            const int8_t *at = in + i;
            int32_t sum = -p->count * p->in_zero;
            for (int32_t n = p->count; n > 0; n--, at += p->inner) sum += *at;
            *out++ = (int8_t)tl_clamp(tl_scale(sum, p->multiplier, p->shift) + p->out_zero, -128, 127);
        }
    }
}
