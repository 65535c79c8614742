/* What the short way of requantisation leaves out: shifts to the left, extreme scales, clamps. */
#include "touchline_dsp.h"

int32_t tl_finish_slow(int32_t sum, const int32_t *channel, const tl_finish *f)
{
    sum = (int32_t)((uint32_t)sum + (uint32_t)channel[0]);
    return tl_clamp(tl_scale(sum, channel[1], channel[2]) + f->zero, f->low, f->high);
}

void tl_clamp_bytes(int8_t *at, int32_t n, int32_t low, int32_t high)
{
    if (low == -128 && high == 127) return;
#if TL_HAS_DSP
    uint32_t lows = (uint8_t)low * 0x01010101u, highs = (uint8_t)high * 0x01010101u;
    for (; n >= 4; n -= 4, at += 4) {
        uint32_t four = tl_load(at), unused;
        __asm__("ssub8 %1, %0, %2\n"
                "sel %0, %0, %2\n" /* where four >= lows, four */
                "ssub8 %1, %3, %0\n"
                "sel %0, %0, %3\n"
                : "+r"(four), "=&r"(unused)
                : "r"(lows), "r"(highs)
                : "cc");
        memcpy(at, &four, 4);
    }
#endif
    for (; n > 0; n--, at++) *at = (int8_t)tl_clamp(*at, low, high);
}
