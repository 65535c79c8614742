/* What a board gives a node. Yours to write for your board; ports/ has two. */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/* How often this node has started, kept where power does not matter. */
uint32_t port_boot(void);

/* Waits for the next NODE_CHUNK_VALUES values; NULL where no more will come. They hold until the next call: give
 * one half of a buffer while DMA fills the other. */
const int16_t *port_take(void);

/* Sends a line, its end included. */
void port_say(const char *line, uint32_t bytes);

#endif
