/* A sensor node: samples in, events out, whatever it senses. node_config.h says what that is. */
#ifndef TOUCHLINE_NODE_H
#define TOUCHLINE_NODE_H

#include <stdint.h>

#include "node_config.h"

/* Values in a chunk: what node_take takes at a time, and so one half of a port's buffer. */
#define NODE_CHUNK_VALUES (NODE_CHUNK * FRONT_SAMPLES * FRONT_AXES)

/* boot: another one at each start. Says that the node lives. */
void node_start(uint32_t boot);

/* The next NODE_CHUNK_VALUES values, one sample's axes side by side. */
void node_take(const int16_t *chunk);

#endif
