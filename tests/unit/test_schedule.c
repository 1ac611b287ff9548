// SPDX-License-Identifier: MIT
#include "control/schedule.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/** 2026-11-20, a Friday, at so many hours of UTC. */
static time_t friday(int hour)
{
    struct tm tm = {.tm_year = 126, .tm_mon = 10, .tm_mday = 20, .tm_hour = hour};
    return timegm(&tm);
}

static struct schedule make(const char *const *texts)
{
    struct schedule schedule = {0};
    const char *why = "";
    for (; *texts; texts++)
        if (schedule_add(&schedule, *texts, &why) < 0)
            fail_msg("\"%s\" is refused: %s", *texts, why);
    return schedule;
}

static void test_what_is_due_comes_in_its_order(void **state)
{
    (void)state;
    static const char *const texts[] = {"Mon..Fri 18:00 composer=debussy",
                                        "8:00 composer=bach",
                                        "Mon 12:00 composer=chopin",
                                        "*:00 volume=0.5",
                                        "2001-1-1 skip",
                                        NULL};
    struct schedule schedule = make(texts);
    const struct schedule_entry *due[SCHEDULE_ENTRIES];
    // Never followed: each entry's latest time, the oldest first.
    assert_int_equal(schedule_due(&schedule, 0, friday(20), due), 5);
    assert_string_equal(due[0]->text, texts[4]);
    assert_string_equal(due[1]->text, texts[2]);
    assert_string_equal(due[2]->text, texts[1]);
    assert_string_equal(due[3]->text, texts[0]);
    assert_string_equal(due[4]->text, texts[3]);
    // What was changed by hand at 18:30 is not undone at 18:45; but what struck meanwhile counts.
    assert_int_equal(schedule_due(&schedule, friday(18) + 1800, friday(18) + 2700, due), 0);
    assert_int_equal(schedule_due(&schedule, friday(17) + 1, friday(18), due), 2);
    assert_int_equal(schedule_due(&schedule, friday(18), friday(18), due), 0);
    // A clock that was put back.
    assert_int_equal(schedule_due(&schedule, friday(20), friday(10), due), 0);
    assert_int_equal(schedule_next(&schedule.entries[0], friday(10)), friday(18));
    assert_int_equal(schedule_next(&schedule.entries[0], friday(18)), friday(18) + 3 * 86400);
    assert_int_equal(schedule_next(&schedule.entries[4], friday(18)), 0);
    schedule_finish(&schedule);
}

static char told[256];

static void tell(void *user, const char *key, const char *value)
{
    assert_ptr_equal(user, told);
    size_t at = strlen(told);
    snprintf(told + at, sizeof told - at, "%s:%s ", key, value);
}

static void test_what_is_done(void **state)
{
    (void)state;
    static const char *const texts[] = {
        " Mon  10:00\tnet=x composer=debussy  start piece-length=2-5 ", NULL};
    struct schedule schedule = make(texts);
    assert_string_equal(schedule.entries[0].text,
                        "Mon 10:00 net=x composer=debussy start piece-length=2-5");
    schedule_act(&schedule.entries[0], tell, told);
    assert_string_equal(told, "net:x composer:debussy start: piece-length:2-5 ");
    schedule_finish(&schedule);
}

static void test_refusals(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "18:00",
        "start",
        "18:00 begin",
        "18:00 start 19:00",
        "18:00 volume=2",
        "18:00 volume=",
        "18:00 =1",
        "18:00 device=cpu",
        "18:00 seed=7",
        "18:00 tempo=1",
        "25:00 start",
        "Mon Tue 18:00 start",
    };
    struct schedule schedule = {0};
    const char *why;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        why = NULL;
        assert_int_equal(schedule_add(&schedule, bad[i], &why), -EINVAL);
        assert_non_null(why);
    }
    char text[SCHEDULE_ROOM + 16];
    memset(text, ' ', sizeof text);
    memcpy(text, "18:00 start", 11);
    text[sizeof text - 1] = '\0';
    assert_int_equal(schedule_add(&schedule, text, &why), -EINVAL);
    for (int i = 0; i < SCHEDULE_ENTRIES; i++) {
        snprintf(text, sizeof text, "%d:%02d start", i / 2, i % 2);
        assert_int_equal(schedule_add(&schedule, text, &why), 0);
        assert_int_equal(schedule_add(&schedule, text, &why), -EEXIST);
    }
    assert_int_equal(schedule_add(&schedule, "23:00 start", &why), -ENOSPC);
    uint32_t before = schedule_hash(&schedule);
    assert_int_equal(schedule_remove(&schedule, "0:01 start"), 0);
    assert_int_equal(schedule_remove(&schedule, "0:01 start"), -ENOENT);
    assert_string_equal(schedule.entries[1].text, "1:00 start");
    assert_true(schedule_hash(&schedule) != before);
    schedule_finish(&schedule);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_due_comes_in_its_order),
        cmocka_unit_test(test_what_is_done),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
