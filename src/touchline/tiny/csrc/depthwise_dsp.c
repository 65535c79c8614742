/* Depthwise convolution for Cortex-M with DSP: four channels of one position at a time, two taps in one SMLAD. */
#include "touchline_dsp.h"
#include "touchline_patch.h"

/* What the fast channels read, in this order. */
typedef struct {
    const int8_t *const *taps, *const *end; /* an even number */
    const int32_t *channel;
    int32_t zero; /* 2 * out_zero + 1 */
    int32_t channels; /* a multiple of four */
    int8_t *to;
    const uint32_t *w;
} tl_job;

/* Channels of one position, four at a time, requantised as tl_finish_fast does. */
#if TL_HAS_DSP
__attribute__((naked, noinline)) static void tl_fast_channels(TL_UNUSED const tl_job *job)
{
    __asm__ volatile(
        ".macro tl_finish sum\n"
        "ldm r1!, {r8-r10}\n" /* 2 * bias, multiplier, shift */
        "add \\sum, r8, \\sum, lsl #1\n"
        "lsl r8, r11, r10\n"
        "add r8, r8, \\sum, asr #31\n"
        "smmlar \\sum, \\sum, r9, r8\n"
        "asr \\sum, \\sum, r10\n"
        "ssat \\sum, #8, \\sum, asr #1\n"
        ".endm\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #20\n"
        "ldm r0, {r1-r7}\n"
        "stm sp, {r1-r5}\n"
        "mov r0, r6\n"
        "mov lr, r2\n"
        "mov r2, r7\n"
        "mov r7, #0\n"
        "0:\n"
        "ldr r1, [sp]\n"
        "mov r3, #0\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, #0\n"
        "1:\n"
        "ldrd r8, r9, [r1], #8\n" /* where two taps lie */
        "ldr r8, [r8, r7]\n"
        "ldr r9, [r9, r7]\n"
        "ldrd r11, r12, [r2], #8\n"
        "pkhbt r10, r8, r9, lsl #16\n" /* channels 0 and 1 of both */
        "pkhtb r9, r9, r8, asr #16\n"  /* channels 2 and 3 of both */
        "sxtb16 r8, r10\n"
        "sxtb16 r10, r10, ror #8\n"
        "smlad r3, r8, r11, r3\n"
        "smlad r4, r10, r12, r4\n"
        "ldrd r11, r12, [r2], #8\n"
        "sxtb16 r8, r9\n"
        "sxtb16 r9, r9, ror #8\n"
        "smlad r5, r8, r11, r5\n"
        "smlad r6, r9, r12, r6\n"
        "cmp r1, lr\n"
        "bne 1b\n"
        "ldrd r1, r11, [sp, #8]\n"
        "tl_finish r3\n"
        "tl_finish r4\n"
        "tl_finish r5\n"
        "tl_finish r6\n"
        "str r1, [sp, #8]\n"
        "bfi r3, r4, #8, #8\n"
        "bfi r3, r5, #16, #8\n"
        "bfi r3, r6, #24, #8\n"
        "str r3, [r0], #4\n"
        "ldr r8, [sp, #16]\n"
        "add r7, r7, #4\n"
        "cmp r7, r8\n"
        "bne 0b\n"
        "add sp, sp, #20\n"
        "pop {r4-r11, pc}\n"
        ".purgem tl_finish\n");
}
#else
static void tl_fast_channels(const tl_job *job)
{
    const uint32_t *w = job->w;
    for (int32_t c = 0; c < job->channels; c += 4) {
        int32_t sums[4] = {0};
        for (const int8_t *const *tap = job->taps; tap != job->end; tap += 2) {
            for (int32_t i = 0; i < 4; i++) {
                sums[i] = tl_mac2((uint16_t)tap[0][c + i] | (uint32_t)tap[1][c + i] << 16, *w++, sums[i]);
            }
        }
        for (int32_t i = 0; i < 4; i++) {
            job->to[c + i] = (int8_t)tl_finish_fast(sums[i], job->channel + 3 * (c + i), job->zero);
        }
    }
}
#endif

/* One channel of one position, for those beyond a multiple of four and where the fast way does not hold. */
static int32_t tl_one_channel(const int8_t *const *taps, const int8_t *const *end, const uint32_t *w, int32_t channel)
{
    const int16_t *weight = (const int16_t *)(const void *)w + channel / 4 * 4 * (end - taps) + 2 * (channel & 3);
    int32_t sum = 0;
    for (; taps != end; taps += 2, weight += 8) {
        sum += taps[0][channel] * weight[0] + taps[1][channel] * weight[1];
    }
    return sum;
}

void tl_depthwise_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t count = (p->kernel_h * p->kernel_w + 1) & ~1, c4 = (p->in_c + 3) & ~3;
    int32_t whole = p->fast ? p->in_c & ~3 : 0;
#if TL_HAS_DSP
    const int8_t **taps = scratch;
#else
    const int8_t *taps[count]; /* scratch is measured for pointers of four bytes */
#endif
    const int8_t *const *end = taps + count;
    int8_t *outside = (int8_t *)scratch + 4 * count;
    tl_finish f = {p->fast ? 2 * p->out_zero + 1 : p->out_zero, p->low, p->high, p->fast};
    tl_rows rows = {in, outside + c4, 0, p->in_w * p->in_c};
    memset(outside, p->in_zero, (size_t)c4);
    taps[count - 1] = outside;
    for (int32_t y = 0; y < p->out_h; y++) {
        int8_t *to = out + y * p->out_row;
        tl_save_rows(p, &rows, y);
        for (int32_t x = 0; x < p->out_w; x++) {
            int32_t c = 0;
            tl_find_taps(p, &rows, y * p->stride_h - p->pad_top, x * p->stride_w - p->pad_left, outside, taps);
            if (whole > 0) {
                tl_fast_channels(&(tl_job){taps, end, p->channels, f.zero, whole, to, p->weights});
                c = whole;
            }
            for (; c < p->in_c; c++) {
                to[c] = (int8_t)tl_finished(tl_one_channel(taps, end, p->weights, c), p->channels + 3 * c, &f);
            }
            if (p->fast) tl_clamp_bytes(to, p->in_c, p->low, p->high);
            to += p->in_c;
        }
    }
}
