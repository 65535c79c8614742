/* Motion → windows in integers, bit for bit touchline.tiny.features. */
#include "touchline_motion.h"

#include <string.h>

enum { GRAVITY_BITS = 14 };

int32_t tl_motion_push(const tl_motion *m, tl_motion_place *place, int32_t *gravity, int8_t *rows,
                       const int16_t *sample, int8_t *input)
{
    int8_t *row = rows + place->next * m->axes;
    if (!place->begun) {
        place->begun = 1;
        place->missing = m->length;
        for (int32_t axis = 0; axis < m->gravity_axes; axis++) gravity[axis] = sample[axis] * (1 << GRAVITY_BITS);
    }
    for (int32_t axis = 0; axis < m->axes; axis++) {
        int32_t value = sample[axis];
        if (axis < m->gravity_axes) {
            gravity[axis] += (value * (1 << GRAVITY_BITS) - gravity[axis]) >> m->gravity_shift;
            value -= (gravity[axis] + (1 << (GRAVITY_BITS - 1))) >> GRAVITY_BITS;
        }
        int64_t scaled = (int64_t)value * m->multipliers[axis] + ((int64_t)1 << 31);
        int32_t q = (int32_t)(scaled >> 32) + m->zero_point;
        row[axis] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
    }
    if (++place->next == m->length) place->next = 0;
    if (--place->missing > 0) return 0;
    place->missing = m->hop;
    uint32_t newer = (uint32_t)(place->next * m->axes), older = (uint32_t)(m->length * m->axes) - newer;
    memcpy(input, rows + newer, older);
    memcpy(input + older, rows, newer);
    return 1;
}
