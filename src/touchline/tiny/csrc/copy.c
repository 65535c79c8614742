/* Blocks of bytes from here to there. */
#include <string.h>

#include "touchline_kernels.h"

void tl_copy_s8(const int8_t *in, int8_t *out, int32_t rows, int32_t bytes, int32_t in_step, int32_t out_step)
{
    for (; rows > 0; rows--, in += in_step, out += out_step) memmove(out, in, (size_t)bytes);
}

void tl_stream_push_s8(int8_t *state, const int8_t *frame, int32_t slots, int32_t bytes)
{
    memmove(state, state + bytes, (size_t)((slots - 1) * bytes));
    memcpy(state + (slots - 1) * bytes, frame, (size_t)bytes);
}
