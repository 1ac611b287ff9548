// SPDX-License-Identifier: MIT
// Channels come and go, and the net that they share is as wide as it has to be: over nets without a
// device.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/generator_private.h"
#include "studio.h"

static const char *const nets[] = {"notes-open", "roll-open", NULL};

static int begin(void **state)
{
    fake_reset();
    return 0;
}

/** One more channel, on the first net. */
static void add(struct studio *studio)
{
    struct studio_channel *channel = &studio->channels[studio->count];
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    strcpy(style.net, nets[0]);
    assert_int_equal(score_new(&channel->score), 0);
    assert_int_equal(lane_new(channel->score, 100 + studio->count, &style, &channel->lane), 0);
    assert_int_equal(generator_add(studio->generator, channel->lane), 0);
    studio->count++;
}

static uint32_t width(const struct studio *studio)
{
    return studio->generator->nets[0].width;
}

static void test_a_net_grows_and_nobody_falls_silent(void **state)
{
    (void)state;
    static const uint32_t widths[] = {1, 2, 3, 4, 6, 6, 8, 8};
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 10);
    for (size_t count = 2; count <= STUDIO_CHANNELS; count++) {
        add(studio);
        // Asserts that the scores never run dry.
        studio_play(studio, 10);
        assert_int_equal(width(studio), widths[count - 1]);
        assert_int_equal(net_info(studio->generator->nets[0].net)->lanes, widths[count - 1]);
    }
    for (size_t i = 0; i < studio->count; i++) {
        assert_true(studio_longest_gap(studio, i) < 3);
        assert_string_equal(studio_rung(studio, i), "");
        assert_true(studio_notes(studio, i, 0, 20) > 20);
    }
    // The channels that share it keep step: 82 runs, and 180 where each channel
    // has runs of its own.
    unsigned runs = fake.runs;
    studio_play(studio, 120);
    assert_true(fake.runs - runs < 120);
    studio_free(studio);
}

static void test_who_leaves_during_a_step_goes_after_it(void **state)
{
    (void)state;
    struct studio *studio = studio_new(nets, true, 3, 7);
    studio_play(studio, 10);
    struct generator *generator = studio->generator;
    struct lane *lane = studio->channels[1].lane;
    // A step holds it.
    pthread_mutex_lock(&generator->lanes_mutex);
    for (int again = 0; again < 3; again++)
        assert_false(generator_try_remove(generator, lane));
    assert_int_equal(generator->count, 3);
    pthread_mutex_unlock(&generator->lanes_mutex);
    studio_compose(studio);
    assert_int_equal(generator->count, 2);
    assert_null(generator->nets[0].seats[1]);
    // It may come late to hear of it, in the midst of another step.
    pthread_mutex_lock(&generator->lanes_mutex);
    assert_true(generator_try_remove(generator, lane));
    pthread_mutex_unlock(&generator->lanes_mutex);
    assert_int_equal(generator->count, 2);
    studio_free(studio);
}

static void test_a_seat_that_is_given_up_is_taken_again(void **state)
{
    (void)state;
    struct studio *studio = studio_new(nets, true, 4, 7);
    studio_play(studio, 30);
    assert_true(generator_try_remove(studio->generator, studio->channels[1].lane));
    int64_t horizon = score_horizon(studio->channels[1].score);
    studio_compose(studio);
    add(studio);
    studio_compose(studio);
    assert_int_equal(score_horizon(studio->channels[1].score), horizon);
    assert_int_equal(width(studio), 4);
    assert_ptr_equal(studio->generator->nets[0].seats[1], studio->channels[4].lane);
    assert_true(studio_notes(studio, 4, 0, 20) > 20);
    studio_free(studio);
}

static void test_there_is_an_end_to_lanes(void **state)
{
    (void)state;
    struct studio *studio = studio_new(nets, true, 1, 7);
    struct lane *one = studio->channels[0].lane;
    for (int i = 1; i < GENERATOR_LANES; i++)
        assert_int_equal(generator_add(studio->generator, one), 0);
    assert_true(generator_add(studio->generator, one) < 0);
    for (int i = 1; i < GENERATOR_LANES; i++)
        generator_remove(studio->generator, one);
    assert_int_equal(generator_add(studio->generator, one), 0);
    generator_remove(studio->generator, one);
    studio_free(studio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_net_grows_and_nobody_falls_silent, begin),
        cmocka_unit_test_setup(test_who_leaves_during_a_step_goes_after_it, begin),
        cmocka_unit_test_setup(test_a_seat_that_is_given_up_is_taken_again, begin),
        cmocka_unit_test_setup(test_there_is_an_end_to_lanes, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
