// SPDX-License-Identifier: MIT
// What a channel's lane decides, counts and tells, over nets whose play the test chooses.
#include "control/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "studio.h"

static const char *const notes_net[] = {"notes-open", NULL};
static const char *const roll_net[] = {"roll-open", NULL};

static int begin(void **state)
{
    fake_reset();
    return 0;
}

static void good_drafts_are_judged_and_kept(const char *const *nets)
{
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 60);
    uint64_t kept = studio_decision(studio, 0, "kept");
    assert_true(kept >= (60 + LANE_LOW_SECONDS) / 4);
    assert_int_equal(studio_decision(studio, 0, "judged"), kept);
    assert_int_equal(studio_decision(studio, 0, "refused"), 0);
    assert_int_equal(studio_decision(studio, 0, "redrawn"), 0);
    assert_int_equal(studio_decision(studio, 0, "pieces"), 1);
    assert_string_equal(studio->channels[0].marks, "piece start");
    // 200 ms from onset to onset, as far as two frames or two drafts may join otherwise.
    uint64_t gap = studio_decision(studio, 0, "longest_gap_ms");
    assert_true(gap >= 200 && gap <= 400);
    assert_true(studio_longest_gap(studio, 0) * 1000 <= (double)gap + 300); // its beginning
    assert_true(lane_step(studio->channels[0].lane) >= kept * 4 * 5);
    studio_free(studio);
}

static void test_good_drafts_are_judged_and_kept(void **state)
{
    good_drafts_are_judged_and_kept(notes_net);
    good_drafts_are_judged_and_kept(roll_net);
}

static uint64_t bad_from, bad_to; ///< steps

static enum fake_mood thin_for_a_while(const char *net, const struct net_lane *input)
{
    return input->step >= bad_from && input->step < bad_to ? FAKE_THIN : FAKE_WELL;
}

static void refusals_are_counted(const char *const *nets, uint64_t from, uint64_t to)
{
    fake.mood = thin_for_a_while;
    bad_from = from;
    bad_to = to;
    struct studio *studio = studio_new(nets, true, 1, 7);
    studio_play(studio, 120);
    uint64_t refused = studio_decision(studio, 0, "refused");
    assert_true(refused >= 1);
    assert_int_equal(studio_decision(studio, 0, "refused_thin"), refused);
    assert_true(studio_decision(studio, 0, "redrawn") >= refused);
    assert_true(studio_decision(studio, 0, "judged") >=
                studio_decision(studio, 0, "kept") + refused);
    assert_true(studio_decision(studio, 0, "reseeds_own") >= 1);
    assert_int_equal(studio_decision(studio, 0, "least_bad"), 0);
    assert_int_equal(lane_reseeds(studio->channels[0].lane),
                     studio_decision(studio, 0, "reseeds_own") +
                         studio_decision(studio, 0, "reseeds_human"));
    assert_true(studio_longest_gap(studio, 0) < 4);
    studio_free(studio);
}

static void test_refusals_are_counted(void **state)
{
    refusals_are_counted(notes_net, 400, 420);
    refusals_are_counted(roll_net, 1500, 1590);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good_drafts_are_judged_and_kept, begin),
        cmocka_unit_test_setup(test_refusals_are_counted, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
