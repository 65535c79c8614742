/* ADD for Cortex-M with DSP.
 *
 * TFLite scales to twice the coarser input, so one input's factor is exactly 1/2: it costs a shift and an addition. The other's
 * rounding, the sum's doubling and the zero point go the way of tl_finish_fast. */
#include "touchline_dsp.h"
#include "touchline_kernels.h"

#define TL_ONE_HALF (1 << 30)

void tl_add_s8_dsp(const tl_add *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n)
{
    int32_t halves1 = p->m1 == TL_ONE_HALF && p->s1 == 0, halves2 = p->m2 == TL_ONE_HALF && p->s2 == 0;
    int32_t zero1 = p->zero1, zero2 = p->zero2, m2 = p->m2, e2 = -p->s2, m_out = p->m_out, e_out = -p->s_out;
    if ((!halves1 && !halves2) || e_out < 1 || e_out > 21 || p->low != -128 || p->high != 127) {
        tl_add_s8(p, a, b, out, n);
        return;
    }
    if (!halves1) { /* the halved one first */
        const int8_t *first = b;
        b = a, a = first;
        zero1 = p->zero2, zero2 = p->zero1, m2 = p->m1, e2 = -p->s1;
    }
    int32_t off1 = tl_left(-zero1, 20), off2 = tl_left(-zero2, 21), half2 = (1 << e2) >> 1, sign2 = e2 > 0 ? -1 : 0;
    int32_t half_out = tl_left(2 * p->out_zero + 1, e_out - 1);
    for (const int8_t *end = a + n; a != end;) {
        int32_t other = off2 + tl_left(*b++, 21);
        other = tl_high_mac(other, m2, half2 + (other >> 31 & sign2)) >> e2;
        int32_t twice = off1 + tl_left(*a++, 20) + tl_left(other, 1);
        *out++ = (int8_t)tl_half_to_int8(tl_high_mac(twice, m_out, half_out + (twice >> 31)) >> (e_out - 1));
    }
}
