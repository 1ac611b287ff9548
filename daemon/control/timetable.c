// SPDX-License-Identifier: MIT
#include "control/timetable.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "control/offers.h"
#include "control/roster.h"
#include "control/schedule.h"
#include "log.h"

struct timetable {
    struct timetable_config config;
    int fd;
    struct spa_source *source;
};

/** What an entry does is done for this channel. */
struct deed {
    const struct timetable_config *config;
    const char *channel;
};

static void act(void *user, const char *key, const char *value)
{
    const struct deed *deed = user;
    deed->config->act(deed->config->user, deed->channel, key, value);
}

/** Does what is due of a channel; returns when the next entry strikes, 0: never. */
static time_t follow_channel(struct timetable *timetable, const char *channel, time_t now)
{
    struct roster *roster = timetable->config.roster;
    const struct schedule *schedule = roster_schedule(roster, channel);
    const struct schedule_entry *due[SCHEDULE_ENTRIES];
    time_t first = 0;
    if (!schedule->count)
        return 0;
    size_t count = schedule_due(schedule, roster_followed(roster, channel), now, due);
    // Before it is done: a setting that is remembered meanwhile writes this as well.
    roster_set_followed(roster, channel, now, count > 0);
    struct deed deed = {&timetable->config, channel};
    for (size_t i = 0; i < count; i++) {
        log_info("channel %s: as scheduled, %s", channel, due[i]->text);
        schedule_act(due[i], act, &deed);
    }
    for (size_t i = 0; i < schedule->count; i++) {
        time_t next = schedule_next(&schedule->entries[i], now);
        if (next && (!first || next < first))
            first = next;
    }
    return first;
}

void timetable_follow(struct timetable *timetable)
{
    const struct roster *roster = timetable->config.roster;
    // time() may lag some milliseconds behind, and what strikes now would be missed.
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    time_t now = clock.tv_sec;
    time_t first = follow_channel(timetable, "main", now);
    for (size_t i = 0; i < roster_count(roster); i++) {
        time_t next = follow_channel(timetable, roster_name(roster, i), now);
        if (next && (!first || next < first))
            first = next;
    }
    // Zero disarms it; nothing is scheduled then.
    struct itimerspec until = {.it_value.tv_sec = first};
    if (timerfd_settime(timetable->fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &until, NULL) <
        0)
        log_warning("cannot wait for what is scheduled: %s", strerror(errno));
}

/** An entry that is looked through. */
struct check {
    const struct offers *offers;
    const char *channel;
    const char *entry;
};

static void check_name(void *user, const char *key, const char *value)
{
    const struct check *check = user;
    if (!offers_have(check->offers, key, value))
        log_warning(
            "channel %s: the schedule's \"%s\" will not change the %s: there is no %s here; "
            "fermatactl %s lists those there are",
            check->channel, check->entry, key, value, key);
}

static void check_channel(const struct timetable *timetable, const char *channel,
                          const struct offers *offers)
{
    const struct schedule *schedule = roster_schedule(timetable->config.roster, channel);
    for (size_t i = 0; i < schedule->count; i++) {
        struct check check = {offers, channel, schedule->entries[i].text};
        schedule_act(&schedule->entries[i], check_name, &check);
    }
}

void timetable_check(const struct timetable *timetable, const struct offers *offers)
{
    const struct roster *roster = timetable->config.roster;
    check_channel(timetable, "main", offers);
    for (size_t i = 0; i < roster_count(roster); i++)
        check_channel(timetable, roster_name(roster, i), offers);
}

static void on_time(void *user, int fd, uint32_t mask)
{
    uint64_t count;
    (void)mask;
    // ECANCELED: the clock was set, and everything has to be looked at anew.
    if (read(fd, &count, sizeof count) < 0 && errno != ECANCELED)
        return;
    timetable_follow(user);
}

int timetable_new(const struct timetable_config *config, struct timetable **ret_timetable)
{
    struct timetable *timetable = calloc(1, sizeof *timetable);
    if (!timetable)
        return -ENOMEM;
    timetable->config = *config;
    timetable->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timetable->fd >= 0)
        timetable->source =
            pw_loop_add_io(config->loop, timetable->fd, SPA_IO_IN, false, on_time, timetable);
    if (!timetable->source) {
        int r = -errno;
        log_error("cannot make a timer for the schedules: %s; raise the limit of open files",
                  strerror(-r));
        timetable_free(timetable);
        return r;
    }
    *ret_timetable = timetable;
    return 0;
}

void timetable_free(struct timetable *timetable)
{
    if (!timetable)
        return;
    if (timetable->source)
        pw_loop_destroy_source(timetable->config.loop, timetable->source);
    if (timetable->fd >= 0)
        close(timetable->fd);
    free(timetable);
}
