// SPDX-License-Identifier: MIT
#include "control/calendar.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_TEXT 128
/** So many days are looked at of the years that are meant: 29 February on a given weekday comes
 * every 28 years, 40 at most. */
#define HORIZON_DAYS (60 * 366)

static const struct {
    const char *word;
    const char *meaning;
} keywords[] = {
    {"minutely", "*:*:00"},      {"hourly", "*:00"},   {"daily", "*-*-*"},
    {"weekly", "Mon *-*-*"},     {"monthly", "*-*-1"}, {"quarterly", "*-1,4,7,10-1"},
    {"semiannually", "*-1,7-1"}, {"yearly", "*-1-1"},  {"annually", "*-1-1"},
};

static const char *const weekday_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                            "friday", "saturday", "sunday"};

/** "mon" or "monday" at `*text`, which is put behind it; -1: neither. */
static int read_weekday(const char **text)
{
    size_t length = strspn(*text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (int i = 0; i < 7; i++) {
        const char *name = weekday_names[i];
        if ((length == 3 || length == strlen(name)) && !strncasecmp(*text, name, length)) {
            *text += length;
            return i;
        }
    }
    return -1;
}

static int parse_weekdays(const char *text, struct calendar *calendar, const char **ret_why)
{
    *ret_why = "must have its weekdays as Mon, Mon,Wed or Mon..Fri, the earlier one first";
    do {
        int first = read_weekday(&text), last = first;
        if (!strncmp(text, "..", 2)) {
            text += 2;
            last = read_weekday(&text);
        }
        if (first < 0 || last < first)
            return -EINVAL;
        for (int i = first; i <= last; i++)
            calendar->weekdays |= 1U << i;
    } while (*text == ',' && text++);
    return *text ? -EINVAL : 0;
}

/** Digits at `*text`, which is put behind them; -1: none, or too many. */
static int read_digits(const char **text)
{
    size_t length = strspn(*text, "0123456789");
    int number = length >= 1 && length <= 4 ? atoi(*text) : -1;
    *text += length;
    return number;
}

static int parse_number(const char *text, int least, int most, struct calendar_number *ret_number)
{
    *ret_number = (struct calendar_number){.count = 0};
    if (!strcmp(text, "*"))
        return 0;
    do {
        if (ret_number->count == CALENDAR_PARTS)
            return -EINVAL;
        int first = read_digits(&text), last = first, repeat = 0;
        if (!strncmp(text, "..", 2)) {
            text += 2;
            last = read_digits(&text);
            if (last <= first)
                return -EINVAL;
        }
        if (*text == '/') {
            text++;
            repeat = read_digits(&text);
            if (repeat < 1)
                return -EINVAL;
            last = last == first ? most : last;
        }
        if (first < least || last > most)
            return -EINVAL;
        ret_number->parts[ret_number->count].first = first;
        ret_number->parts[ret_number->count].last = last;
        ret_number->parts[ret_number->count++].repeat = repeat;
    } while (*text == ',' && text++);
    return *text ? -EINVAL : 0;
}

/** Splits a text at `separator` into two or three; how many, 0 where it is none of them. */
static size_t split(char *text, char separator, char *ret_parts[3])
{
    size_t count = 0;
    for (char *end; text; text = end) {
        end = strchr(text, separator);
        if (end)
            *end++ = '\0';
        if (count == 3)
            return 0;
        ret_parts[count++] = text;
    }
    return count > 1 ? count : 0;
}

static int parse_date(char *text, struct calendar *calendar, const char **ret_why)
{
    char *parts[3] = {NULL};
    size_t count = split(text, '-', parts);
    *ret_why =
        "must have its date as *-12-24, 12-24 or *-*-1, with lists (1,15), ranges (1..7) and "
        "repetitions (1/7)";
    if (!count)
        return -EINVAL;
    int r = count == 3 ? parse_number(parts[0], 1970, 9999, &calendar->year) : 0;
    if (r == 0)
        r = parse_number(parts[count - 2], 1, 12, &calendar->month);
    return r == 0 ? parse_number(parts[count - 1], 1, 31, &calendar->day) : r;
}

static int parse_time(char *text, struct calendar *calendar, const char **ret_why)
{
    char *parts[3] = {NULL};
    size_t count = split(text, ':', parts);
    *ret_why =
        "must have its time as 18:00 or 18:00:30, with lists (8,12:00), ranges (8..18:00) and "
        "repetitions (*:0/15)";
    if (!count)
        return -EINVAL;
    int r = parse_number(parts[0], 0, 23, &calendar->hour);
    if (r == 0)
        r = parse_number(parts[1], 0, 59, &calendar->minute);
    return r == 0 && count == 3 ? parse_number(parts[2], 0, 59, &calendar->second) : r;
}

int calendar_parse(const char *text, struct calendar *ret_calendar, const char **ret_why)
{
    // Midnight, and a whole minute, where nothing else is said.
    struct calendar calendar = {
        .hour = {.parts = {{0, 0, 0}}, .count = 1},
        .minute = {.parts = {{0, 0, 0}}, .count = 1},
        .second = {.parts = {{0, 0, 0}}, .count = 1},
    };
    char words[LONGEST_TEXT];
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (!strcasecmp(text, keywords[i].word))
            text = keywords[i].meaning;
    *ret_why = "is too long";
    if (strlen(text) >= sizeof words)
        return -EINVAL;
    strcpy(words, text);

    int stage = 0; // weekdays, date, time: in this order
    char *rest;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        int kind = isalpha((unsigned char)*word) ? 1 : strchr(word, ':') ? 3 : 2;
        *ret_why = "must have weekdays, date and time in this order, each once, such as Mon..Fri "
                   "*-*-1..7 18:00; the time is local";
        if (kind <= stage)
            return -EINVAL;
        stage = kind;
        int r = kind == 1   ? parse_weekdays(word, &calendar, ret_why)
                : kind == 2 ? parse_date(word, &calendar, ret_why)
                            : parse_time(word, &calendar, ret_why);
        if (r < 0)
            return r;
    }
    *ret_why = "says no time, such as Mon..Fri 18:00";
    if (!stage)
        return -EINVAL;
    *ret_calendar = calendar;
    return 0;
}

static bool matches(const struct calendar_number *number, int value)
{
    for (size_t i = 0; i < number->count; i++) {
        int first = number->parts[i].first, repeat = number->parts[i].repeat;
        if (value >= first && value <= number->parts[i].last &&
            (!repeat || (value - first) % repeat == 0))
            return true;
    }
    return number->count == 0;
}

static bool day_matches(const struct calendar *calendar, const struct tm *day)
{
    return matches(&calendar->year, day->tm_year + 1900) &&
           matches(&calendar->month, day->tm_mon + 1) && matches(&calendar->day, day->tm_mday) &&
           (!calendar->weekdays || calendar->weekdays & 1U << ((day->tm_wday + 6) % 7));
}

/** The moment of a local time; returns false where a clock put forward leaves it out. */
static bool moment(const struct tm *day, int second, time_t *ret_time)
{
    // Summer time first: where a clock is put back, that is the earlier of two such moments.
    for (int summer = 1; summer >= -1; summer -= 2) {
        struct tm local = {.tm_year = day->tm_year,
                           .tm_mon = day->tm_mon,
                           .tm_mday = day->tm_mday,
                           .tm_hour = second / 3600,
                           .tm_min = second / 60 % 60,
                           .tm_sec = second % 60,
                           .tm_isdst = summer};
        *ret_time = mktime(&local);
        if (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec == second &&
            local.tm_mday == day->tm_mday)
            return true;
    }
    return false;
}

/** The next second of a day that matches from `second` on, in steps of `step` (1 or -1); -1: none.
 */
static int find_second(const struct calendar *calendar, int second, int step)
{
    while (second >= 0 && second < 86400) {
        int skip = !matches(&calendar->hour, second / 3600)        ? 3600
                   : !matches(&calendar->minute, second / 60 % 60) ? 60
                   : !matches(&calendar->second, second % 60)      ? 1
                                                                   : 0;
        if (!skip)
            return second;
        second = step > 0 ? (second / skip + 1) * skip : second / skip * skip - 1;
    }
    return -1;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 1 && leap);
}

static int days_of_year(int year)
{
    return 337 + days_of(year, 1);
}

/** The next day, or the one before. mktime() could do it, but looks at the zone's file each time,
 * and an entry that never strikes goes through decades. */
static void step_day(struct tm *day, int step)
{
    day->tm_wday = (day->tm_wday + 7 + step) % 7;
    day->tm_mday += step;
    day->tm_yday += step;
    if (day->tm_mday < 1) {
        day->tm_year -= day->tm_mon == 0;
        day->tm_mon = (day->tm_mon + 11) % 12;
        day->tm_mday = days_of(day->tm_year + 1900, day->tm_mon);
    } else if (day->tm_mday > days_of(day->tm_year + 1900, day->tm_mon)) {
        day->tm_mday = 1;
        day->tm_mon = (day->tm_mon + 1) % 12;
        day->tm_year += day->tm_mon == 0;
    }
    if (day->tm_yday < 0)
        day->tm_yday = days_of_year(day->tm_year + 1900) - 1;
    else if (day->tm_mon == 0 && day->tm_mday == 1)
        day->tm_yday = 0;
}

/** Whether years that match may lie from `year` on, in that direction. */
static bool may_match(const struct calendar_number *years, int year, int step)
{
    bool may = years->count == 0;
    for (size_t i = 0; i < years->count; i++)
        may = may || (step > 0 ? year <= years->parts[i].last : year >= years->parts[i].first);
    return may;
}

/** The last day before the next year, or the first one after the year before. */
static void skip_year(struct tm *day, int step)
{
    int left = step > 0 ? days_of_year(day->tm_year + 1900) - 1 - day->tm_yday : day->tm_yday;
    day->tm_wday = ((day->tm_wday + step * left) % 7 + 7) % 7;
    day->tm_yday += step * left;
    day->tm_mon = step > 0 ? 11 : 0;
    day->tm_mday = step > 0 ? 31 : 1;
}

/** Looks from `base` on, forwards beyond it or backwards from it. */
static int find(const struct calendar *calendar, time_t base, int step, time_t *ret_time)
{
    struct tm day;
    if (!localtime_r(&base, &day))
        return -ENOENT;
    int second = day.tm_hour * 3600 + day.tm_min * 60 + (day.tm_sec < 60 ? day.tm_sec : 59);
    int days = 0;
    for (; days < HORIZON_DAYS && may_match(&calendar->year, day.tm_year + 1900, step);
         step_day(&day, step)) {
        if (matches(&calendar->year, day.tm_year + 1900))
            days++;
        else
            skip_year(&day, step);
        second = day_matches(calendar, &day) ? find_second(calendar, second, step) : -1;
        for (; second >= 0; second = find_second(calendar, second + step, step)) {
            time_t found;
            if (moment(&day, second, &found) && (step > 0 ? found > base : found <= base)) {
                *ret_time = found;
                return 0;
            }
        }
        second = step > 0 ? 0 : 86399;
    }
    return -ENOENT;
}

int calendar_next(const struct calendar *calendar, time_t base, time_t *ret_time)
{
    return find(calendar, base, 1, ret_time);
}

int calendar_last(const struct calendar *calendar, time_t base, time_t *ret_time)
{
    return find(calendar, base, -1, ret_time);
}
