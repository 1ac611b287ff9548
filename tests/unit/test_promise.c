// SPDX-License-Identifier: MIT
// What a soak holds against its figures.
#include "control/promise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/soak_stream.h"

#define HOUR (3600 * NOTE_SECOND)

/** A day at the composer's density, 450 notes a minute, a block of the trend 20 more or less. */
static struct soak_figures good(double slope)
{
    struct soak_figures figures = {
        .length = 24 * HOUR, .band = {200, 450, 800}, .notes = 450 * 1440, .silence = 2.9};
    for (; figures.hour_count < 24; figures.hour_count++)
        figures.hours[figures.hour_count] = 450;
    for (int i = 0; i < 72; i++)
        trend_add(&figures.trend, i / 3.0, 450 + slope * i / 3.0 + (i % 2 ? 20 : -20));
    return figures;
}

static void check(const struct soak_figures *figures, const char *word)
{
    struct promise_list list;
    promise_of_stream(figures, &list);
    assert_int_equal(list.count, word ? 1 : 0);
    if (word && !strstr(list.broken[0], word))
        fail_msg("\"%s\" does not say %s", list.broken[0], word);
}

static void test_a_good_day_keeps_them_all(void **state)
{
    struct soak_figures figures = good(0.5);
    check(&figures, NULL);
}

static void test_silence(void **state)
{
    struct soak_figures figures = good(0);
    figures.silence = 3.25;
    figures.silence_at = 3 * HOUR + 125 * NOTE_SECOND;
    check(&figures, "silent for 3.2 s from 3:02:05 on");
}

static void test_no_note_begins(void **state)
{
    struct soak_figures figures = good(0);
    figures.onset_gap = 4;
    check(&figures, NULL);
    figures.onset_gap = 4.125;
    check(&figures, "no note begins for 4.1 s; 4 s is the most");
    figures.silence = 4.125; // that is the same, said better
    check(&figures, "silent for 4.1 s");
}

static void test_one_hour_off_the_band(void **state)
{
    struct soak_figures figures = good(0);
    figures.hours[17] = 190;
    check(&figures, "190 notes a minute in hour 18; the composer's own are 200 to 800");
    figures.hours[17] = 801;
    check(&figures, "801 notes a minute in hour 18");
}

static void test_less_than_an_hour_is_judged_as_a_whole(void **state)
{
    struct soak_figures figures = {.length = 1200 * NOTE_SECOND, .band = {200, 450, 800}};
    figures.notes = 20 * 100;
    check(&figures, "100 notes a minute over the whole");
    figures.notes = 20 * 300;
    check(&figures, NULL);
    figures.notes = 0;
    figures.length = 500 * NOTE_SECOND; // too little to be judged
    check(&figures, NULL);
}

static void test_slow_drift(void **state)
{
    struct soak_figures figures = good(-3);
    check(&figures, "the density drifts: -2.9 notes a minute each hour");
    figures.trend.count = PROMISE_SLOPE_BLOCKS - 1; // too short to say
    check(&figures, NULL);
}

static void test_memory(void **state)
{
    struct promise_list list;
    promise_of_memory(100000000, 100000000 + PROMISE_GROWTH, &list);
    assert_int_equal(list.count, 0);
    promise_of_memory(100000000, 100000001 + PROMISE_GROWTH, &list);
    assert_int_equal(list.count, 1);
    assert_non_null(strstr(list.broken[0], "grew from 100.0 to 108.4 MB"));
    promise_of_memory(100000000, 50000000, &list);
    assert_int_equal(list.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_day_keeps_them_all),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_no_note_begins),
        cmocka_unit_test(test_one_hour_off_the_band),
        cmocka_unit_test(test_less_than_an_hour_is_judged_as_a_whole),
        cmocka_unit_test(test_slow_drift),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
