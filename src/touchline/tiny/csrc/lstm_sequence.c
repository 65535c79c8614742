/* A sequence through an LSTM cell: TFLite's UNIDIRECTIONAL_SEQUENCE_LSTM with int8 states and an int16 cell. */
#include "touchline_dot.h"
#include "touchline_kernels.h"

static int32_t tl_abs(int32_t x)
{
    return x < 0 ? -x : x;
}

/* Q3.12 -> Q0.15: lines between the table's values. */
static int32_t tl_sigmoid16(const uint16_t *table, int32_t x)
{
    int32_t scaled = 3 * x, magnitude = tl_abs(scaled), at = magnitude >> 9, line = 0x7FFF << 10;
    if (at < 255) line = (table[at] << 9) + (magnitude & 511) * (table[at + 1] - table[at]);
    return (scaled >= 0 ? line + (1 << 9) : (1 << 25) - line + (1 << 9) - 1) >> 10;
}

static int32_t tl_tanh16(const uint16_t *table, int32_t x, int32_t factor, int32_t shift)
{
    int32_t scaled = (x * factor + (1 << shift >> 1)) >> shift;
    int32_t magnitude = tl_abs(scaled), at = magnitude >> 8, line = 0xFFFF << 8;
    if (at < 255) line = (table[at] << 8) + (magnitude & 255) * (table[at + 1] - table[at]);
    return (scaled >= 0 ? line - (1 << 23) + 128 : -line + (1 << 23) + 127) >> 8;
}

static int32_t tl_clamp16(int32_t x)
{
    return tl_clamp(x, INT16_MIN, INT16_MAX);
}

void tl_lstm_sequence_s8(const tl_lstm_sequence *p, const int8_t *in, int8_t *out, void *scratch)
{
    int32_t n = p->n;
    int16_t *gates = scratch, *cell = gates + 4 * n;
    for (int32_t k = 0; k < n; k++) cell[k] = 0;
    for (int32_t t = 0; t < p->steps; t++, in += p->inputs, out += n) {
        const int8_t *w = p->weights, *v = p->state_weights;
        for (int32_t j = 0; j < 4 * n; j += 2, w += 2 * p->inputs, v += 2 * n) {
            int32_t fed[2] = {p->bias[j], p->bias[j + 1]};
            int32_t kept[2] = {0}; /* a state of zero adds nothing */
            tl_dot_two(fed, w, in, p->inputs);
            if (t > 0) {
                kept[0] = p->state_bias[j], kept[1] = p->state_bias[j + 1];
                tl_dot_two(kept, v, out - n, n);
            }
            for (int32_t i = 0; i < 2; i++) {
                int32_t gate = (j + i) / n;
                int32_t sum = tl_clamp16(tl_scale(fed[i], p->m_input[gate], p->s_input[gate]));
                sum = tl_clamp16(sum + tl_clamp16(tl_scale(kept[i], p->m_state[gate], p->s_state[gate])));
                gates[j + i] = (int16_t)(gate == 2 ? tl_tanh16(p->sigmoid, sum, 3, 0) : tl_sigmoid16(p->sigmoid, sum));
            }
        }
        for (int32_t k = 0; k < n; k++) {
            int32_t keep = tl_clamp16(tl_scale(gates[n + k] * cell[k], p->m_keep, p->s_keep));
            int32_t fresh = tl_clamp16(tl_scale(gates[k] * gates[2 * n + k], p->m_fresh, p->s_fresh));
            int32_t sum = tl_clamp(tl_clamp16(keep + fresh), p->cell_low, p->cell_clip);
            cell[k] = (int16_t)sum;
            sum = tl_tanh16(p->sigmoid, sum, p->tanh_factor, p->tanh_shift) * gates[3 * n + k];
            out[k] = (int8_t)tl_clamp(tl_scale(sum, p->m_hidden, p->s_hidden) + p->state_zero, -128, 127);
        }
    }
}
