// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_NET_H
#define FERMATA_NETS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/**
 * net: one trained net, its weights resident in device memory, with the state of `lanes` channels
 * side by side.
 *
 * A net of the roll vocabulary makes frames of NET_FRAME_CELLS cells, one a MIDI pitch, 20 a
 * second. A cell is one byte:
 *
 *     0         off
 *     1..127    an onset with this velocity
 *     128       goes on sounding
 *
 * Belongs to the generator's thread. It knows shapes, not notes: what a composer is called and
 * how a frame becomes notes is the business of others.
 */
struct net;

#define NET_FRAME_CELLS 128
#define NET_FRAMES_PER_SECOND 20
/** Steps of one net_run(): one second of music for each lane. */
#define NET_RUN_STEPS 20

enum net_cell {
    NET_CELL_OFF = 0,
    NET_CELL_HOLD = 128,
};

enum net_sampling {
    /** Draw each onset with probability sigmoid(logit - logit(threshold)), so that 0.5 is as the
     * net believes; a sounding note goes on with the probability the net gives it. */
    NET_SAMPLE,
    /** A cell is on where its probability reaches the threshold (the article's way). */
    NET_HARD,
};

/** What one lane is to do in one run. */
struct net_lane {
    bool active;       ///< false: the lane's state is left as it is
    uint32_t composer; ///< row of net_info.composers
    enum net_sampling sampling;
    float threshold; ///< 0 to 1; clamped to [0.001, 0.999]
    uint64_t seed;   ///< of the counter-based random numbers
    uint64_t step;   ///< number of the run's first step; same seed and step, same draw
    /** NULL: the lane composes. Else NET_RUN_STEPS frames of NET_FRAME_CELLS bytes that are fed
     * instead of what the net would play (priming); they are also what comes out. */
    const uint8_t *forced;
};

/** What the weights file says of itself. Strings and arrays belong to the net. */
struct net_info {
    const char *name;   ///< "lstm"
    const char *family; ///< "maestro"
    const char *licence;
    const char *const *composers; ///< the embedding's rows, in order
    uint32_t composer_count;
    const char *const *offered; ///< the composers to offer to users
    uint32_t offered_count;
    const char *stats;      ///< the metadata's "stats", JSON text as it stands, or "{}"
    double validation_loss; ///< nats per frame, NAN where unknown
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

void net_free(struct net *net);

const struct net_info *net_info(const struct net *net);

/** Row of the composer called `name`, or -ENOENT. */
int net_find_composer(const struct net *net, const char *name);

/** Silences a lane: state and last frame to zero. Takes effect with the next run. */
void net_reset(struct net *net, uint32_t lane);

/**
 * Runs NET_RUN_STEPS steps in one submit for all active lanes and waits for them.
 *
 * `lanes` has net_info.lanes entries; `ret_frames` has room for
 * [net_info.lanes][NET_RUN_STEPS][NET_FRAME_CELLS] bytes; frames of inactive lanes are zero.
 *
 * Returns 0, -ENODEV (device lost), -ETIMEDOUT (the device did not answer within 10 s: treat it
 * as lost) or -EIO. On failure `ret_frames` is untouched and the lanes' states are undefined:
 * reset them.
 */
int net_run(struct net *net, const struct net_lane *lanes, uint8_t *ret_frames);

#endif
