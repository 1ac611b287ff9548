// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_STACK_H
#define FERMATA_NETS_STACK_H

#include <stdint.h>

struct batch;
struct buffer;
struct layer;
struct layer_place;

/**
 * stack: the layers of one kind of roll net between its input and its logits. roll_engine.c owns
 * everything around them, so that a new kind of roll net is one file with one stack_kind, and an
 * engine_kind that names it.
 *
 * A kind embeds struct stack as its first member.
 */
struct stack;

/** Values into and out of every net of the roll vocabulary; see shaders/sample.comp. */
#define STACK_INPUTS 256
#define STACK_LOGITS 384

#define STACK_MAX_STATES 16

/** What of a lane outlives a step; zero in a lane that is reset. Laid out as form_index() says.
 * `now[step & 1]` is read by a step, the other one written; both may be the same buffer. */
struct stack_state {
    const char *name; ///< for debugging: "h1"
    struct buffer *now[2];
    uint32_t features;
};

struct stack {
    const struct stack_kind *kind;
    struct stack_state states[STACK_MAX_STATES];
    uint32_t state_count;
    struct layer *const *layers; ///< whose pasts outlive a step as well
    uint32_t layer_count;
};

struct stack_kind {
    /** For the choice of form: elements of the largest matrix, and values of the longest past that
     * a layer keeps of a lane (0: none). */
    uint64_t largest_matrix, longest_past;
    /** `input` and `logits` outlive the stack. Returns 0, -EBADMSG (logged), -ENOMEM, -ENODEV or
     * -EIO. */
    int (*new)(const struct layer_place *place, struct buffer *input, struct buffer *logits,
               struct stack **ret_stack);
    void (*free)(struct stack *stack);
    /** Records step number `step`, with barriers between the layers and behind the last. */
    void (*record)(const struct stack *stack, struct batch *batch, uint32_t step);
};

/** lstm.c: two LSTM layers and three dense layers (Pyzzicato's `lstm`). */
extern const struct stack_kind lstm_kind;
/** conv1d.c: three causal convolutions over 9.6 s and two dense layers. */
extern const struct stack_kind conv1d_kind;
/** wavenet.c: five gated blocks with residuals and skips, over 9.3 s, and two dense layers. */
extern const struct stack_kind wavenet_kind;

#endif
