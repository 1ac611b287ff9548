// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_ENGINE_H
#define FERMATA_NETS_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

struct batch;
struct buffer;
struct form;
struct net_info;
struct safetensors;
struct stack_kind;

/**
 * engine: what makes a net's steps on the device, from one step to the next input. net.c owns
 * everything around it (the file's card, lanes, running); an engine owns weights and state and
 * records the work. There is one for each vocabulary: roll_engine.c and note_engine.c.
 *
 * An engine embeds struct engine as its first member.
 */
struct engine {
    const struct engine_kind *kind;
};

/** Where an engine is built. All of it outlives the engine but `file`. */
struct engine_place {
    const struct form *form;
    const struct safetensors *file;
    const struct net_info *info;
    struct buffer *forced; ///< [lane][steps][token_bytes], with net_info's steps and token_bytes
    struct buffer *tokens; ///< the same of what comes out
};

/** What lanes have in a buffer: `features` words of four bytes each. */
struct engine_view {
    struct buffer *buffer;
    uint32_t features;
    bool lane_by_lane; ///< [lane][features]; else as form_index() says
};

/** Views of all that a lane keeps from one run to the next, at most. */
#define ENGINE_MOST_VIEWS 24

struct engine_kind {
    const char *name;               ///< the metadata's "net"
    const struct stack_kind *stack; ///< of roll nets
    uint32_t vocabulary;            ///< enum net_vocabulary
    uint32_t steps, token_bytes;    ///< see net.h
    uint32_t cpu_tile;              ///< lanes that a CPU had best compute together
    /** Texels of the largest texel buffer it will want for so many lanes. Returns 0, or -EBADMSG
     * where the file is of no use (logged). */
    int (*texels)(const struct engine_kind *kind, const struct safetensors *file, uint32_t lanes,
                  uint64_t *ret_texels);
    /** Returns 0, -EBADMSG (logged), -ENOMEM, -ENODEV or -EIO. */
    int (*new)(const struct engine_place *place, const struct engine_kind *kind,
               struct engine **ret_engine);
    void (*free)(struct engine *engine);
    /** Records a run of `steps` steps: what lane words ask for is cleared first. */
    void (*record)(const struct engine *engine, struct batch *batch, uint32_t steps);
    /** Views of all that a lane keeps from one run to the next; features are multiples of four.
     * Nets of one file have the same, in the same order. Returns how many. */
    uint32_t (*keeps)(const struct engine *engine, struct engine_view ret_views[ENGINE_MOST_VIEWS]);
    /** The buffer called `name`, for tests; false where there is none. */
    bool (*look)(const struct engine *engine, const char *name, struct engine_view *ret_view);
};

#define ROLL_ENGINES 3
/** Nets that play frames. */
extern const struct engine_kind roll_engines[ROLL_ENGINES];
/** A transformer that plays notes. */
extern const struct engine_kind transformer_engine;

#endif
