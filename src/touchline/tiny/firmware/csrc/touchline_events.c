/* Scores → events: bit for bit touchline.tiny.firmware.events. */
#include "touchline_events.h"

static int32_t tl_ones(uint32_t bits)
{
    int32_t count = 0;
    for (; bits; bits &= bits - 1) count++;
    return count;
}

static int32_t tl_highest(uint32_t bits)
{
    int32_t at = -1;
    for (; bits; bits >>= 1) at++;
    return at;
}

int32_t tl_event_step(const tl_event_rule *rule, tl_event_state *state, int32_t score)
{
    uint32_t against = state->active ? score < rule->leave : score >= rule->enter;
    state->against = (state->against << 1 | against) & (0xFFFFFFFFu >> (32 - rule->of));
    if (state->active) {
        state->lasted++;
        if (score > state->score) state->score = score;
    }
    if (tl_ones(state->against) < rule->need) return 0;
    state->back = tl_highest(state->against);
    state->against = 0;
    state->active = !state->active;
    if (!state->active) {
        state->lasted -= (uint32_t)state->back;
        return -1;
    }
    state->score = score;
    state->lasted = (uint32_t)state->back;
    return 1;
}
