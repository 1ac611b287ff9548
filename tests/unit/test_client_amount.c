// SPDX-License-Identifier: MIT
#include "client/amount.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"0", 0},     {"45", 45},     {"45s", 45},      {"2m", 120},  {"2min", 120},
                {"1h", 3600}, {"1m30s", 90},  {"1m30", 90},     {"1.5m", 90}, {"1h30m", 5400},
                {".5s", 0.5}, {"1h1s", 3601}, {"1h2m3s", 3723}, {"1e3", 1000}};
    static const char *const bad[] = {
        "",    "s",     "-1",   "+1", " 1", "1 ", "1x",     "30s1m", "1s2s", "1 30", "0x9",  "inf",
        "nan", "1mins", "1h1h", ".",  "m",  "1d", "1m 30s", "1,5m",  "5 s",  "1h30", "1e999"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double seconds = -1;
        if (amount_read_seconds(good[i].text, &seconds) != 0 ||
            fabs(seconds - good[i].seconds) > 1e-9)
            fail_msg("%s: %g", good[i].text, seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double seconds = -1;
        if (amount_read_seconds(bad[i], &seconds) != -EINVAL || seconds != -1)
            fail_msg("taken: \"%s\"", bad[i]);
    }
}

static void test_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double part;
    } good[] = {{"0", 0},  {"1", 1},         {"0.25", 0.25},  {"50%", 0.5},  {"100%", 1},
                {"0%", 0}, {"12.5%", 0.125}, {"1e-05", 1e-5}, {"101%", 1.01}};
    static const char *const bad[] = {"", "%", "-1", "-1%", "50 %", "0x1", "nan", "0.5x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double part = -1;
        if (amount_read_part(good[i].text, &part) != 0 || fabs(part - good[i].part) > 1e-12)
            fail_msg("%s: %g", good[i].text, part);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double part = -1;
        if (amount_read_part(bad[i], &part) != -EINVAL || part != -1)
            fail_msg("taken: \"%s\"", bad[i]);
    }
}

static void test_switches(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "True"}, {"OFF", "on"}, {"0", "1"}};
    bool on = true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int k = 0; k < 2; k++) {
            on = !k;
            assert_int_equal(amount_read_switch(words[i][k], &on), 0);
            assert_int_equal(on, k);
        }
    }
    assert_int_equal(amount_read_switch("maybe", &on), -EINVAL);
    assert_int_equal(amount_read_switch("", &on), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
