/* A node on a desk: samples on stdin, lines on stdout, the number of starts in boot.bin.
 *
 *     cc -std=c99 -O2 -I. *.c ports/host.c -o node && ./node < samples.bin */
#include <stdio.h>
#include <stdlib.h>

#include "../port.h"
#include "../touchline_node.h"

uint32_t port_boot(void)
{
    uint32_t boot = 0;
    FILE *file = fopen("boot.bin", "rb");
    if (file != NULL) {
        if (fread(&boot, sizeof boot, 1, file) != 1) exit(2);
        fclose(file);
    }
    boot++;
    file = fopen("boot.bin", "wb");
    if (file == NULL || fwrite(&boot, sizeof boot, 1, file) != 1 || fclose(file) != 0) exit(2);
    return boot;
}

const int16_t *port_take(void)
{
    static int16_t chunk[NODE_CHUNK_VALUES];
    return fread(chunk, sizeof chunk, 1, stdin) == 1 ? chunk : NULL;
}

void port_say(const char *line, uint32_t bytes)
{
    if (fwrite(line, bytes, 1, stdout) != 1 || fflush(stdout) != 0) exit(2);
}
