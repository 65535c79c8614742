/* Depthwise convolution for Cortex-M55: sixteen channels of one position at a time.
 *
 * VMULLB and VMULLT multiply even and odd bytes to 16 bits; a second pair halves the rest to 32. So four sums hold channels 0 4 8 12,
 * 2 6 10 14, 1 5 9 13 and 3 7 11 15, and narrowing twice puts them back in order. Records are packed that way. */
#include "touchline_mve.h"
#include "touchline_patch.h"

#if defined(__ARM_FEATURE_MVE)
/* What the fast channels read, in this order. */
typedef struct {
    const int8_t *const *taps;
    int32_t pairs; /* of taps */
    const int32_t *record;
    const int8_t *w;
    int8_t *to;
    int32_t left; /* channels, a multiple of sixteen */
    int32_t zero;
} tl_job;

/* Where two taps' products fit 16 bits together (no weight is -128), all shifts are negative, and the clamp is int8's. */
__attribute__((naked, noinline)) static void tl_fast_channels(__attribute__((unused)) const tl_job *job)
{
    __asm__ volatile(
        ".macro tl_finish x, record\n"
        "vldrw.32 q4, [r4, \\record + 16]\n" /* multiplier, shift */
        "vldrw.32 q5, [r4, \\record + 32]\n"
        "vqrdmulh.s32 \\x, \\x, q4\n"
        "vshr.s32 q4, \\x, #31\n"
        "vqadd.s32 \\x, \\x, q4\n"
        "vrshl.s32 \\x, \\x, q5\n"
        "vadd.i32 \\x, \\x, r8\n"
        ".endm\n"
        "push {r4-r10, lr}\n"
        "vpush {d8-d15}\n"
        "ldm r0, {r2-r8}\n" /* taps, pairs, record, w, to, left, zero */
        "mov r9, #0\n"      /* the channel */
        "0:\n"
        "mov r0, r2\n"
        "vldrw.32 q0, [r4]\n" /* the sums begin as the bias */
        "vldrw.32 q1, [r4, #48]\n"
        "vldrw.32 q2, [r4, #96]\n"
        "vldrw.32 q3, [r4, #144]\n"
        "dls lr, r3\n"
        "1:\n"
        "ldrd r1, r10, [r0], #8\n"
        "add r1, r1, r9\n"
        "add r10, r10, r9\n"
        "vldrb.8 q4, [r1]\n"
        "vldrb.8 q5, [r5]\n"
        "vmullb.s8 q6, q4, q5\n"
        "vldrb.8 q4, [r10]\n"
        "vldrb.8 q5, [r5, #16]\n"
        "vmullb.s8 q7, q4, q5\n"
        "vadd.i16 q6, q6, q7\n"
        "vmullt.s8 q7, q4, q5\n"
        "vldrb.8 q4, [r1]\n"
        "vldrb.8 q5, [r5], #32\n"
        "vmullt.s8 q4, q4, q5\n"
        "vadd.i16 q7, q7, q4\n"
        "vmovlb.s16 q4, q6\n"
        "vadd.i32 q0, q0, q4\n"
        "vmovlt.s16 q4, q6\n"
        "vadd.i32 q1, q1, q4\n"
        "vmovlb.s16 q4, q7\n"
        "vadd.i32 q2, q2, q4\n"
        "vmovlt.s16 q4, q7\n"
        "vadd.i32 q3, q3, q4\n"
        "le lr, 1b\n"
        "tl_finish q0, #0\n"
        "tl_finish q1, #48\n"
        "tl_finish q2, #96\n"
        "tl_finish q3, #144\n"
        "add r4, r4, #192\n"
        "vqmovnb.s32 q0, q0\n"
        "vqmovnt.s32 q0, q1\n"
        "vqmovnb.s32 q2, q2\n"
        "vqmovnt.s32 q2, q3\n"
        "vqmovnb.s16 q0, q0\n"
        "vqmovnt.s16 q0, q2\n"
        "vstrb.8 q0, [r6], #16\n"
        "add r9, r9, #16\n"
        "subs r7, r7, #16\n"
        "bne 0b\n"
        "vpop {d8-d15}\n"
        "pop {r4-r10, pc}\n"
        ".purgem tl_finish\n");
}

/* Any up to sixteen channels. */
static void tl_some_channels(const tl_conv *p, const int8_t *const *taps, const int8_t *const *end, int32_t channel,
                             int8_t *to)
{
    const int8_t *w = (const int8_t *)p->weights + channel * (end - taps);
    const int32_t *record = p->channels + 3 * channel;
    int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    mve_pred16_t some = vctp8q((uint32_t)(p->in_c - channel));
    for (; taps != end; taps++, w += 16) {
        int8x16_t x = vldrbq_z_s8(*taps + channel, some), weight = vldrbq_s8(w);
        int16x8_t even = vmullbq_int_s8(x, weight), odd = vmulltq_int_s8(x, weight);
        sums[0] = vaddq_s32(sums[0], vmovlbq_s16(even));
        sums[1] = vaddq_s32(sums[1], vmovltq_s16(even));
        sums[2] = vaddq_s32(sums[2], vmovlbq_s16(odd));
        sums[3] = vaddq_s32(sums[3], vmovltq_s16(odd));
    }
    for (int32_t i = 0; i < 4; i++) sums[i] = tl_finish4(sums[i], record + 12 * i, p->out_zero, p->low, p->high);
    int16x8_t even = vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), sums[0]), sums[1]);
    int16x8_t odd = vmovntq_s32(vmovnbq_s32(vdupq_n_s16(0), sums[2]), sums[3]);
    vstrbq_p_s8(to + channel, vmovntq_s16(vmovnbq_s16(vdupq_n_s8(0), even), odd), some);
}

void tl_depthwise_s8_mve(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t count = (p->kernel_h * p->kernel_w + 1) & ~1;
    const int8_t **taps = scratch, *const *end = taps + count;
    int8_t *outside = (int8_t *)(taps + count);
    tl_rows rows = {in, outside + ((p->in_c + 7) & ~7), 0, p->in_w * p->in_c};
    memset(outside, p->in_zero, (size_t)p->in_c);
    taps[count - 1] = outside;
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++, to += p->out_c) {
            int32_t c = p->fast ? p->in_c & ~15 : 0;
            tl_find_taps(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, outside, taps);
            if (c > 0) tl_fast_channels(&(tl_job){taps, count / 2, p->channels, p->weights, to, c, p->out_zero});
            for (; c < p->in_c; c += 16) tl_some_channels(p, taps, end, c, to);
        }
    }
}
#endif
