/* Depthwise convolution for Cortex-M55: eight channels of one position at a time, in 32 bits, even and odd ones apart. */
#include "touchline_mve.h"
#include "touchline_patch.h"

#if defined(__ARM_FEATURE_MVE)
/* w: [taps][8]; record: {bias, multiplier, shift}[4] of the even channels, then of the odd ones. */
static void tl_eight_channels(const tl_conv *p, const int8_t *const *taps, const int8_t *const *end, int32_t channel,
                              const int8_t *w, const int32_t *record, int8_t *to)
{
    int32x4_t even = vdupq_n_s32(0), odd = even;
    mve_pred16_t some = vctp16q((uint32_t)(p->in_c - channel));
    for (; taps != end; taps++, w += 8) {
        int16x8_t x = vldrbq_z_s16(*taps + channel, some), weight = vldrbq_s16(w);
        even = vaddq_s32(even, vmullbq_int_s16(x, weight));
        odd = vaddq_s32(odd, vmulltq_int_s16(x, weight));
    }
    even = tl_finish4(even, record, p->out_zero, p->low, p->high);
    odd = tl_finish4(odd, record + 12, p->out_zero, p->low, p->high);
    vstrbq_p_s16(to + channel, vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), even), odd), some);
}

void tl_depthwise_s8_mve(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t count = p->kernel_h * p->kernel_w;
    const int8_t **taps = scratch, *const *end = taps + count;
    int8_t *outside = (int8_t *)(taps + ((count + 1) & ~1));
    tl_rows rows = {in, outside + ((p->in_c + 7) & ~7), 0, p->in_w * p->in_c};
    memset(outside, p->in_zero, (size_t)p->in_c);
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++, to += p->out_c) {
            const int8_t *w = p->weights;
            const int32_t *record = p->channels;
            tl_find_taps(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, outside, taps);
            for (int32_t c = 0; c < p->in_c; c += 8, w += 8 * count, record += 24) {
                tl_eight_channels(p, taps, end, c, w, record, to);
            }
        }
    }
}
#endif
