/* Convolution for Cortex-M55: four outputs by two positions, sixteen products in one VMLADAVA. */
#include "touchline_mve.h"
#include "touchline_patch.h"

#if defined(__ARM_FEATURE_MVE)
/* What the blocks read, in this order; record and left move on. */
typedef struct {
    const int8_t *x0, *x1;
    int32_t steps; /* of sixteen products */
    int32_t zero, fast;
    const int32_t *record;
    const int8_t *w;
    int8_t *to0, *to1;
    int32_t left; /* outputs */
    int32_t low, high;
} tl_job;

/* Blocks of four outputs at two positions, requantised as tl_finish4 does. VMLADAVA adds to even registers only. */
__attribute__((naked, noinline)) static void tl_blocks(__attribute__((unused)) tl_job *job)
{
    __asm__ volatile(
        ".macro tl_step mac\n"
        "vldrb.8 q0, [r1], #16\n"
        "vldrb.8 q1, [r3], #16\n"
        "vldrb.8 q2, [r5], #16\n"
        "\\mac r0, q0, q2\n"
        "vldrb.8 q3, [r5], #16\n"
        "\\mac r8, q1, q2\n"
        "\\mac r2, q0, q3\n"
        "vldrb.8 q2, [r5], #16\n"
        "\\mac r10, q1, q3\n"
        "\\mac r4, q0, q2\n"
        "vldrb.8 q3, [r5], #16\n"
        "\\mac r12, q1, q2\n"
        "\\mac r6, q0, q3\n"
        "\\mac lr, q1, q3\n"
        ".endm\n"
        ".macro tl_round x\n"
        "vrshl.s32 \\x, \\x, q3\n"
        "vadd.i32 \\x, \\x, r2\n"
        "vmax.s32 \\x, \\x, q4\n"
        "vmin.s32 \\x, \\x, q5\n"
        ".endm\n"
        "push {r0, r4-r11, lr}\n"
        "vpush {d8-d13}\n"
        "sub sp, sp, #32\n"
        "ldrd r1, r2, [r0, #40]\n"
        "vdup.32 q4, r1\n"
        "vdup.32 q5, r2\n"
        "ldrd r5, r9, [r0, #24]\n"
        "ldr r11, [r0, #32]\n"
        "0:\n"
        "ldr lr, [sp, #80]\n"
        "ldrd r1, r3, [lr]\n"
        "ldr r7, [lr, #8]\n"
        "tl_step vmladav.s8\n"
        "subs r7, r7, #1\n"
        "beq 2f\n"
        "1:\n"
        "tl_step vmladava.s8\n"
        "subs r7, r7, #1\n"
        "bne 1b\n"
        "2:\n"
        "stm sp, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
        "vldrw.32 q0, [sp]\n"
        "vldrw.32 q1, [sp, #16]\n"
        "ldr r0, [sp, #80]\n"
        "ldrd r2, r4, [r0, #12]\n"
        "ldr r6, [r0, #20]\n"
        "vldrw.32 q2, [r6], #16\n" /* bias, multiplier, shift */
        "vadd.i32 q0, q0, q2\n"
        "vadd.i32 q1, q1, q2\n"
        "vldrw.32 q2, [r6], #16\n"
        "vldrw.32 q3, [r6], #16\n"
        "str r6, [r0, #20]\n"
        "cbnz r4, 3f\n"
        "vmov.i32 q6, #0\n" /* shifts to the left come first */
        "vmax.s32 q6, q6, q3\n"
        "vshl.s32 q0, q0, q6\n"
        "vshl.s32 q1, q1, q6\n"
        "vmov.i32 q6, #0\n"
        "vmin.s32 q3, q3, q6\n"
        "vqrdmulh.s32 q0, q0, q2\n"
        "vqrdmulh.s32 q1, q1, q2\n"
        "vand q6, q0, q3\n" /* negative where there is a shift */
        "vshr.s32 q6, q6, #31\n"
        "vqadd.s32 q0, q0, q6\n"
        "vand q6, q1, q3\n"
        "vshr.s32 q6, q6, #31\n"
        "vqadd.s32 q1, q1, q6\n"
        "b 4f\n"
        "3:\n"
        "vqrdmulh.s32 q0, q0, q2\n"
        "vqrdmulh.s32 q1, q1, q2\n"
        "vshr.s32 q2, q0, #31\n"
        "vqadd.s32 q0, q0, q2\n"
        "vshr.s32 q2, q1, #31\n"
        "vqadd.s32 q1, q1, q2\n"
        "4:\n"
        "tl_round q0\n"
        "tl_round q1\n"
        "ldr r4, [r0, #36]\n"
        "mov r1, r9\n"
        "mov r3, r11\n"
        "vctp.32 r4\n"
        "vpstt\n"
        "vstrbt.32 q1, [r3]\n"
        "vstrbt.32 q0, [r1]\n"
        "add r9, r9, #4\n"
        "add r11, r11, #4\n"
        "subs r4, r4, #4\n"
        "str r4, [r0, #36]\n"
        "bgt 0b\n"
        "add sp, sp, #32\n"
        "vpop {d8-d13}\n"
        "pop {r0, r4-r11, pc}\n"
        ".purgem tl_step\n"
        ".purgem tl_round\n");
}

static void tl_positions(const tl_conv *p, const int8_t *x, int32_t k16, int8_t *to0, int8_t *to1)
{
    tl_blocks(&(tl_job){x, x + k16, k16 / 16, p->out_zero, p->fast, p->channels, p->weights, to0, to1, p->out_c, p->low,
                        p->high});
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
