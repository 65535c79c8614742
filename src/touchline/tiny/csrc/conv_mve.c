/* Convolution for Cortex-M55: four outputs by two positions, sixteen products in one VMLADAVA. */
#include "touchline_mve.h"
#include "touchline_patch.h"

#if defined(__ARM_FEATURE_MVE)
/* sums = four outputs of the first position, then of the second; n steps of sixteen. VMLADAVA adds to even registers only. */
__attribute__((naked, noinline)) static void tl_dot_block(__attribute__((unused)) int32_t sums[8],
                                                          __attribute__((unused)) const int8_t *x0,
                                                          __attribute__((unused)) const int8_t *x1,
                                                          __attribute__((unused)) const int8_t *w,
                                                          __attribute__((unused)) int32_t n)
{
    __asm__ volatile(
        "push {r0, r4-r11, lr}\n"
        "ldr r7, [sp, #40]\n"
        "mov r5, r3\n" /* w */
        "mov r3, r2\n" /* x1 */
        "mov r0, #0\n"
        "mov r2, #0\n"
        "mov r4, #0\n"
        "mov r6, #0\n"
        "mov r8, #0\n"
        "mov r10, #0\n"
        "mov r12, #0\n"
        "mov lr, #0\n"
        "1:\n"
        "vldrb.8 q0, [r1], #16\n"
        "vldrb.8 q1, [r3], #16\n"
        "vldrb.8 q2, [r5], #16\n"
        "vmladava.s8 r0, q0, q2\n"
        "vldrb.8 q3, [r5], #16\n"
        "vmladava.s8 r8, q1, q2\n"
        "vmladava.s8 r2, q0, q3\n"
        "vldrb.8 q2, [r5], #16\n"
        "vmladava.s8 r10, q1, q3\n"
        "vmladava.s8 r4, q0, q2\n"
        "vldrb.8 q3, [r5], #16\n"
        "vmladava.s8 r12, q1, q2\n"
        "vmladava.s8 r6, q0, q3\n"
        "vmladava.s8 lr, q1, q3\n"
        "subs r7, r7, #1\n"
        "bne 1b\n"
        "pop {r1}\n"
        "strd r0, r2, [r1]\n"
        "strd r4, r6, [r1, #8]\n"
        "strd r8, r10, [r1, #16]\n"
        "strd r12, lr, [r1, #24]\n"
        "pop {r4-r11, pc}\n");
}

static void tl_positions(const tl_conv *p, const int8_t *x, int32_t k16, int8_t *to0, int8_t *to1)
{
    const int8_t *w = p->weights;
    const int32_t *record = p->channels;
    for (int32_t o = 0; o < p->out_c; o += 4, w += 4 * k16, record += 12) {
        int32_t sums[8];
        mve_pred16_t some = vctp32q((uint32_t)(p->out_c - o));
        tl_dot_block(sums, x, x + k16, w, k16 / 16);
        vstrbq_p_s32(to1 + o, tl_finish4(vld1q_s32(sums + 4), record, p->out_zero, p->low, p->high), some);
        vstrbq_p_s32(to0 + o, tl_finish4(vld1q_s32(sums), record, p->out_zero, p->low, p->high), some);
    }
}

void tl_conv_s8_mve(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t k16 = (p->kernel_h * p->kernel_w * p->in_c + 15) & ~15, waiting = 0;
    int8_t *x = scratch, *sum = x + 2 * k16, *to[2];
    tl_rows rows = {in, sum + (p->add_with ? (2 * p->out_c + 7) & ~7 : 0), 0, p->in_w * p->in_c};
    memset(x, 0, 2 * (size_t)k16);
    for (int32_t y = 0; y < p->out_h; y++) {
        tl_save_rows(p, &rows, y);
        for (int32_t column = 0; column < p->out_w; column++) {
            tl_patch(p, &rows, y * p->stride_h - p->pad_top, column * p->stride_w - p->pad_left, x + waiting * k16);
            to[waiting++] = out + y * p->out_row + column * p->out_c;
            if (waiting < 2) {
                /* Two go together, also across rows; the last one goes alone. */
                if (column + 1 < p->out_w || y + 1 < p->out_h) continue;
                to[1] = to[0];
            }
            waiting = 0;
            if (!p->add_with) {
                tl_positions(p, x, k16, to[0], to[1]);
                continue;
            }
            int32_t one = to[0] == to[1];
            tl_positions(p, x, k16, sum, one ? sum : sum + p->out_c);
            p->add_with(p->add, sum, to[0], to[0], p->out_c);
            if (!one) p->add_with(p->add, sum + p->out_c, to[1], to[1], p->out_c);
        }
    }
}
#endif
