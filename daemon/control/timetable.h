// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_TIMETABLE_H
#define FERMATA_CONTROL_TIMETABLE_H

/**
 * timetable: has the schedules of the roster's channels followed, on the main loop. It wakes when
 * an entry strikes or the clock is set. What has struck since a schedule was last followed, also
 * before the daemon started, is made up for, in its order.
 */
struct offers;
struct timetable;
struct pw_loop;
struct roster;

struct timetable_config {
    struct pw_loop *loop;
    struct roster *roster;
    /** Does what an entry of a channel's schedule says: "composer", "debussy"; "start", "". */
    void (*act)(void *user, const char *channel, const char *key, const char *value);
    void *user;
};

/** Returns 0 or -errno, logged. Follows nothing before timetable_follow(). */
int timetable_new(const struct timetable_config *config, struct timetable **ret_timetable);
void timetable_free(struct timetable *timetable);

/** Warns of entries that name what is not there: they come from files, as the bus refuses them. */
void timetable_check(const struct timetable *timetable, const struct offers *offers);

/** Does what is due, and waits for what comes next. Call it after a schedule or the channels have
 * changed. */
void timetable_follow(struct timetable *timetable);

#endif
