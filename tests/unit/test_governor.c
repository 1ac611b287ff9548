// SPDX-License-Identifier: MIT
// The slow controller of a roll net's threshold, over a net whose density answers as nets' do.
#include "control/governor.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double band[5] = {150, 200, 400, 800, 1000};

static double logit(double threshold)
{
    return log(threshold / (1 - threshold));
}

/** A net that makes `usual` notes a minute at 0.5, and e^-gain times as many for each logit; it
 * breathes: its density swings by half around that in `period` seconds. Returns the mean density of
 * the last half of `seconds`. */
static double play(struct governor *governor, double threshold, double usual, double gain,
                   double period, double seconds)
{
    double sum = 0, rest = 0, last = governor->trim;
    for (double at = 0; at < seconds; at += 4) {
        double told = logit(governor_threshold(governor, threshold));
        double rate = usual * exp(-gain * told);
        if (period > 0)
            rate *= exp(0.4 * sin(2 * M_PI * at / period));
        double notes = floor(rate / 15 + rest);
        rest += rate / 15 - notes;
        governor_hear(governor, band, threshold, (size_t)notes, 4);
        // Nothing of it is heard as a step.
        assert_true(fabs(governor->trim - last) < 0.1);
        assert_true(fabs(governor->trim) <= GOVERNOR_MOST);
        last = governor->trim;
        if (at >= seconds / 2)
            sum += rate * 4;
    }
    return sum / (seconds / 2);
}

static void assert_near(double value, double wanted)
{
    assert_true(fabs(log(value / wanted)) < 0.05);
}

static void test_it_leads_to_the_median(void **state)
{
    const double usual[] = {200, 400, 650}, gain[] = {0.5, 1, 2};
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            struct governor governor;
            governor_init(&governor);
            assert_near(play(&governor, 0.5, usual[i], gain[k], 0, 7200), band[2]);
            // A net that wanders off is followed.
            assert_near(play(&governor, 0.5, usual[i] * 1.5, gain[k], 0, 7200), band[2]);
        }
    }
}

static void test_breathing_moves_it_little(void **state)
{
    struct governor governor;
    governor_init(&governor);
    play(&governor, 0.5, 400, 1, 60, 7200);
    assert_true(fabs(governor.trim) < 0.1);
    governor_init(&governor);
    play(&governor, 0.5, 400, 1, 300, 7200);
    assert_true(fabs(governor.trim) < 0.2);
}

static void test_minutes_go_by_before_it_moves(void **state)
{
    struct governor governor;
    governor_init(&governor);
    play(&governor, 0.5, 100, 0, 0, GOVERNOR_MEMORY - 4);
    assert_true(governor.trim == 0);
    play(&governor, 0.5, 100, 0, 0, 60);
    assert_true(governor.trim < 0 && governor.trim > -0.5);
    play(&governor, 0.5, 0, 0, 0, 36000);
    assert_true(governor.trim == -GOVERNOR_MOST);
    assert_true(fabs(governor_threshold(&governor, 0.5) - 0.119) < 0.001);
}

static void test_the_users_threshold_is_what_it_moves_around(void **state)
{
    assert_true(governor_target(band, 0.5) == 400);
    assert_true(fabs(governor_target(band, 0.6) - 400 / 1.5) < 1e-9);
    assert_true(governor_target(band, 0.9) == 200);
    assert_true(governor_target(band, 0.1) == 800);
    assert_true(governor_target(band, 0) == 800 && governor_target(band, 1) == 200);

    struct governor governor;
    governor_init(&governor);
    play(&governor, 0.5, 400, 1, 0, 1200);
    double before = governor.trim;
    play(&governor, 0.6, 400, 1, 0, GOVERNOR_MEMORY - 4);
    // What was denser before the change is not held against the new threshold.
    assert_true(governor.trim == before);
    assert_near(play(&governor, 0.6, 400, 1, 0, 7200), 400 / 1.5);
    assert_near(play(&governor, 0.9, 400, 1, 0, 7200), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_leads_to_the_median),
        cmocka_unit_test(test_breathing_moves_it_little),
        cmocka_unit_test(test_minutes_go_by_before_it_moves),
        cmocka_unit_test(test_the_users_threshold_is_what_it_moves_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
