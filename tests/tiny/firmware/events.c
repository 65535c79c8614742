/* Lines on stdin, "need of enter leave count scores…" → each window's change: "0", or "±1 back score lasted". */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "touchline_events.h"

int main(void)
{
    tl_event_rule rule = {"kind", 0, 0, 0, 0};
    int32_t count, score;
    while (scanf("%" SCNd32 "%" SCNd32 "%" SCNd32 "%" SCNd32 "%" SCNd32, &rule.need, &rule.of, &rule.enter,
                 &rule.leave, &count) == 5) {
        tl_event_state state;
        memset(&state, 0, sizeof state);
        while (count-- > 0 && scanf("%" SCNd32, &score) == 1) {
            int32_t change = tl_event_step(&rule, &state, score);
            if (change) printf("%d %d %d %u\n", (int)change, (int)state.back, (int)state.score, (unsigned)state.lasted);
            else puts("0");
        }
    }
    return 0;
}
