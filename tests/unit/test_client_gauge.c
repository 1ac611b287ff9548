// SPDX-License-Identifier: MIT
#include "client/gauge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double band[3] = {200, 300, 400}; // so a cell is 37.5

static void test_within(void **state)
{
    char text[GAUGE_ROOM];
    gauge_write(300, band, "notes/min", false, text);
    assert_string_equal(text, "-----===#==----- 300 notes/min (200-400)");
    gauge_write(300, band, "x", true, text);
    assert_string_equal(text, "░░░░░▒▒▒█▒▒░░░░░ 300 x (200-400)");
}

static void test_far_outside(void **state)
{
    char text[GAUGE_ROOM];
    gauge_write(0, band, "x", false, text);
    assert_string_equal(text, "#----======----- 0 x (200-400)");
    gauge_write(1e9, band, "x", false, text);
    assert_memory_equal(text, "-----======----#", GAUGE_CELLS);
}

static void test_unknown(void **state)
{
    static const double none[3];
    char text[GAUGE_ROOM] = "x";
    gauge_write(300, none, "x", true, text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within),
        cmocka_unit_test(test_far_outside),
        cmocka_unit_test(test_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
