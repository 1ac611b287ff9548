// SPDX-License-Identifier: MIT
#include "client/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct status status;

static struct status_channel *add(const char *name, const char *state, double ahead)
{
    struct status_channel *c = &status.channels[status.channel_count++];
    *c = (struct status_channel){
        .seconds_ahead = ahead, .notes_per_minute = 300, .level = -22, .listeners = 1};
    strcpy(c->name, name);
    strcpy(c->state, state);
    return c;
}

static int clear(void **state)
{
    memset(&status, 0, sizeof status);
    return 0;
}

/** What is printed, in a buffer of its own. */
static const char *print(const char *only, enum health *ret_health)
{
    static char text[4096];
    FILE *file = fmemopen(text, sizeof text, "w");
    *ret_health = health_print(&status, only, file);
    fclose(file);
    return text;
}

static void test_well(void **state)
{
    enum health health;
    add("main", "playing", 24.96);
    assert_string_equal(print(NULL, &health),
                        "FERMATA OK: main playing, 25.0 s ahead | 'main_ahead'=25.0s;10:;3:;0"
                        " 'main_notes_per_minute'=300;;;0 'main_longest_gap'=0ms;;;0"
                        " 'main_level'=-22.0;;-60:"
                        " 'main_listeners'=1;;;0 'main_underruns'=0ms;;;0"
                        " 'main_reseeds'=0c 'main_refused'=0c\n");
    assert_int_equal(health, HEALTH_OK);
}

static void test_the_worst_is_told(void **state)
{
    enum health health;
    add("main", "playing", 25);
    struct status_channel *support = add("support", "degraded", 25);
    strcpy(support->state_reason, "replay: no net | composes\n");
    const char *text = print(NULL, &health);
    assert_int_equal(health, HEALTH_WARNING);
    assert_non_null(strstr(text, "FERMATA WARNING: support degraded: replay: no net / composes/, "
                                 "25.0 s ahead | "));
    assert_null(strstr(text, "main playing"));
    assert_non_null(strstr(text, "'main_ahead'"));

    struct status_channel *sales = add("sales", "waiting", 25);
    strcpy(sales->state_reason, "PipeWire is not there");
    text = print(NULL, &health);
    assert_int_equal(health, HEALTH_CRITICAL);
    assert_non_null(strstr(text, "CRITICAL: sales waiting: PipeWire is not there |"));
    print("main", &health);
    assert_int_equal(health, HEALTH_OK);
    strcpy(add("phone", "idle", 0)->state_reason, "nobody records");
    text = print("phone", &health);
    assert_int_equal(health, HEALTH_OK);
    assert_non_null(strstr(text, "phone idle: nobody records"));
    print("support", &health);
    assert_int_equal(health, HEALTH_WARNING);
}

static void test_little_ahead(void **state)
{
    char text[HEALTH_ROOM];
    struct status_channel *c = add("main", "playing", HEALTH_AHEAD_WARNING - 0.1);
    assert_int_equal(health_judge(c, text), HEALTH_WARNING);
    c->seconds_ahead = HEALTH_AHEAD_CRITICAL - 0.1;
    assert_int_equal(health_judge(c, text), HEALTH_CRITICAL);
    strcpy(c->state, "degraded");
    assert_int_equal(health_judge(c, text), HEALTH_CRITICAL);
}

static void test_silent(void **state)
{
    char text[HEALTH_ROOM];
    struct status_channel *c = add("main", "playing", 25);
    c->level = -120;
    assert_int_equal(health_judge(c, text), HEALTH_OK); // the first note is on its way
    c->uptime = HEALTH_START_SECONDS + 1;
    assert_int_equal(health_judge(c, text), HEALTH_CRITICAL);
    assert_string_equal(text, "playing, but silent: -120 dBFS");
}

static void test_starting_and_stopped(void **state)
{
    char text[HEALTH_ROOM];
    struct status_channel *c = add("main", "starting", 0);
    assert_int_equal(health_judge(c, text), HEALTH_OK);
    c->uptime = HEALTH_START_SECONDS + 1;
    assert_int_equal(health_judge(c, text), HEALTH_CRITICAL);
    c->listeners = 0;
    assert_int_equal(health_judge(c, text), HEALTH_OK);
    assert_string_equal(text, "ready; nobody listens");
    strcpy(c->state, "stopped");
    assert_int_equal(health_judge(c, text), HEALTH_WARNING);
    assert_non_null(strstr(text, "fermatactl --channel main start"));
}

static void test_no_such_channel(void **state)
{
    enum health health;
    add("main", "playing", 25);
    assert_string_equal(print("sales", &health),
                        "FERMATA UNKNOWN: there is no channel \"sales\"\n");
    assert_int_equal(health, HEALTH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_well, clear),
        cmocka_unit_test_setup(test_the_worst_is_told, clear),
        cmocka_unit_test_setup(test_little_ahead, clear),
        cmocka_unit_test_setup(test_silent, clear),
        cmocka_unit_test_setup(test_starting_and_stopped, clear),
        cmocka_unit_test_setup(test_no_such_channel, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
