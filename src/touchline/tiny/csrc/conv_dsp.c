/* Convolution for Cortex-M with DSP: four outputs by two positions.
 *
 * One int16 holds two outputs' weights, 256 * b + a, so one SMLAD does four multiplications: 256 * B + A in all. A second
 * SMLAD on the low bytes gives A alone, and B comes out by a subtraction and a shift, modulo 2^32. That is exact as long as
 * |B| < 2^23, which 508 products of int8 cannot reach; longer sums are cut there, unless the packing has seen that no
 * weights can lead so far (fast = 1). */
#include "touchline_dsp.h"
#include "touchline_patch.h"

#define TL_CUT 254 /* words of two k: 508 products */

/* What the fast blocks read, in this order. x has two positions side by side: [words][2]. */
typedef struct {
    const uint32_t *x, *x_end;
    const int32_t *channel;
    int32_t zero; /* 2 * out_zero + 1 */
    int8_t *to0, *to1;
    int32_t blocks;
    const uint32_t *w;
} tl_job;

/* Blocks of four outputs at two positions, requantised as tl_finish_fast does. The second position is stored first. */
#if TL_HAS_DSP
__attribute__((naked, noinline)) static void tl_fast_blocks(TL_UNUSED const tl_job *job)
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
        ".macro tl_finish s0, s1, twice\n"
        "ldm r1!, {r0, r11, r12}\n" /* 2 * bias, multiplier, shift */
        "ldr lr, [sp, #12]\n"
        "add \\s0, r0, \\s0, \\twice\n"
        "add \\s1, r0, \\s1, \\twice\n"
        "lsl lr, lr, r12\n"
        "add r0, lr, \\s0, asr #31\n"
        "add lr, lr, \\s1, asr #31\n"
        "smmlar \\s0, \\s0, r11, r0\n"
        "smmlar \\s1, \\s1, r11, lr\n"
        "asr \\s0, \\s0, r12\n"
        "asr \\s1, \\s1, r12\n"
        "ssat \\s0, #8, \\s0, asr #1\n"
        "ssat \\s1, #8, \\s1, asr #1\n"
        ".endm\n"
        "push {r4-r11, lr}\n"
        "sub sp, sp, #28\n"
        "ldm r0, {r1-r8}\n"
        "stm sp, {r1-r7}\n"
        "mov r2, r8\n"
        "0:\n"
        "ldrd r1, r11, [sp]\n"
        "mov r3, #0\n"
        "mov r4, #0\n"
        "mov r5, #0\n"
        "mov r6, #0\n"
        "mov r7, #0\n"
        "mov r8, #0\n"
        "mov r9, #0\n"
        "mov r10, #0\n"
        "sub r11, r11, r1\n"
        "tst r11, #16\n" /* an odd number of double steps begins in the middle */
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
        "ldr r1, [sp, #8]\n"
        "sub r3, r3, r5\n" /* 256 * B */
        "sub r4, r4, r6\n"
        "sub r7, r7, r9\n"
        "sub r8, r8, r10\n"
        "tl_finish r5, r6, \"lsl #1\"\n"
        "tl_finish r3, r4, \"asr #7\"\n"
        "tl_finish r9, r10, \"lsl #1\"\n"
        "tl_finish r7, r8, \"asr #7\"\n"
        "str r1, [sp, #8]\n"
        "bfi r6, r4, #8, #8\n"
        "bfi r6, r10, #16, #8\n"
        "bfi r6, r8, #24, #8\n"
        "bfi r5, r3, #8, #8\n"
        "bfi r5, r9, #16, #8\n"
        "bfi r5, r7, #24, #8\n"
        "ldrd r11, r12, [sp, #16]\n"
        "str r6, [r12], #4\n"
        "str r5, [r11], #4\n"
        "strd r11, r12, [sp, #16]\n"
        "ldr r0, [sp, #24]\n"
        "subs r0, r0, #1\n"
        "str r0, [sp, #24]\n"
        "bne 0b\n"
        "add sp, sp, #28\n"
        "pop {r4-r11, pc}\n"
        ".purgem tl_step\n"
        ".purgem tl_finish\n");
}
#else
static void tl_fast_blocks(const tl_job *job)
{
    int32_t n = (int32_t)(job->x_end - job->x) / 2, sums[4];
    const uint32_t *w = job->w;
    for (int32_t pair = 0; pair < 2 * job->blocks; pair++, w += pair % 2 ? 1 : 2 * n - 1) {
        const int32_t *channel = job->channel + 6 * pair;
        tl_dot_pair(sums, job->x, w, n, 2);
        job->to1[2 * pair] = (int8_t)tl_finish_fast(sums[3], channel, job->zero);
        job->to0[2 * pair] = (int8_t)tl_finish_fast(sums[2], channel, job->zero);
        job->to1[2 * pair + 1] = (int8_t)tl_finish_fast(sums[1], channel + 3, job->zero);
        job->to0[2 * pair + 1] = (int8_t)tl_finish_fast(sums[0], channel + 3, job->zero);
    }
}
#endif

/* sums = {b0, b1, a0, a1} of one pair of outputs over any n, cut where it must be. */
static void tl_dot(int32_t sums[4], const uint32_t *x, const uint32_t *w, int32_t n, int32_t step)
{
    int32_t part[4];
    memset(sums, 0, 4 * sizeof *sums);
    for (; n > 0; n -= TL_CUT, x += 2 * TL_CUT, w += step * TL_CUT) {
        tl_dot_pair(part, x, w, n < TL_CUT ? n : TL_CUT, step);
        for (int32_t i = 0; i < 4; i++) sums[i] += part[i];
    }
}

/* Bytes of two positions, a multiple of four, to words of two int16 side by side, in the order 0 2 1 3. */
#if TL_HAS_DSP
__attribute__((naked, noinline)) static void tl_spread(TL_UNUSED const int8_t *a, TL_UNUSED const int8_t *b,
                                                       TL_UNUSED uint32_t *x, TL_UNUSED const uint32_t *x_end)
{
    __asm__ volatile(
        ".macro tl_four\n"
        "ldr r6, [r0], #4\n"
        "ldr r7, [r1], #4\n"
        "sxtb16 r4, r6\n"
        "sxtb16 r5, r7\n"
        "sxtb16 r6, r6, ror #8\n"
        "sxtb16 r7, r7, ror #8\n"
        "stm r2!, {r4-r7}\n"
        ".endm\n"
        "push {r4-r7}\n"
        "sub r4, r3, r2\n"
        "tst r4, #16\n"
        "bne 2f\n"
        "1:\n"
        "tl_four\n"
        "2:\n"
        "tl_four\n"
        "cmp r2, r3\n"
        "bne 1b\n"
        "pop {r4-r7}\n"
        "bx lr\n"
        ".purgem tl_four\n");
}
#else
static void tl_spread(const int8_t *a, const int8_t *b, uint32_t *x, const uint32_t *x_end)
{
    for (; x != x_end; a += 4, b += 4, x += 4) {
        x[0] = tl_even(tl_load(a));
        x[1] = tl_even(tl_load(b));
        x[2] = tl_odd(tl_load(a));
        x[3] = tl_odd(tl_load(b));
    }
}
#endif

/* An output position: where it goes and its first tap. */
typedef struct {
    int8_t *to;
    int32_t top, left;
} tl_place;

/* The patch of a place gathered, or NULL where its kernel rows can be read as they lie. */
static const int8_t *tl_gathered(const tl_conv *p, const tl_rows *rows, const tl_place *place, int8_t *patch)
{
    if (p->dilation_w == 1 && p->kernel_w * p->in_c % 4 == 0 && place->top >= 0 && place->left >= 0 &&
        place->left + p->kernel_w <= p->in_w && place->top + (p->kernel_h - 1) * p->dilation_h < p->in_h) {
        return NULL;
    }
    tl_patch(p, rows, place->top, place->left, patch);
    return patch;
}

/* The patches of two places to x. */
static void tl_gather(const tl_conv *p, const tl_rows *rows, const tl_place *places, uint32_t *x, int8_t *patches, int32_t k4)
{
    const int8_t *first = tl_gathered(p, rows, places, patches), *second = first;
    if (places[1].to != places[0].to) second = tl_gathered(p, rows, places + 1, patches + k4);
    if (first && second) {
        tl_spread(first, second, x, x + k4);
        return;
    }
    int32_t size = p->kernel_w * p->in_c;
    for (int32_t ky = 0; ky < p->kernel_h; ky++, x += size) {
        int32_t y = ky * p->dilation_h, at = ky * size;
        const int8_t *a = first ? first + at : tl_row(p, rows, places[0].top + y) + places[0].left * p->in_c;
        const int8_t *b = second ? second + at : tl_row(p, rows, places[1].top + y) + places[1].left * p->in_c;
        tl_spread(a, b, x, x + size);
    }
}

/* All outputs of two positions: the fast blocks, then one pair after the other. */
static void tl_positions(const tl_conv *p, const uint32_t *x, int32_t n, int8_t *to0, int8_t *to1)
{
    tl_finish f = {p->fast ? 2 * p->out_zero + 1 : p->out_zero, p->low, p->high, p->fast};
    int32_t blocks = p->out_c / 4, o = 0, sums[4];
    if (p->fast && blocks > 0) {
        tl_fast_blocks(&(tl_job){x, x + 2 * n, p->channels, f.zero, to0, to1, blocks, p->weights});
        o = 4 * blocks;
    }
    for (; o < p->out_c; o += 2) {
        const int32_t *channel = p->channels + 3 * o;
        /* Pairs lie in twos, word by word in turn, but for one alone at the end. */
        int32_t step = o % 4 == 0 && p->out_c - o <= 2 ? 1 : 2;
        tl_dot(sums, x, (const uint32_t *)p->weights + o / 4 * 2 * n + o % 4 / 2, n, step);
        to1[o] = (int8_t)tl_finished(sums[3], channel, &f);
        to0[o] = (int8_t)tl_finished(sums[2], channel, &f);
        if (o + 1 == p->out_c) break;
        to1[o + 1] = (int8_t)tl_finished(sums[1], channel + 3, &f);
        to0[o + 1] = (int8_t)tl_finished(sums[0], channel + 3, &f);
    }
    if (p->fast) {
        tl_clamp_bytes(to1, p->out_c, p->low, p->high);
        tl_clamp_bytes(to0, p->out_c, p->low, p->high);
    }
}

void tl_conv_s8_dsp(const tl_conv *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t k = p->kernel_h * p->kernel_w * p->in_c, k4 = (k + 3) & ~3, waiting = 0;
    uint32_t *x = scratch;
    int8_t *patches = (int8_t *)(x + k4), *sum = patches + 2 * k4;
    tl_rows rows = {in, sum + (p->add_with ? (2 * p->out_c + 7) & ~7 : 0), 0, p->in_w * p->in_c};
    tl_place places[2];
    memset(patches, 0, 2 * (size_t)k4);
    for (int32_t y = 0; y < p->out_h; y++) {
        tl_save_rows(p, &rows, y);
        for (int32_t column = 0; column < p->out_w; column++) {
            places[waiting++] = (tl_place){out + y * p->out_row + column * p->out_c, y * p->stride_h - p->pad_top,
                                           column * p->stride_w - p->pad_left};
            if (waiting < 2) {
                /* Two go together, also across rows; the last one, or one before the ring moves on, goes alone. */
                if (column + 1 < p->out_w || (y + 1 < p->out_h && p->ring_rows == 0)) continue;
                places[1] = places[0];
            }
            waiting = 0;
            tl_gather(p, &rows, places, x, patches, k4);
            if (!p->add_with) {
                tl_positions(p, x, k4 / 2, places[0].to, places[1].to);
                continue;
            }
            int32_t one = places[0].to == places[1].to;
            tl_positions(p, x, k4 / 2, sum, one ? sum : sum + p->out_c);
            p->add_with(p->add, sum, places[0].to, places[0].to, p->out_c);
            if (!one) p->add_with(p->add, sum + p->out_c, places[1].to, places[1].to, p->out_c);
        }
    }
}
