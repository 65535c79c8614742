/* Sound before the network: a hop of samples at a time. */
#ifndef TOUCHLINE_FRONT_H
#define TOUCHLINE_FRONT_H

#include "sense.h"

#define FRONT_SAMPLES SENSE_HOP /* that one push takes, of so many axes */
#define FRONT_AXES 1
#define FRONT_WORK SENSE_WORK
#define FRONT_INPUT (SENSE_FRAMES * SENSE_VALUES) /* bytes that the network takes */
#define FRONT_EVERY (SENSE_HOP * NODE_EVERY) /* samples from one run to the next */

typedef struct {
    sense_state features;
    int32_t wait; /* hops until the network is to run again */
} front_state;

/* 1 where input holds what the network is to see now. work: FRONT_WORK numbers, input may lie in them. */
static inline int32_t front_push(front_state *state, const int16_t *samples, int32_t *work, int8_t *input)
{
    if (!sense_push(&state->features, samples, work)) return 0;
    if (state->wait > 0) {
        state->wait--;
        return 0;
    }
    if (!sense_input(&state->features, input)) return 0;
    state->wait = NODE_EVERY - 1;
    return 1;
}

#endif
