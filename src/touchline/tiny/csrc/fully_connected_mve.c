/* Fully connected for Cortex-M55: four outputs at a time. */
#include "touchline_mve.h"

#if defined(__ARM_FEATURE_MVE)
void tl_fully_connected_s8_mve(const tl_fully_connected *p, const int8_t *in, int8_t *out)
{
    for (int32_t batch = 0; batch < p->batches; batch++, in += p->inputs, out += p->outputs) {
        const int8_t *w = p->weights;
        const int32_t *record = p->channels;
        for (int32_t o = 0; o < p->outputs; o += 4, record += 12) {
            int32_t a = 0, b = 0, c = 0, d = 0;
            const int8_t *x = in;
            for (int32_t left = p->inputs; left > 0; left -= 16, x += 16, w += 64) {
                int8x16_t some = vldrbq_z_s8(x, vctp8q((uint32_t)left)); /* zeros beyond the end */
                a = vmladavaq_s8(a, some, vldrbq_s8(w));
                b = vmladavaq_s8(b, some, vldrbq_s8(w + 16));
                c = vmladavaq_s8(c, some, vldrbq_s8(w + 32));
                d = vmladavaq_s8(d, some, vldrbq_s8(w + 48));
            }
            int32_t sums[4] = {a, b, c, d};
            int32x4_t made = tl_finish4(vld1q_s32(sums), record, p->out_zero, p->low, p->high);
            vstrbq_p_s32(out + o, made, vctp32q((uint32_t)(p->outputs - o)));
        }
    }
}
#endif
