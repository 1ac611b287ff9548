// SPDX-License-Identifier: MIT
#include "control/calendar.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** A local time, in Berlin, where clocks go forward on 2027-03-28 and back on 2026-10-25. */
static time_t at(const char *text)
{
    struct tm tm = {.tm_isdst = -1};
    const char *end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    assert_true(end && !*end);
    return mktime(&tm);
}

static struct calendar parse(const char *text)
{
    struct calendar calendar;
    const char *why = "";
    if (calendar_parse(text, &calendar, &why) < 0)
        fail_msg("\"%s\" is refused: %s", text, why);
    return calendar;
}

static void test_next_and_last(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        // words, base (a Sunday evening), the last time up to it, the next one
        {"Mon..Fri 18:00", "2026-11-22 22:40:00", "2026-11-20 18:00:00", "2026-11-23 18:00:00"},
        {"18:00", "2026-11-22 18:00:00", "2026-11-22 18:00:00", "2026-11-23 18:00:00"},
        {"18:00", "2026-11-22 17:59:59", "2026-11-21 18:00:00", "2026-11-22 18:00:00"},
        {"*:0/15", "2026-11-22 22:40:00", "2026-11-22 22:30:00", "2026-11-22 22:45:00"},
        {"8,12..14:30:15", "2026-11-22 12:30:15", "2026-11-22 12:30:15", "2026-11-22 13:30:15"},
        {"sat,SUNDAY 8..20/4:00", "2026-11-22 22:40:00", "2026-11-22 20:00:00",
         "2026-11-28 08:00:00"},
        {"weekly", "2026-11-22 22:40:00", "2026-11-16 00:00:00", "2026-11-23 00:00:00"},
        {"Monthly", "2026-11-22 22:40:00", "2026-11-01 00:00:00", "2026-12-01 00:00:00"},
        {"*-*-31 10:00", "2026-11-22 22:40:00", "2026-10-31 10:00:00", "2026-12-31 10:00:00"},
        {"12-24..26 9:00", "2026-11-22 22:40:00", "2025-12-26 09:00:00", "2026-12-24 09:00:00"},
        {"*-02-29", "2026-11-22 22:40:00", "2024-02-29 00:00:00", "2028-02-29 00:00:00"},
        {"Mon *-*-1..7 10:00", "2026-11-22 22:40:00", "2026-11-02 10:00:00", "2026-12-07 10:00:00"},
        // Forward: 02:30 is left out. Back: it happens once, the first time.
        {"2:30", "2027-03-27 23:00:00", "2027-03-27 02:30:00", "2027-03-29 02:30:00"},
        {"*:0/30", "2027-03-28 01:30:00", "2027-03-28 01:30:00", "2027-03-28 03:00:00"},
        {"4:00", "2026-10-25 01:00:00", "2026-10-24 04:00:00", "2026-10-25 04:00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct calendar calendar = parse(cases[i][0]);
        time_t base = at(cases[i][1]), found = 0;
        assert_int_equal(calendar_last(&calendar, base, &found), 0);
        assert_int_equal(found, at(cases[i][2]));
        assert_int_equal(calendar_next(&calendar, base, &found), 0);
        assert_int_equal(found, at(cases[i][3]));
    }
}

static void test_a_clock_put_back(void **state)
{
    (void)state;
    struct calendar calendar = parse("2:30");
    time_t first = 0, second = 0;
    assert_int_equal(calendar_next(&calendar, at("2026-10-25 01:00:00"), &first), 0);
    assert_int_equal(calendar_next(&calendar, first, &second), 0);
    // 24 hours and the one that is told twice.
    assert_int_equal(second - first, 25 * 3600);
    assert_int_equal(calendar_last(&calendar, first + 3600, &second), 0);
    assert_int_equal(second, first);
}

static void test_never(void **state)
{
    (void)state;
    struct calendar past = parse("2001-01-01 10:00"), none = parse("*-02-30");
    time_t base = at("2026-11-22 22:40:00"), found = 5;
    assert_int_equal(calendar_next(&past, base, &found), -ENOENT);
    assert_int_equal(calendar_next(&none, base, &found), -ENOENT);
    assert_int_equal(calendar_last(&none, base, &found), -ENOENT);
    assert_int_equal(found, 5);
    struct calendar far = parse("9998..9999/1-02-29 10:00"), further = parse("Mon 2196-2-29 1:00");
    assert_int_equal(calendar_next(&far, base, &found), -ENOENT); // in no leap year
    assert_int_equal(calendar_last(&far, base, &found), -ENOENT);
    assert_int_equal(found, 5);
    assert_int_equal(calendar_next(&further, base, &found), 0);
    assert_int_equal(found, at("2196-02-29 01:00:00"));
    struct calendar early = parse("Tue 1972..1973-2-29 2:00");
    assert_int_equal(calendar_last(&early, base, &found), 0);
    assert_int_equal(found, at("1972-02-29 02:00:00"));
    assert_int_equal(calendar_last(&past, base, &found), 0);
    assert_int_equal(found, at("2001-01-01 10:00:00"));
}

static void test_refusals(void **state)
{
    (void)state;
    static const char long_one[] =
        "Mon,Tue,Wed,Thu,Fri,Sat,Sun *-1,2,3,4,5,6,7,8,9,10,11,12-1,2,3,4,5,6,7,8,9,10,11,12 "
        "1,2,3,4,5,6,7,8,9,10,11,12:1,2,3,4,5,6,7,8,9,10,11,12";
    static const char *const bad[] = {
        "",
        " ",
        "Mon 18",
        "25 10:00",
        "Fri..Mon 18:00",
        "Mon.. 10:00",
        "24:00",
        "10:60",
        "10:00:60",
        "18..8:00",
        "*/2:00",
        "*-*-*/2 10:00",
        "10:00 UTC",
        "10:00 Mon",
        "daily 10:00",
        "10:00 11:00",
        "*-13-01",
        "*-*-32",
        "*-00-01",
        "2026-*-~1",
        "*:*:5.5",
        "@10",
        "Mo 10:00",
        "Mon,, 10:00",
        "0/0:00",
        "5..5:00",
        "1,:00",
        "1:2:3:4",
        "1-2-3-4",
        "-1:00",
        "12345-1-1",
        "*-*-1- 1:0",
        "Mon- 10:00",
        "today",
        "\xff",
        "10:00\n",
        "1,2,3,4,5,6,7,8,9,10,11,12,13:00",
        long_one,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct calendar calendar;
        const char *why = NULL;
        if (calendar_parse(bad[i], &calendar, &why) == 0)
            fail_msg("\"%s\" is not refused", bad[i]);
        assert_non_null(why);
    }
}

/** The next four times that systemd knows, or how many there are. */
static size_t ask_systemd(const char *words, const char *base, time_t ret_times[4])
{
    char command[512], line[256];
    size_t count = 0;
    snprintf(command, sizeof command,
             "LC_ALL=C systemd-analyze calendar --iterations=4 --base-time='%s' '%s' 2>/dev/null",
             base, words);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof line, pipe)) {
        struct tm tm = {0};
        char *utc = strstr(line, "(in UTC): ");
        if (utc && strptime(utc + strlen("(in UTC): "), "%a %Y-%m-%d %H:%M:%S", &tm) && count < 4)
            ret_times[count++] = timegm(&tm);
    }
    pclose(pipe);
    return count;
}

static void test_as_systemd_has_it(void **state)
{
    (void)state;
    if (system("systemd-analyze --version >/dev/null 2>&1") != 0)
        skip();
    static const char *const words[] = {
        "minutely",       "hourly",
        "daily",          "weekly",
        "monthly",        "quarterly",
        "semiannually",   "yearly",
        "annually",       "Mon..Fri 18:00",
        "*:0/7",          "Mon,Wed..Fri *-*-1..7 8..18/2:30",
        "2:30",           "*-*-1/3 4:5:6",
        "*-2-29",         "12-25 10:00",
        "5/2:00",         "*:*:*/20",
        "*:*:0/20",       "Sun *-3,10-25..31 1..3:30",
        "2027-*-13 0:00", "*-*-29..31 23:59:59",
    };
    static const char *const bases[] = {"2026-11-22 22:40:00", "2027-03-28 01:15:07",
                                        "2026-10-25 01:10:00"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (size_t k = 0; k < sizeof bases / sizeof *bases; k++) {
            struct calendar calendar;
            const char *why;
            time_t theirs[4], ours = at(bases[k]);
            size_t count = ask_systemd(words[i], bases[k], theirs);
            if (calendar_parse(words[i], &calendar, &why) < 0) {
                assert_int_equal(count, 0);
                continue;
            }
            assert_true(count > 0);
            for (size_t n = 0; n < count; n++) {
                assert_int_equal(calendar_next(&calendar, ours, &ours), 0);
                if (ours != theirs[n])
                    fail_msg("\"%s\" from %s, number %zu: %lld, systemd has %lld", words[i],
                             bases[k], n, (long long)ours, (long long)theirs[n]);
            }
        }
    }
}

int main(void)
{
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next_and_last),
        cmocka_unit_test(test_a_clock_put_back),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_as_systemd_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
