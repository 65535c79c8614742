/* Runs a model here: reads input.bin, writes output.bin. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

static union {
    int64_t align;
    int8_t bytes[TOUCHLINE_HARNESS_ARENA_BYTES];
} arena;

static int transfer(const char *name, const char *mode, int input)
{
    FILE *file = fopen(name, mode);
    if (file == NULL) return 1;
    size_t done = 0, all = 0;
    for (uint32_t i = 0; i < (input ? TOUCHLINE_HARNESS_INPUTS : TOUCHLINE_HARNESS_OUTPUTS); i++) {
        const touchline_harness_port *port = input ? &touchline_harness_inputs[i] : &touchline_harness_outputs[i];
        int8_t *at = arena.bytes + port->offset;
        done += input ? fread(at, 1, port->bytes, file) : fwrite(at, 1, port->bytes, file);
        all += port->bytes;
    }
    return fclose(file) != 0 || done != all;
}

int main(void)
{
    memset(arena.bytes, 0x55, sizeof arena.bytes);
    if (transfer("input.bin", "rb", 1)) return 2;
    touchline_harness_run(arena.bytes);
    return transfer("output.bin", "wb", 0) ? 2 : 0;
}
