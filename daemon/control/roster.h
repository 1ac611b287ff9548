// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_ROSTER_H
#define FERMATA_CONTROL_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "control/settings.h"

/**
 * roster: the channels that a person has asked for, and what the settings files and the state file
 * say of each. A file has sections:
 *
 *     [fermata]            of the daemon and of the channel "main"; in a settings file also what
 *                          the other channels have where nothing else is said (settings_scope)
 *     [channel support]    of the channel "support", which is there because of it
 *
 * The state file is the daemon's: what was changed while it ran, of each channel. It also says
 * which channels of the settings files were removed.
 *
 * A line that cannot be is logged with its place and left out. Main thread.
 */
struct roster;
struct schedule;

/** Most channels besides "main". */
#define ROSTER_CHANNELS 63

/** Knows "main", with the defaults. Returns 0 or -ENOMEM. */
int roster_new(struct roster **ret_roster);
void roster_free(struct roster *roster);

/** Reads a settings file, the weaker ones first. Returns 0 or -errno (-ENOENT where it does not
 * exist, not logged). */
int roster_read_file(struct roster *roster, const char *path);

/** Reads the state file, and has changes remembered there from now on; "": nowhere. As above. */
int roster_read_state(struct roster *roster, const char *path);

/** What the settings files say under [fermata], on top of the defaults. */
const struct settings *roster_defaults(const struct roster *roster);

/** The channels besides "main", in the order in which they came. The name is the roster's. */
size_t roster_count(const struct roster *roster);
const char *roster_name(const struct roster *roster, size_t index);
bool roster_knows(const struct roster *roster, const char *name);

/** Exchanges all that the two know: for settings that were read again. */
void roster_swap(struct roster *roster, struct roster *other);

/** Puts what the state file says of "main" and of the daemon on top of `settings`. */
void roster_apply_state(const struct roster *roster, struct settings *settings);

/** The settings of another channel: `daemon` says what is the same for all. */
void roster_settings(const struct roster *roster, const char *name, const struct settings *daemon,
                     struct settings *ret_settings);

/**
 * Adds the channel wish->channel with the keys that are `given`, and remembers it. A channel of a
 * settings file that was removed before comes back with what the file says. Returns 0, -EINVAL (no
 * such name can be), -EEXIST, -ENOSPC or -ENOMEM; what cannot be written holds until the daemon
 * ends (logged).
 */
int roster_add(struct roster *roster, const struct settings *wish);

/** Forgets a channel and all that was set of it. Returns 0, -ENOENT, or -EPERM for "main". */
int roster_remove(struct roster *roster, const char *name);

/** Remembers one key of a channel in the state file (atomic replace). Returns 0 or -errno, logged
 * once. */
int roster_remember(struct roster *roster, const char *channel, const char *key, const char *value);

/** What is to be changed of a channel, and when ("schedule = ..." in the files, a line for each
 * entry; those of the state file count instead of the others). */
const struct schedule *roster_schedule(const struct roster *roster, const char *channel);

/** Adds or removes an entry, and remembers it. As schedule_add() and schedule_remove(), or -ENOENT:
 * there is no such channel. */
int roster_schedule_add(struct roster *roster, const char *channel, const char *text, time_t now,
                        const char **ret_why);
int roster_schedule_remove(struct roster *roster, const char *channel, const char *text,
                           time_t now);

/** Up to when the schedule has been followed; 0: it never was, or it is another one since. */
time_t roster_followed(const struct roster *roster, const char *channel);
/** It is followed up to `now`; `remember`: also after a restart. */
void roster_set_followed(struct roster *roster, const char *channel, time_t now, bool remember);

#endif
