/* Scores, window by window → when something begins and ends: bit for bit touchline.tiny.firmware.events. */
#ifndef TOUCHLINE_EVENTS_H
#define TOUCHLINE_EVENTS_H

#include <stdint.h>

/* A window speaks for it from enter on, and against it below leave. It begins, and ends, once need of the last of
 * windows spoke so. 1 <= need <= of <= 32. kind: NULL where nobody is told of this class. */
typedef struct {
    const char *kind;
    int32_t need, of;
    int32_t enter, leave;
} tl_event_rule;

/* Zeroed: nothing has been heard. */
typedef struct {
    uint32_t against;   /* of the last windows, those that spoke against what holds now; the newest is bit 0 */
    int32_t active;
    int32_t score;      /* of the window it began with; while it lasts the greatest */
    uint32_t lasted;    /* windows since the first that spoke for it */
    int32_t back;       /* after a change: how many windows ago the first spoke for that change */
} tl_event_state;

/* One window more. 1 where it begins, -1 where it ends, else 0. */
int32_t tl_event_step(const tl_event_rule *rule, tl_event_state *state, int32_t score);

#endif
