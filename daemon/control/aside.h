// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_ASIDE_H
#define FERMATA_CONTROL_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * aside: the nets that have failed one channel, and until when they are not to be tried again: a
 * minute of its music at first, then twice as long each time, up to sixteen. Plain data of its
 * lane. Times are channel time, so that the same music comes whatever the clock says.
 */
struct repertoire_net;

#define ASIDE_NETS 16

struct aside {
    struct {
        const struct repertoire_net *net;
        int64_t until;
        int64_t wait;
    } of[ASIDE_NETS];
    size_t count;
};

/** The net has failed at channel time `now`. */
void aside_put(struct aside *aside, const struct repertoire_net *net, int64_t now);

/** Whether it is not to be played at `now`. */
bool aside_holds(const struct aside *aside, const struct repertoire_net *net, int64_t now);

/** Whether it has failed, and has not played well since. */
bool aside_knows(const struct aside *aside, const struct repertoire_net *net);

/** It plays well. */
void aside_forget(struct aside *aside, const struct repertoire_net *net);

#endif
