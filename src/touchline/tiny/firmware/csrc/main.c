/* The whole firmware: start, then chunk after chunk. */
#include <stddef.h>

#include "port.h"
#include "touchline_node.h"

int main(void)
{
    const int16_t *chunk;
    node_start(port_boot());
    while ((chunk = port_take()) != NULL) node_take(chunk);
    return 0;
}
