// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_MANAGER_PRIVATE_H
#define FERMATA_CONTROL_MANAGER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/manager.h"
#include "control/manager_parts.h"
#include "control/offers.h"

/**
 * manager_private: what manager.c (the parts of a daemon) and manager_channels.c (who comes and
 * goes) share.
 */
struct manager {
    struct settings *settings;
    struct roster *roster;
    struct pw_loop *loop;
    struct pw_context *context;
    struct spa_source *trouble; ///< wakes the main loop from the generator's thread
    struct repertoire *repertoire;
    struct generator *generator;
    struct performer *performer;
    struct pump *pump;
    struct channel *channels[MANAGER_CHANNELS]; ///< "main" first
    size_t channel_count;
    struct channel *going[MANAGER_CHANNELS]; ///< removed; they fade out
    size_t going_count;
    bool left_out; ///< a channel of a file has no place until one goes
    struct spa_source *going_timer;
    struct timetable *timetable;
    struct offers offers;
    struct manager_listener listener;
};

/** Tells the listener that a property of a channel, or of the daemon (NULL), has changed. */
void manager_changed(void *user, struct channel *channel, const char *property);

/** NULL: there is none of that name. */
struct channel *manager_find_channel(const struct manager *manager, const char *name);

/** Makes "main", and of the roster's other channels those that can be made. Returns 0 or -errno. */
int manager_make_channels(struct manager *manager);

/** Ends those that are removed, as soon as the generator has let them go. Of the timer. */
void manager_on_going(void *user, uint64_t expirations);

#endif
