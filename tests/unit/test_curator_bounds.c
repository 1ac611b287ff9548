// SPDX-License-Identifier: MIT
// The curator's bounds: what is read out of a weights file, and hostile statistics.
#include "music/curator.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads_bounds(void **state)
{
    const char *stats =
        "{ \"bach\" : {\"notes_per_minute\": [156, 204.5, 4.38e2, 774, 828E0],\n"
        " \"longest_gap\":[0.1,[],{\"a\":{}},-1,true,null,\"\\\"}\"], \"sounding\":"
        "[1.1,1.3,2.5,4.9,6.2],\"register\":[45,64,79]},\t\"chopin\":{\"sounding\":[0,0,0,0,1e-1]},"
        "\"liszt\":{}, \"bach\":{\"sounding\":[9,9,9,9,9]} }\n";
    struct curator_bounds bounds;
    assert_int_equal(curator_bounds_parse(stats, "bach", &bounds), 0);
    assert_true(bounds.notes_per_minute[1] == 204.5 && bounds.notes_per_minute[2] == 438 &&
                bounds.notes_per_minute[4] == 828);
    assert_true(fabs(bounds.sounding[4] - 6.2) < 1e-12 && bounds.register_[2] == 79);
    // What is missing is that of any piano music.
    assert_int_equal(curator_bounds_parse(stats, "chopin", &bounds), 0);
    assert_true(bounds.sounding[4] == 0.1);
    assert_true(bounds.notes_per_minute[2] == curator_any_bounds.notes_per_minute[2]);
    assert_int_equal(curator_bounds_parse(stats, "liszt", &bounds), 0);
    assert_memory_equal(&bounds, &curator_any_bounds, sizeof bounds);

    memset(&bounds, 0x55, sizeof bounds);
    const struct curator_bounds before = bounds;
    assert_int_equal(curator_bounds_parse(stats, "satie", &bounds), -ENOENT);
    assert_int_equal(curator_bounds_parse(stats, "sounding", &bounds), -ENOENT);
    assert_int_equal(curator_bounds_parse("{}", "bach", &bounds), -ENOENT);
    assert_memory_equal(&bounds, &before, sizeof bounds);
}

static void reads_references(void **state)
{
    const char *json = "{\"any\": {\"quoted_notes\": [33]}, \"bach\": {\"repeated_share\": [0.5],"
                       " \"repeated_times\": [2.25], \"quoted_notes\": [25], \"density_10min\":"
                       " [200, 900], \"spread_60min\": [3.25, 3.5], \"wit\": [1, 2, 3]}}";
    struct curator_reference reference;
    assert_int_equal(curator_reference_parse(json, "bach", &reference), 0);
    assert_true(reference.repeated_share == 0.5 && reference.repeated_times == 2.25 &&
                reference.quoted_notes == 25);
    assert_true(reference.drift.band[DRIFT_DENSITY][DRIFT_MINUTES][1] == 900);
    assert_true(reference.drift.band[DRIFT_SPREAD][DRIFT_HOUR][0] == 3.25);
    // What is missing is that of any piano music, and who is missing that of anybody.
    assert_true(reference.drift.band[DRIFT_PACE][DRIFT_HOUR][0] ==
                curator_any_reference.drift.band[DRIFT_PACE][DRIFT_HOUR][0]);
    assert_int_equal(curator_reference_parse(json, "satie", &reference), 0);
    assert_true(reference.quoted_notes == 33);
    assert_true(reference.repeated_times == curator_any_reference.repeated_times);

    const struct curator_reference before = reference;
    assert_int_equal(curator_reference_parse("{\"bach\": {}}", "satie", &reference), -ENOENT);
    assert_int_equal(
        curator_reference_parse("{\"bach\": {\"density_10min\": [2, 1]}}", "bach", &reference),
        -EBADMSG);
    assert_int_equal(curator_reference_parse("", "any", &reference), -EBADMSG);
    assert_memory_equal(&reference, &before, sizeof reference);
}

static void refuses_hostile_bounds(void **state)
{
    static const char *const hostile[] = {
        "",
        " ",
        "null",
        "[]",
        "{",
        "}",
        "{\"",
        "{\"bach",
        "{\"bach\\",
        "{\"bach\"",
        "{\"bach\":",
        "{\"bach\":{",
        "{\"bach\":{}",
        "{\"bach\":{},",
        "{\"bach\":{},}",
        "{\"bach\":{}}x",
        "{\"bach\":[]}",
        "{\"bach\":7}",
        "{bach:{}}",
        "{\"bach\":{\"sounding\"}}",
        "{\"bach\":{\"sounding\":[1,2,3,4]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,5,6]}}",
        "{\"bach\":{\"sounding\":[1,2,3,5,4]}}",
        "{\"bach\":{\"sounding\":[-1,2,3,4,5]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,1e999]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,nan]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,.5]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,5.]}}",
        "{\"bach\":{\"sounding\":[1,2,3,4,5e]}}",
        "{\"bach\":{\"sounding\":\"12345\"}}",
        "{\"bach\":{\"register\":[1,2,3,4,5]}}",
        "{\"bach\":{\"x\":tru}}",
        "{\"bach\":{\"x\":-}}",
        "{\"x\":{\"y\":[},\"bach\":{}}",
        "{\"bach\":{\"sounding\":[1 2 3 4 5]}}",
    };
    struct curator_bounds bounds;
    memset(&bounds, 0x55, sizeof bounds);
    const struct curator_bounds before = bounds;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        // On the heap, so that a sanitizer sees a step beyond the end.
        char *text = strdup(hostile[i]);
        int rc = curator_bounds_parse(text, "bach", &bounds);
        free(text);
        if (rc != -EBADMSG)
            print_message("%s\n", hostile[i]);
        assert_int_equal(rc, -EBADMSG);
    }
    // Nested without end, and a number without end.
    enum { DEEP = 100000 };
    char *deep = malloc(DEEP + 1);
    assert_non_null(deep);
    memset(deep, '[', DEEP);
    memcpy(deep, "{\"x\":", 5);
    deep[DEEP] = '\0';
    assert_int_equal(curator_bounds_parse(deep, "bach", &bounds), -EBADMSG);
    memset(deep, '9', DEEP);
    memcpy(deep, "{\"bach\":{\"sounding\":[0.", 23);
    assert_int_equal(curator_bounds_parse(deep, "bach", &bounds), -EBADMSG);
    free(deep);
    assert_memory_equal(&bounds, &before, sizeof bounds);
}

static void survives_mangled_bounds(void **state)
{
    const char *good = "{\"bach\":{\"notes_per_minute\":[1,2,3.5,4e1,50],\"x\":[{},\"\\u00e9\"]}}";
    srand(1);
    for (int i = 0; i < 20000; i++) {
        char *text = strdup(good);
        size_t length = strlen(text);
        for (int n = 1 + rand() % 3; n > 0; n--)
            text[(size_t)rand() % length] =
                (char)(rand() % 4 ? "{}[]\",:e-.\\0"[rand() % 12] : rand());
        struct curator_bounds bounds;
        if (curator_bounds_parse(text, "bach", &bounds) == 0)
            for (int p = 1; p < 5; p++)
                assert_true(isfinite(bounds.notes_per_minute[p]) &&
                            bounds.notes_per_minute[p] >= bounds.notes_per_minute[p - 1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bounds),
        cmocka_unit_test(reads_references),
        cmocka_unit_test(refuses_hostile_bounds),
        cmocka_unit_test(survives_mangled_bounds),
    };
    return cmocka_run_group_tests_name("curator_bounds", tests, NULL, NULL);
}
