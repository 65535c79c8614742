/* Sound → log-mel energies or MFCC: tables and calls. Written for one set of constants by Touchline. */
#ifndef TOUCHLINE_SOUND_H
#define TOUCHLINE_SOUND_H

#include <stdint.h>

typedef struct {
    int32_t window, hop, frames;   /* samples, samples, rows that a model sees */
    int32_t size, bands;           /* of the transform; of a row before dct */
    int32_t coefficients;          /* 0: rows are bands */
    int32_t offset, floor;         /* bits; log2 in Q16 */
    int32_t multiplier, zero_point;
    const int32_t *hann;           /* window, Q31 */
    const uint16_t *reversed;      /* size / 2 */
    const int32_t *twiddles;       /* cos and sin, size / 2 pairs, Q31 */
    const uint16_t *starts;        /* bands + 2 */
    const uint16_t *rising;        /* Q15, of bins from starts[0] on */
    const int32_t *log2_table;     /* 33, Q16 */
    const int16_t *dct;            /* coefficients x bands, Q15 */
} tl_sound;

typedef struct {
    int32_t samples, rows, next;   /* that have come, at most a window and frames; where the next row goes */
} tl_sound_place;

/* One hop more. history: window samples; rows: frames rows; work: size numbers that may hold anything.
 * 1 where a row was computed, 0 while the first window fills. */
int32_t tl_sound_push(const tl_sound *s, tl_sound_place *place, int16_t *history, int8_t *rows, const int16_t *hop,
                      int32_t *work);

/* The newest frames rows, oldest first. 0, and nothing copied, while there are fewer. */
int32_t tl_sound_input(const tl_sound *s, const tl_sound_place *place, const int8_t *rows, int8_t *input);

#endif
