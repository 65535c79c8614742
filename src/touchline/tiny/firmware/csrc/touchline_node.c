/* Samples → features → network → events → lines: bit for bit touchline.tiny.firmware.twin. */
#include "touchline_node.h"

#include <string.h>

#include "port.h"
#include "touchline_events.h"

/* NODE_TOLD and NODE_RULES are node_config.h's: one rule for each of the network's scores. */
static const tl_event_rule rules[NODE_CLASSES] = {NODE_RULES};

/* The network's arena, which the features' scratch shares: they take turns. */
static union {
    int64_t align;
    int8_t arena[NODE_ARENA_BYTES];
    int32_t work[FRONT_WORK];
} memory;
static front_state front;
static tl_event_state states[NODE_CLASSES];
static uint64_t samples;
static uint64_t told_ms;
static uint32_t boot, seq;

/* A kind has 32 letters at most, a number 20 digits: a line is shorter than this. */
static char line[224];
static uint32_t length;

static void put(const char *text)
{
    uint32_t more = (uint32_t)strlen(text);
    memcpy(line + length, text, more);
    length += more;
}

static void put_number(uint64_t number, int32_t digits)
{
    char text[24];
    int32_t at = 23;
    text[at] = 0;
    for (; number || digits > 0 || at == 23; number /= 10, digits--) text[--at] = (char)('0' + number % 10);
    put(text + at);
}

static uint64_t ms_after(uint64_t count) { return count * NODE_MS_OVER / NODE_MS_UNDER; }

static void begin_line(uint64_t t_ms)
{
    length = 0;
    put("{\"seq\":");
    put_number(seq++, 0);
    put(",\"boot\":");
    put_number(boot, 0);
    put(",\"t_ms\":");
    put_number(t_ms, 0);
}

static void end_line(void)
{
    put("}\n");
    port_say(line, length);
}

static void tell_life(uint64_t now_ms)
{
    told_ms = now_ms;
    begin_line(now_ms);
    put(",\"kind\":\"heartbeat\"");
    end_line();
}

/* Thousandths, from a score of the network. */
static uint32_t thousandths(int32_t score)
{
    int64_t scaled = ((int64_t)(score - NODE_SCORE_ZERO_POINT) * NODE_SCORE_FACTOR + (1 << 15)) >> 16;
    return (uint32_t)(scaled < 0 ? 0 : scaled > 1000 ? 1000 : scaled);
}

static void tell_change(const tl_event_rule *rule, const tl_event_state *state)
{
    uint32_t score = thousandths(state->score);
    uint64_t ago = (uint64_t)state->back * FRONT_EVERY;
    begin_line(ms_after(samples - ago));
    put(",\"sent_ms\":");
    put_number(ms_after(samples), 0);
    put(",\"kind\":\"");
    put(rule->kind);
    put("\",\"score\":");
    put_number(score / 1000, 0);
    put(".");
    put_number(score % 1000, 3);
    if (state->active) {
        put(",\"phase\":\"begin\"");
    } else {
        put(",\"phase\":\"end\",\"lasted_ms\":");
        put_number(ms_after((uint64_t)state->lasted * FRONT_EVERY), 0);
    }
    end_line();
}

void node_start(uint32_t number)
{
    boot = number;
    tell_life(0);
}

void node_take(const int16_t *chunk)
{
    for (int32_t push = 0; push < NODE_CHUNK; push++, chunk += FRONT_SAMPLES * FRONT_AXES) {
        int32_t due = front_push(&front, chunk, memory.work, memory.arena + NODE_INPUT_OFFSET);
        samples += FRONT_SAMPLES;
        uint64_t now_ms = ms_after(samples);
        if (now_ms - told_ms >= NODE_HEARTBEAT_MS) tell_life(now_ms);
        if (!due) continue;
        node_model_run(memory.arena);
        const int8_t *scores = memory.arena + NODE_OUTPUT_OFFSET;
        for (int32_t each = 0; each < NODE_CLASSES; each++)
            if (rules[each].kind && tl_event_step(&rules[each], &states[each], scores[each]))
                tell_change(&rules[each], &states[each]);
    }
}
