/* Convolution for Cortex-M with DSP: four outputs by two positions.
 *
 * One int16 holds two outputs' weights, 256 * b + a, so one SMLAD does four multiplications: 256 * B + A in all. A second
 * SMLAD on the low bytes gives A alone, and B comes out by a subtraction and a shift, modulo 2^32. That is exact as long as
 * |B| < 2^23, which 508 products of int8 cannot reach; longer sums are cut there. */
#include "touchline_dsp.h"
#include "touchline_patch.h"

#define TL_CUT 254 /* words of two k: 508 products */

/* sums = {b0, b1, a0, a1, d0, d1, c0, c1} over n words of two k, n even. */
#if TL_HAS_DSP
__attribute__((naked, noinline)) static void tl_dot_block(TL_UNUSED int32_t sums[8], TL_UNUSED const uint32_t *x,
                                                          TL_UNUSED const uint32_t *w, TL_UNUSED const uint32_t *x_end)
{
    __asm__ volatile(
        ".macro tl_step\n"
        "ldrd r11, r12, [r1], #8\n"
        "ldrd lr, r0, [r2], #8\n"
        "smlad r3, lr, r11, r3\n"
        "smlad r4, lr, r12, r4\n"
        "sxtb16 lr, lr\n"
        "smlad r5, lr, r11, r5\n"
        "smlad r6, lr, r12, r6\n"
        "smlad r7, r0, r11, r7\n"
        "smlad r8, r0, r12, r8\n"
        "sxtb16 r0, r0\n"
        "smlad r9, r0, r11, r9\n"
        "smlad r10, r0, r12, r10\n"
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
        "tst r12, #16\n" /* an odd number of double steps begins in the middle */
        "bne 2f\n"
        "1:\n"
        "tl_step\n"
        "tl_step\n"
        "2:\n"
        "tl_step\n"
        "tl_step\n"
        "ldr r11, [sp, #4]\n"
        "cmp r1, r11\n"
        "bne 1b\n"
        "pop {r0, r1}\n"
        "sub r3, r3, r5\n"
        "sub r4, r4, r6\n"
        "sub r7, r7, r9\n"
        "sub r8, r8, r10\n"
        "asr r3, r3, #8\n"
        "asr r4, r4, #8\n"
        "asr r7, r7, #8\n"
        "asr r8, r8, #8\n"
        "stm r0, {r3-r10}\n"
        "pop {r4-r11, pc}\n"
        ".purgem tl_step\n");
}
#else
static void tl_dot_block(int32_t sums[8], const uint32_t *x, const uint32_t *w, const uint32_t *x_end)
{
    int32_t n = (int32_t)(x_end - x) / 2;
    tl_dot_pair(sums, x, w, n, 2);
    tl_dot_pair(sums + 4, x, w + 1, n, 2);
}
#endif

/* The same over any n, cut where it must be; the last pair of channels, if alone, has no second beside it. */
static void tl_dot(int32_t sums[8], const uint32_t *x, const uint32_t *w, int32_t n, int32_t alone)
{
    int32_t total[8] = {0};
    for (int32_t done = 0; done < n; done += TL_CUT) {
        int32_t part = n - done < TL_CUT ? n - done : TL_CUT;
        if (alone) {
            tl_dot_pair(sums, x + 2 * done, w + done, part, 1);
        } else {
            tl_dot_block(sums, x + 2 * done, w + 2 * done, x + 2 * (done + part));
        }
        if (n <= TL_CUT) return;
        for (int32_t i = 0; i < 8; i++) total[i] += sums[i];
    }
    memcpy(sums, total, sizeof total);
}

static void tl_spread(const int8_t *patch, uint32_t *x, int32_t k)
{
    for (; k > 0; k -= 4, patch += 4, x += 4) {
        uint32_t word = tl_load(patch);
        x[0] = tl_even(word);
        x[2] = tl_odd(word);
    }
}

/* All outputs of two positions. */
static void tl_positions(const tl_conv *p, const tl_finish *f, const uint32_t *x, int32_t n, int8_t *to0, int8_t *to1)
{
    const uint32_t *w = p->weights;
    const int32_t *channel = p->channels;
    for (int32_t left = p->out_c; left > 0; left -= 4, w += 2 * n) {
        int32_t sums[8];
        tl_dot(sums, x, w, n, left <= 2);
        for (int32_t *sum = sums, *end = left <= 2 ? sums + 4 : sums + 8; sum != end; sum += 4, channel += 6) {
            *to1++ = (int8_t)tl_finished(sum[3], channel, f);
            *to0++ = (int8_t)tl_finished(sum[2], channel, f);
            if (left == 1 || (left == 3 && sum != sums)) return;
            *to1++ = (int8_t)tl_finished(sum[1], channel + 3, f);
            *to0++ = (int8_t)tl_finished(sum[0], channel + 3, f);
        }
    }
}

void tl_conv_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c, k4 = (k + 3) & ~3;
    uint32_t *x = scratch;
    int8_t *patch = (int8_t *)(x + k4), *sum = patch + k4;
    tl_finish f = {p->fast ? 2 * p->out_zero + 1 : p->out_zero, p->low, p->high, p->fast};
    tl_rows rows = {in, sum + (p->add_with ? (2 * p->out_c + 7) & ~7 : 0), 0, p->in_w * p->in_c};
    int8_t *to[2] = {0};
    int32_t waiting = 0;
    memset(patch, 0, (size_t)k4);
    for (int32_t y = 0; y < p->out_h; y++) {
        tl_save_rows(p, &rows, y);
        for (int32_t column = 0; column < p->out_w; column++) {
            tl_patch(p, &rows, y, column, patch);
            tl_spread(patch, x + waiting, k4);
            to[waiting++] = out + y * p->out_row + column * p->out_c;
            if (y == p->out_h - 1 && column == p->out_w - 1 && waiting == 1) { /* the last one alone: twice the same */
                tl_spread(patch, x + 1, k4);
                to[waiting++] = to[0];
            }
            if (waiting < 2) continue;
            waiting = 0;
            if (!p->add_with) {
                tl_positions(p, &f, x, k4 / 2, to[0], to[1]);
                continue;
            }
            tl_positions(p, &f, x, k4 / 2, sum, to[0] == to[1] ? sum : sum + p->out_c);
            p->add_with(p->add, sum, to[0], to[0], p->out_c);
            if (to[0] != to[1]) p->add_with(p->add, sum + p->out_c, to[1], to[1], p->out_c);
        }
    }
}
