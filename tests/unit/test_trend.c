// SPDX-License-Identifier: MIT
// The straight line through points.
#include "music/trend.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_a_line_is_found(void **state)
{
    struct trend trend = {0};
    double slope, error;
    for (int i = 0; i < 72; i++)
        trend_add(&trend, i / 3.0, 500 - 2.5 * i / 3.0);
    assert_true(trend_slope(&trend, &slope, &error));
    assert_true(fabs(slope + 2.5) < 1e-9);
    assert_true(error < 1e-6);
}

/** Against numpy: polyfit([0,1,2,3,4], [3,1,4,1,5], 1), error by its covariance. */
static void test_the_error_is_that_of_least_squares(void **state)
{
    static const double y[] = {3, 1, 4, 1, 5};
    struct trend trend = {0};
    double slope, error;
    for (int i = 0; i < 5; i++)
        trend_add(&trend, i, y[i]);
    assert_true(trend_slope(&trend, &slope, &error));
    assert_true(fabs(slope - 0.4) < 1e-12);
    assert_true(fabs(error - 0.6110100926607787) < 1e-12);
}

static void test_far_from_zero_nothing_is_lost(void **state)
{
    struct trend trend = {0};
    double slope, error;
    for (int i = 0; i < 100; i++)
        trend_add(&trend, 1e9 + i, 1e6 + (i % 2));
    assert_true(trend_slope(&trend, &slope, &error));
    assert_true(fabs(slope - 25.0 / 83332.5) < 1e-6);
    assert_true(error > 0.001 && error < 0.003);
}

static void test_what_has_no_slope(void **state)
{
    struct trend trend = {0};
    double slope = 7, error = 7;
    assert_false(trend_slope(&trend, &slope, &error));
    trend_add(&trend, 1, 1);
    trend_add(&trend, 2, 1);
    assert_false(trend_slope(&trend, &slope, &error));
    trend = (struct trend){0};
    for (int i = 0; i < 5; i++)
        trend_add(&trend, 1, i);
    assert_false(trend_slope(&trend, &slope, &error));
    assert_true(slope == 7 && error == 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_is_found),
        cmocka_unit_test(test_the_error_is_that_of_least_squares),
        cmocka_unit_test(test_far_from_zero_nothing_is_lost),
        cmocka_unit_test(test_what_has_no_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
