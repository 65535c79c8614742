/* Motion → windows: numbers and call. Written for one set of constants by Touchline. */
#ifndef TOUCHLINE_MOTION_H
#define TOUCHLINE_MOTION_H

#include <stdint.h>

typedef struct {
    int32_t length, hop, axes;
    int32_t gravity_axes, gravity_shift;
    int32_t zero_point;
    const int32_t *multipliers; /* axes, Q32 */
} tl_motion;

typedef struct {
    int32_t begun, next, missing; /* 0 before the first sample; where the next row goes; rows until a window is due */
} tl_motion_place;

/* One sample more. gravity: gravity_axes numbers; rows: length x axes. 1 where a window is due and was copied. */
int32_t tl_motion_push(const tl_motion *m, tl_motion_place *place, int32_t *gravity, int8_t *rows,
                       const int16_t *sample, int8_t *input);

#endif
