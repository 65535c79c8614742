/* Depthwise convolution for Cortex-M55: eight channels of one position at a time, in 32 bits, even and odd ones apart. */
#include "touchline_mve.h"
#include "touchline_patch.h"

#if defined(__ARM_FEATURE_MVE)
/* What the fast channels read, in this order; record and left move on. */
typedef struct {
    const int8_t *const *taps;
    int32_t count; /* taps */
    const int32_t *record;
    const int8_t *w;
    int8_t *to;
    int32_t left; /* channels, a multiple of eight */
    int32_t zero, low, high;
} tl_job;

/* Eight channels at a time where no shift is to the left. */
__attribute__((naked, noinline)) static void tl_fast_channels(__attribute__((unused)) tl_job *job)
{
    __asm__ volatile(
        ".macro tl_finish x\n"
        "vldrw.32 q2, [r4], #16\n" /* bias, multiplier, shift */
        "vadd.i32 \\x, \\x, q2\n"
        "vldrw.32 q2, [r4], #16\n"
        "vqrdmulh.s32 \\x, \\x, q2\n"
        "vldrw.32 q3, [r4], #16\n"
        "vshr.s32 q2, \\x, #31\n"
        "vqadd.s32 \\x, \\x, q2\n"
        "vrshl.s32 \\x, \\x, q3\n"
        "vadd.i32 \\x, \\x, r8\n"
        "vmax.s32 \\x, \\x, q4\n"
        "vmin.s32 \\x, \\x, q5\n"
        ".endm\n"
        "push {r4-r9, lr}\n"
        "vpush {d8-d13}\n"
        "ldm r0!, {r2-r7}\n" /* taps, count, record, w, to, left */
        "ldr r8, [r0]\n"
        "ldrd r1, r12, [r0, #4]\n"
        "vdup.32 q4, r1\n"
        "vdup.32 q5, r12\n"
        "mov r9, #0\n" /* the channel */
        "0:\n"
        "mov r0, r2\n"
        "vmov.i32 q0, #0\n"
        "vmov.i32 q1, #0\n"
        "dls lr, r3\n"
        "1:\n"
        "ldr r1, [r0], #4\n"
        "vldrb.s16 q3, [r5], #8\n"
        "add r1, r1, r9\n"
        "vldrb.s16 q2, [r1]\n"
        "vmullb.s16 q6, q2, q3\n"
        "vadd.i32 q0, q0, q6\n"
        "vmullt.s16 q6, q2, q3\n"
        "vadd.i32 q1, q1, q6\n"
        "le lr, 1b\n"
        "tl_finish q0\n"
        "tl_finish q1\n"
        "vmovnt.i32 q0, q1\n"
        "vstrb.16 q0, [r6], #8\n"
        "add r9, r9, #8\n"
        "subs r7, r7, #8\n"
        "bne 0b\n"
        "vpop {d8-d13}\n"
        "pop {r4-r9, pc}\n"
        ".purgem tl_finish\n");
}

/* Up to eight channels. w: [taps][8]; record: {bias, multiplier, shift}[4] of the even channels, then of the odd ones. */
static void tl_eight_channels(const tl_conv *p, const int8_t *const *taps, const int8_t *const *end, int32_t channel,
                              int8_t *to)
{
    const int8_t *w = (const int8_t *)p->weights + channel * (end - taps);
    const int32_t *record = p->channels + 3 * channel;
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
            int32_t c = p->fast ? p->in_c & ~7 : 0;
            tl_find_taps(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, outside, taps);
            if (c > 0) {
                tl_fast_channels(&(tl_job){taps, count, p->channels, p->weights, to, c, p->out_zero, p->low, p->high});
            }
            for (; c < p->in_c; c += 8) tl_eight_channels(p, taps, end, c, to);
        }
    }
}
#endif
