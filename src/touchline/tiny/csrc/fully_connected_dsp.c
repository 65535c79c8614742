/* Fully connected for Cortex-M with DSP: eight outputs at a time, two of them in one int16 as in conv_dsp.c. */
#include "touchline_dsp.h"
#include "touchline_kernels.h"

#define TL_CUT 508 /* inputs whose sum is exact; see conv_dsp.c */

/* sums = {b, a} of four pairs over x .. x_end, a multiple of four bytes, at least four. */
#if TL_HAS_DSP
__attribute__((naked, noinline)) static void tl_dot_block(TL_UNUSED int32_t sums[8], TL_UNUSED const int8_t *x,
                                                          TL_UNUSED const uint32_t *w, TL_UNUSED const int8_t *x_end)
{
    __asm__ volatile(
        ".macro tl_pair ab, a\n"
        "ldrd lr, r0, [r2], #8\n"
        "smlad \\ab, lr, r11, \\ab\n"
        "smlad \\ab, r0, r12, \\ab\n"
        "sxtb16 lr, lr\n"
        "sxtb16 r0, r0\n"
        "smlad \\a, lr, r11, \\a\n"
        "smlad \\a, r0, r12, \\a\n"
        ".endm\n"
        ".macro tl_step\n"
        "ldr r12, [r1], #4\n"
        "sxtb16 r11, r12\n"
        "sxtb16 r12, r12, ror #8\n"
        "tl_pair r3, r4\n"
        "tl_pair r5, r6\n"
        "tl_pair r7, r8\n"
        "tl_pair r9, r10\n"
        ".endm\n"
        "push {r0, r3-r11, lr}\n"
        "subs r12, r3, r1\n"
        "mov r3, #0\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, #0\n"
        "mov r7, #0\n"
        "mov r8, #0\n"
        "mov r9, #0\n"
        "mov r10, #0\n"
        "tst r12, #4\n" /* an odd number of steps begins in the middle */
        "bne 2f\n"
        "1:\n"
        "tl_step\n"
        "2:\n"
        "tl_step\n"
        "ldr r11, [sp, #4]\n"
        "cmp r1, r11\n"
        "bne 1b\n"
        "pop {r0, r1}\n"
        "sub r3, r3, r4\n"
        "sub r5, r5, r6\n"
        "sub r7, r7, r8\n"
        "sub r9, r9, r10\n"
        "asr r3, r3, #8\n"
        "asr r5, r5, #8\n"
        "asr r7, r7, #8\n"
        "asr r9, r9, #8\n"
        "stm r0, {r3-r10}\n"
        "pop {r4-r11, pc}\n"
        ".purgem tl_pair\n"
        ".purgem tl_step\n");
}
#else
static void tl_dot_block(int32_t sums[8], const int8_t *x, const uint32_t *w, const int8_t *x_end)
{
    int32_t ab[4] = {0}, a[4] = {0};
    for (; x != x_end; x += 4) {
        uint32_t even = tl_even(tl_load(x)), odd = tl_odd(tl_load(x));
        for (int32_t i = 0; i < 4; i++, w += 2) {
            ab[i] = tl_mac2(w[1], odd, tl_mac2(w[0], even, ab[i]));
            a[i] = tl_mac2(tl_even(w[1]), odd, tl_mac2(tl_even(w[0]), even, a[i]));
        }
    }
    for (int32_t i = 0; i < 4; i++) {
        sums[2 * i] = (int32_t)((uint32_t)ab[i] - (uint32_t)a[i]) >> 8;
        sums[2 * i + 1] = a[i];
    }
}
#endif

/* The same for one pair of outputs that is left over. */
static void tl_dot_alone(int32_t sums[8], const int8_t *x, const uint32_t *w, const int8_t *x_end)
{
    int32_t ab = 0, a = 0;
    for (; x != x_end; x += 4, w += 2) {
        uint32_t even = tl_even(tl_load(x)), odd = tl_odd(tl_load(x));
        ab = tl_mac2(w[1], odd, tl_mac2(w[0], even, ab));
        a = tl_mac2(tl_even(w[1]), odd, tl_mac2(tl_even(w[0]), even, a));
    }
    sums[0] = (int32_t)((uint32_t)ab - (uint32_t)a) >> 8;
    sums[1] = a;
}

/* total += sums of one block of outputs; the weights after it. Cut only where they could run together: a fast layer's cannot. */
static const uint32_t *tl_sums(const tl_fully_connected *p, const int8_t *in, const uint32_t *w, int32_t pairs,
                               int32_t total[8])
{
    int32_t whole = p->inputs & ~3, most = p->fast ? whole : TL_CUT, sums[8];
    int8_t last[4] = {0};
    for (int32_t done = 0; done < p->inputs;) {
        int32_t part = whole - done < most ? whole - done : most;
        const int8_t *x = in + done;
        if (done == whole) { /* what is beyond a multiple of four */
            memcpy(last, x, (size_t)(p->inputs - whole));
            x = last, part = 4;
        }
        if (pairs == 4) {
            tl_dot_block(sums, x, w, x + part);
        } else {
            tl_dot_alone(sums, x, w, x + part);
        }
        for (int32_t i = 0; i < 2 * pairs; i++) total[i] += sums[i];
        w += part / 2 * pairs;
        done += part;
    }
    return w;
}

void tl_fully_connected_s8_dsp(const tl_fully_connected *p, const int8_t *in, int8_t *out)
{
    tl_finish f = {p->fast ? 2 * p->out_zero + 1 : p->out_zero, p->low, p->high, p->fast};
    int32_t simple = p->fast && p->inputs % 4 == 0;
    for (int32_t batch = 0; batch < p->batches; batch++, in += p->inputs) {
        const uint32_t *w = p->weights;
        const int32_t *channel = p->channels;
        int32_t left = p->outputs;
        for (; simple && left >= 8; left -= 8, w += 2 * p->inputs) {
            int32_t sums[8];
            tl_dot_block(sums, in, w, in + p->inputs);
            for (int32_t *sum = sums; sum != sums + 8; sum += 2, channel += 6) {
                *out++ = (int8_t)tl_finish_fast(sum[1], channel, f.zero);
                *out++ = (int8_t)tl_finish_fast(sum[0], channel + 3, f.zero);
            }
        }
        while (left > 0) {
            int32_t pairs = left > 6 ? 4 : 1, total[8] = {0};
            w = tl_sums(p, in, w, pairs, total);
            for (int32_t *sum = total; sum != total + 2 * pairs; sum += 2, channel += 6) {
                *out++ = (int8_t)tl_finished(sum[1], channel, &f);
                if (--left == 0) break;
                *out++ = (int8_t)tl_finished(sum[0], channel + 3, &f);
                left--;
            }
        }
        if (p->fast) tl_clamp_bytes(out - p->outputs, p->outputs, p->low, p->high);
    }
}
