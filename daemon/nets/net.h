// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_NET_H
#define FERMATA_NETS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nets/tuning.h"

struct device;

/**
 * net: one trained net, its weights resident in device memory, with the state of `lanes` channels
 * side by side.
 *
 * It makes music in steps. What a step is, its vocabulary says; a step is net_info.token_bytes
 * bytes:
 *
 *     NET_ROLL   a frame of NET_FRAME_CELLS cells, one a MIDI pitch, 20 a second. A cell is
 *                  0        off
 *                  1..127   an onset with this velocity
 *                  128      goes on sounding
 *     NET_NOTES  a note of four bins (models/notes.py): delta, pitch, duration, velocity
 *
 * Belongs to the generator's thread. It knows shapes, not notes: what a composer is called and
 * how steps become notes is the business of others.
 */
struct net;

enum net_vocabulary { NET_ROLL, NET_NOTES };

#define NET_FRAME_CELLS 128
#define NET_FRAMES_PER_SECOND 20
/** Steps of one net_run() of a roll net: one second of music for each lane. */
#define NET_RUN_STEPS 20

#define NET_NOTE_FIELDS 4
/** Steps of one net_run() of a notes net: one to some seconds of music. */
#define NET_RUN_NOTES 16
/** No delta that stands for more ticks of 10 ms than this is drawn. */
#define NET_LONGEST_DELTA_TICKS 400
/** No pitch outside these is drawn by a notes net. */
#define NET_LOWEST_PITCH 21
#define NET_HIGHEST_PITCH 108

/** Bytes of a lane's steps in one net_run(), whatever the net. */
#define NET_MAX_RUN_BYTES (NET_RUN_STEPS * NET_FRAME_CELLS)

enum net_cell {
    NET_CELL_OFF = 0,
    NET_CELL_HOLD = 128,
};

enum net_sampling {
    NET_SAMPLE,
    NET_HARD,
};

/** What may be told to a net of the music it is to make; see models/control.py for the buckets. */
enum net_control {
    NET_DENSITY,
    NET_REGISTER,
    NET_LOUDNESS,
    NET_POLYPHONY,
    NET_KEY, ///< buckets 0..11: major by its tonic, 12..23: minor
    NET_CHROMA,
    NET_CONTROLS
};

/**
 * What one lane is to do in one run.
 *
 * Threshold, NET_SAMPLE, NET_ROLL: each onset is drawn with probability
 * sigmoid(logit - logit(threshold)), so that 0.5 is as the net believes; a sounding note goes on
 * with the probability the net gives it. NET_NOTES: at 0.5 fields are drawn as the net believes at
 * its temperature; above it what is less likely than 0.2 (2 t - 1)^2 times the likeliest is not
 * drawn (min-p, Nguyen et al. 2024); below it the logits are divided by 1 + 0.4 (1 - 2 t). Where
 * the file has accents of the composer (models/accent.py), they are added to the pitches' logits
 * before all of this, from the fifth note on: one for the turn from the note before, where a note
 * begins a chord one for the stride from the chord before, and one for the pitch itself.
 *
 * NET_HARD: a cell is on where its probability reaches the threshold (the article's way); a note
 * is the likeliest of each field.
 */
struct net_lane {
    bool active;       ///< false: the lane's state is left as it is
    uint32_t composer; ///< row of net_info.composers
    uint32_t kind;     ///< row of net_info.kinds; 0 where there are none
    /** Buckets, by enum net_control; -1: not told, as is what the net has no buckets of. Roll nets
     * do not heed them. */
    int8_t control[NET_CONTROLS];
    enum net_sampling sampling;
    float threshold; ///< 0 to 1; clamped to [0.001, 0.999]
    uint64_t seed;   ///< of the counter-based random numbers
    uint64_t step;   ///< number of the run's first step; same seed and step, same draw
    /** The first `forced_count` steps are fed instead of what the net would play (priming), and
     * come out as they are; the net goes on from there. NULL where forced_count is 0. */
    const uint8_t *forced;
    uint32_t forced_count; ///< 0 to net_info.steps
};

/** What the weights file knows of a composer's music. */
struct net_habits {
    /** Buckets of the composer's typical texture, by enum net_control; -1: not known. */
    int8_t control[NET_CONTROLS];
    /** How the texture of human playing changes: buckets by enum net_control or
     * NET_PLAN_GAP, a row for every 5 s; a row of nothing else lies between two pieces. NULL where
     * the file has none. */
    const uint8_t (*plan)[NET_CONTROLS];
    uint32_t plan_count; ///< rows
};

#define NET_PLAN_GAP 255

/** What the weights file says of itself. Strings and arrays belong to the net. */
struct net_info {
    const char *name;   ///< "lstm", "conv1d", "wavenet", "transformer"
    const char *family; ///< "maestro"
    const char *licence;
    enum net_vocabulary vocabulary;
    uint32_t steps;               ///< of one net_run()
    uint32_t token_bytes;         ///< of one step
    const char *const *composers; ///< the embedding's rows, in order
    uint32_t composer_count;
    const struct net_habits *habits; ///< of each composer, in the same order
    const char *const *offered;      ///< the composers to offer to users
    uint32_t offered_count;
    const char *const *kinds; ///< what data may be like, "performance" first; none in roll nets
    uint32_t kind_count;
    uint32_t buckets[NET_CONTROLS];   ///< how many each control has; 0 where it cannot be told
    const float *edges[NET_CONTROLS]; ///< where they begin, but for the first one; NULL where none
    uint32_t control_rows[NET_CONTROLS]; ///< of the table of controls: where each begins
    uint32_t control_count;              ///< rows of that table
    double validation_loss;              ///< nats per step, NAN where unknown
    double temperature; ///< NET_NOTES: at which the net is at its best; logits are divided by it
    uint32_t lanes;
};

/**
 * Reads a weights file (safetensors, metadata format "fermata-net-1"), uploads it, builds the
 * pipelines for `lanes` lanes, runs them once so that every driver has compiled them, and resets
 * all lanes. Blocks: up to some seconds the first time, some 100 ms with a warm driver cache.
 *
 * Returns 0, -ENOENT, -EBADMSG (not such a file, or shapes that do not fit: logged with the name
 * of the tensor), -ENOMEM, -ENODEV (device lost) or -EIO.
 */
int net_new(struct device *device, const char *path, uint32_t lanes, struct net **ret_net);

/** How a net's kernels are laid out: what may be tuned (tune.h) without changing a note. */
struct net_layout {
    bool texel;    ///< else there is nothing to tune
    uint32_t most; ///< the largest tile that its lanes allow
    struct tuning_layout layout;
};

/** As net_new(), in this layout, or in the usual one where that cannot be ({0, 0} never can),
 * whatever was tuned. */
int net_new_laid(struct device *device, const char *path, uint32_t lanes,
                 struct tuning_layout layout, struct net **ret_net);

struct net_layout net_layout(const struct net *net);

/** Whether net_new_laid() would heed it for such a net. */
bool net_takes_layout(const struct net *net, struct tuning_layout layout);

void net_free(struct net *net);

const struct net_info *net_info(const struct net *net);

/** Row of the composer called `name`, or -ENOENT. */
int net_find_composer(const struct net *net, const char *name);

/**
 * Makes a lane new: state and last frame of a roll net are silence; a notes net begins a piece.
 * Takes effect with the next run.
 */
void net_reset(struct net *net, uint32_t lane);

/** Whether lanes of the one can adopt what those of the other have; both are of the same file. They
 * cannot where a device takes only the narrower net in its fast form. */
bool net_is_kin(const struct net *net, const struct net *other);

/**
 * `lane` goes on where lane `from_lane` of the other net, its kin, has got to, which stays as it
 * is: the next run makes of the same inputs what it would have made. Waits. Returns 0, or as
 * net_run() or -ENOMEM; then reset the lane.
 */
int net_adopt(struct net *net, uint32_t lane, const struct net *from, uint32_t from_lane);

/**
 * Runs net_info.steps steps in one submit for all active lanes and waits for them.
 *
 * `lanes` has net_info.lanes entries; `ret_tokens` has room for
 * [net_info.lanes][net_info.steps][net_info.token_bytes] bytes; those of inactive lanes are zero.
 *
 * Returns 0, -ENODEV (device lost), -ETIMEDOUT (the device did not answer in time: treat it
 * as lost) or -EIO. On failure `ret_tokens` is untouched and the lanes' states are undefined:
 * reset them.
 */
int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_tokens);

#endif
