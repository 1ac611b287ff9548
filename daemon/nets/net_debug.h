// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_NET_DEBUG_H
#define FERMATA_NETS_NET_DEBUG_H

#include <stddef.h>
#include <stdint.h>

#include "nets/net.h"

/**
 * net_debug: looking into a net, for tests. Slow: each call records or copies anew.
 */

/** As net_run(), but `steps` steps (1 to net_info.steps); `ret_tokens` has as many a lane. */
int net_debug_run(struct net *net, const struct net_lane *lanes, uint32_t steps,
                  uint8_t *ret_tokens);

/** Zeroes the state of a roll net's lane with the next run, but keeps its last frame: what the net
 * hears first is then that frame. */
void net_debug_forget(struct net *net, uint32_t lane);

/** Reads values of a lane: "x" (the next input, 256), "logits" (of the last step: 384 of a roll
 * net; those of the four fields one after the other, 319, of a notes net), or a state of the lstm:
 * "h1", "c1", "h2", "c2" (512). Returns how many there are (at most `room` are written), -ENOENT
 * for another name, or -errno. */
int net_debug_peek(struct net *net, uint32_t lane, const char *name, float *ret_values,
                   size_t room);

/** "texel" or "plain". */
const char *net_debug_form(const struct net *net);

#endif
