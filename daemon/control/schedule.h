// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_SCHEDULE_H
#define FERMATA_CONTROL_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "control/calendar.h"

/**
 * schedule: what is to be changed of a channel, and when: entries such as
 *
 *     Mon..Fri 18:00 composer=debussy volume=0.5
 *     Sat,Sun 10:00 start
 *
 * which are a time (calendar.h), and then what is done: settings (those that may be changed while
 * the music plays), start, stop or skip. Plain data; knows the words, not the channel.
 */

#define SCHEDULE_ENTRIES 32
/** Room for an entry's text: a line of a settings file. */
#define SCHEDULE_ROOM 176

struct schedule_entry {
    char text[SCHEDULE_ROOM]; ///< words with single spaces between them
    struct calendar calendar;
};

/** Begins as zeros. */
struct schedule {
    struct schedule_entry *entries;
    size_t count;
};

void schedule_finish(struct schedule *schedule);

/** Returns 0 or -ENOMEM; what was in `schedule` is replaced. */
int schedule_copy(struct schedule *schedule, const struct schedule *from);

/** Adds an entry. Returns 0, -EINVAL, -EEXIST (it is there), -ENOSPC or -ENOMEM; *ret_why, a static
 * text, says what is wrong. */
int schedule_add(struct schedule *schedule, const char *text, const char **ret_why);

/** Removes an entry, by its text. Returns 0 or -ENOENT. */
int schedule_remove(struct schedule *schedule, const char *text);

/** When an entry strikes next after `now`; 0: never. */
time_t schedule_next(const struct schedule_entry *entry, time_t now);

/** The entries that have struck after `since` and up to `now`, each once, in the order of their
 * latest times. Returns how many there are. */
size_t schedule_due(const struct schedule *schedule, time_t since, time_t now,
                    const struct schedule_entry *ret_entries[SCHEDULE_ENTRIES]);

/** Calls `act` for each thing that an entry does, in order: "composer" and "debussy"; "start" and
 * "".
 */
void schedule_act(const struct schedule_entry *entry,
                  void (*act)(void *user, const char *key, const char *value), void *user);

/** Of all its words: another one where the entries are others. */
uint32_t schedule_hash(const struct schedule *schedule);

#endif
