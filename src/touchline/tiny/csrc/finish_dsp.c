/* Requantisation where the short way does not hold: shifts to the left, clamps, extreme scales. */
#include "touchline_dsp.h"

int32_t tl_finish_slow(int32_t sum, const int32_t *channel, const tl_finish *f)
{
    sum = (int32_t)((uint32_t)sum + (uint32_t)channel[0]);
    return tl_clamp(tl_scale(sum, channel[1], channel[2]) + f->zero, f->low, f->high);
}
