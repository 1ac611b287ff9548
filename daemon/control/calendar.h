// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CALENDAR_H
#define FERMATA_CONTROL_CALENDAR_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/**
 * calendar: when something is to happen, again and again, in the words of systemd.time(7),
 * "Calendar Events", as far as people use them:
 *
 *     [WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE[:SECOND]]
 *     Mon..Fri 18:00    Sat,Sun 8..20/2:30    *-12-24..26 10:00    *:0/15    weekly
 *
 * Each number may be a *, a list of numbers, ranges (8..20) and repetitions (0/15, 8..20/2). What
 * is left out is every day, and midnight. hourly, daily, weekly, monthly, quarterly, semiannually,
 * yearly (annually) and minutely stand for what they say. The time is local; where a clock that is
 * put forward leaves a time out, that one does not happen that day, and where it is put back the
 * time happens once. No other zones, no fractions of a second, no days counted from a month's end.
 *
 * Plain data; knows only the C library's zone (TZ).
 */

#define CALENDAR_PARTS 12

/** One number of those above: any of its parts matches; no part: everything does. */
struct calendar_number {
    struct {
        int first;
        int last;   ///< as `first` for a single number
        int repeat; ///< 0: every one
    } parts[CALENDAR_PARTS];
    size_t count;
};

struct calendar {
    unsigned weekdays; ///< bits, Monday first; 0: all
    struct calendar_number year, month, day, hour, minute, second;
};

/** Reads it. Returns 0, or -EINVAL: then *ret_why (a static text) says what is wrong with it. */
int calendar_parse(const char *text, struct calendar *ret_calendar, const char **ret_why);

/** The first time after `base`. Returns 0, or -ENOENT where there is none within 60 years. */
int calendar_next(const struct calendar *calendar, time_t base, time_t *ret_time);

/** The last time up to `base`, that one included. Returns 0, or -ENOENT as above. */
int calendar_last(const struct calendar *calendar, time_t base, time_t *ret_time);

#endif
