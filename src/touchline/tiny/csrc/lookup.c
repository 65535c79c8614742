/* Any function of one int8 value, from a table. */
#include "touchline_kernels.h"

void tl_lookup_s8(const int8_t table[256], const int8_t *in, int8_t *out, int32_t n)
{
    for (int32_t i = 0; i < n; i++) out[i] = table[in[i] + 128];
}
