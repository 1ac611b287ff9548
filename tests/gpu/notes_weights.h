// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_NOTES_WEIGHTS_H
#define FERMATA_TESTS_GPU_NOTES_WEIGHTS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * notes_weights: an untrained transformer of any size in memory, made of a seed, and as the file
 * that the daemon reads. It would love to play what must not be: pitches outside 21..108 and deltas
 * of more than four seconds have the largest logits of all.
 */
struct notes_layer {
    float *qkv, *proj, *up, *down, *gain, *sink;
};

struct notes_head {
    float *hidden, *seen[3], *out, *bias;
};

#define NOTES_MOST_LAYERS 4
#define NOTES_CONTROLS 6
/** Rows of the table of controls, and where each control's begin. */
#define NOTES_CONTROL_ROWS 67
/** Of an accent: turns of three intervals; pairs of strides, and how wide they are; pitches. */
#define NOTES_TURNS 1728
#define NOTES_STRIDES 49
#define NOTES_WIDTHS 27
#define NOTES_PITCHES 128

enum notes_accent { NOTES_TURN = 1, NOTES_STRIDE = 2, NOTES_COMPASS = 4 };

extern const uint32_t notes_sizes[4];
extern const uint32_t notes_control_rows[NOTES_CONTROLS];

struct notes_weights {
    uint32_t width, hidden, composers, kinds, layers;
    uint32_t windows[NOTES_MOST_LAYERS];
    float *tables[4], *start, *composer, *kind, *control;
    struct notes_layer layer[NOTES_MOST_LAYERS];
    struct notes_head head[4];
    uint32_t accented; ///< of enum notes_accent, which accents composer c1 has
    float *accent;     ///< his, [NOTES_TURNS][12]
    float *stride;     ///< his, [NOTES_STRIDES][NOTES_WIDTHS]
    float *compass;    ///< his, [NOTES_PITCHES]
    float *values;     ///< of all of them
};

/** Sizes are set, all else is made; matrices hold values that bfloat16 represents exactly. */
void notes_weights_init(struct notes_weights *weights, uint32_t seed);
void notes_weights_finish(struct notes_weights *weights);

/** A note whose fields are drawn (draws.h) from all that there are. */
void notes_weights_note(uint32_t *seed, uint8_t ret_note[4]);

/** Another way to write a file, so that it is refused. */
struct notes_flaw {
    const char *tensor; ///< written with one row too few; left out if it begins with '-'
    const char *key;    ///< metadata to write as `value`; NULL leaves it out
    const char *value;
    const char *bad_value; ///< tensor whose first value is 1000
};

/** `flaw` NULL: a sound file. */
void notes_weights_write(const struct notes_weights *weights, const char *path,
                         const struct notes_flaw *flaw);

#endif
