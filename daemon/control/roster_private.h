// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_ROSTER_PRIVATE_H
#define FERMATA_CONTROL_ROSTER_PRIVATE_H

#include <limits.h>

#include "control/roster.h"
#include "control/schedule.h"

/**
 * roster_private: what roster.c (who there is) and roster_file.c (how it is written down) share.
 */
struct roster_channel {
    char name[SETTINGS_NAME_ROOM];
    struct settings file;  ///< what the settings files say of it (the keys that are given)
    struct settings state; ///< and the state file
    struct schedule file_schedule;
    struct schedule state_schedule; ///< counts instead,
    bool rescheduled;               ///< where it is said
    time_t followed;                ///< up to when,
    uint32_t followed_hash;         ///< the schedule with this hash
    bool configured;                ///< a settings file has it
    bool removed;                   ///< by a person
};

struct roster {
    struct roster_channel *channels[ROSTER_CHANNELS + 1]; ///< "main" first
    size_t count;
    char state_path[PATH_MAX];
};

/** The channel of that name, be it removed; NULL: there is none. */
struct roster_channel *roster_find(const struct roster *roster, const char *name);

/** The same, made where there is none. NULL: there is no room, or no memory. */
struct roster_channel *roster_make(struct roster *roster, const char *name);

/** Writes the state file anew. `what` and `value` are what has changed, for the log. Returns 0 or
 * -errno, logged. */
int roster_write(struct roster *roster, const char *what, const char *value);

#endif
