/* What is left of an LSTM's or a GRU's step once the fully connected layers are done. */
#include "touchline_arith.h"
#include "touchline_kernels.h"

void tl_lstm_s8(const tl_lstm *p, const int8_t *gates, int16_t *cell, int8_t *hidden)
{
    int32_t n = p->n;
    for (int32_t k = 0; k < n; k++) {
        int32_t in = p->input[gates[k] + 128] + 128, keep = p->forget[gates[n + k] + 128] + 128;
        int32_t fresh = p->candidate[gates[2 * n + k] + 128], out = p->output[gates[3 * n + k] + 128] + 128;
        int32_t sum = (keep * cell[k] + in * fresh * (1 << (p->cell_bits - 7)) + 128) >> 8;
        sum = tl_clamp(sum, INT16_MIN, INT16_MAX);
        cell[k] = (int16_t)sum;
        int32_t index = tl_clamp((sum + (1 << p->tanh_shift >> 1)) >> p->tanh_shift, -128, 127);
        hidden[k] = (int8_t)((out * p->tanh[index + 128] + 128) >> 8);
    }
}

void tl_gru_s8(const tl_gru *p, const int8_t *gates, int8_t *hidden)
{
    int32_t n = p->n;
    for (int32_t k = 0; k < n; k++) {
        int32_t reset = p->reset[gates[k] + 128] + 128, keep = p->update[gates[n + k] + 128] + 128;
        int32_t sum = tl_clamp(gates[2 * n + k] + ((reset * gates[3 * n + k] + 128) >> 8), -128, 127);
        int32_t fresh = p->candidate[sum + 128];
        hidden[k] = (int8_t)((keep * hidden[k] + (256 - keep) * fresh + 128) >> 8);
    }
}
