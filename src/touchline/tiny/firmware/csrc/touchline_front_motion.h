/* Motion before the network: a sample of all axes at a time. */
#ifndef TOUCHLINE_FRONT_H
#define TOUCHLINE_FRONT_H

#include "sense.h"

#define FRONT_SAMPLES 1 /* that one push takes, of so many axes */
#define FRONT_AXES SENSE_AXES
#define FRONT_WORK 1
#define FRONT_INPUT (SENSE_LENGTH * SENSE_AXES) /* bytes that the network takes */
#define FRONT_EVERY SENSE_HOP /* samples from one run to the next */

typedef struct {
    sense_state features;
} front_state;

/* 1 where input holds what the network is to see now. */
static inline int32_t front_push(front_state *state, const int16_t *samples, int32_t *work, int8_t *input)
{
    (void)work;
    return sense_push(&state->features, samples, input);
}

#endif
