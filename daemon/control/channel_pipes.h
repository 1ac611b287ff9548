// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CHANNEL_PIPES_H
#define FERMATA_CONTROL_CHANNEL_PIPES_H

#include <stdbool.h>
#include <stddef.h>

#include "control/channel.h"

/**
 * channel_pipes: the pipes of one channel, in which readers take its music beside PipeWire. Main
 * thread.
 */
struct outlet;
struct pump;

struct channel_pipes {
    struct outlet *outlets[CHANNEL_PIPES];
    size_t count;
    uint64_t underruns; ///< frames; of those that have been closed
};

/** Frees those whose readers have gone, or all of them. */
void channel_pipes_reap(struct channel *channel, bool all);

/** Tells them, and RTP, what has changed of the channel: playing, volume. */
void channel_pipes_follow(struct channel *channel);

/** How many are being read. */
uint32_t channel_pipes_flowing(const struct channel *channel);

#endif
