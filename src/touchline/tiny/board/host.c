/* Runs a model here: reads input.bin, writes output.bin. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "run.h"

static union {
    int64_t align;
    int8_t bytes[MODEL_ARENA_BYTES];
} arena;

static int transfer(const char *name, const char *mode, int input)
{
    FILE *file = fopen(name, mode);
    if (file == NULL) return 1;
    size_t done = 0, all = 0;
    for (uint32_t i = 0; i < (input ? MODEL_INPUTS : MODEL_OUTPUTS); i++) {
        const model_port *port = input ? &model_inputs[i] : &model_outputs[i];
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
    model_run(arena.bytes);
    return transfer("output.bin", "wb", 0) ? 2 : 0;
}
