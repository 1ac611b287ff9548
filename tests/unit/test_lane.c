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

#include "music/curator.h"
#include "music/opening.h"
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
    // What does not go on from what was there begins after a breath, and not after a silence.
    uint64_t gap = studio_decision(studio, 0, "longest_gap_ms");
    assert_true(gap >= 550 && gap < 1000);
    studio_free(studio);
}

static void test_refusals_are_counted(void **state)
{
    refusals_are_counted(notes_net, 400, 420);
    refusals_are_counted(roll_net, 1500, 1590);
}

static uint64_t lane_seed;

/** Whose sketch number it is, 0 to 3; sketch 0 draws as its lane does. */
static uint64_t number_of(const struct net_lane *input)
{
    return (input->seed - lane_seed) * UINT64_C(0xf1de83e19937733d); // 1 / the golden ratio's
}

static uint64_t good_sketch;

static enum fake_mood one_sketch_is_good(const char *net, const struct net_lane *input)
{
    return number_of(input) == good_sketch ? FAKE_WELL : FAKE_STUCK;
}

/** A lane and its two nets, driven by hand. */
static void the_best_is_kept_and_adopted(const char *const *nets)
{
    struct repertoire *repertoire = fake_repertoire(nets, true);
    const struct repertoire_net *known = repertoire_net(repertoire, 0);
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    snprintf(style.net, sizeof style.net, "%s", nets[0]);
    struct score *score;
    struct lane *lane;
    struct device *device = NULL;
    struct net *net = NULL, *sketches = NULL;
    static uint8_t tokens[LANE_SKETCH_LANES * NET_MAX_RUN_BYTES];
    lane_seed = 41;
    good_sketch = 2;
    fake.mood = one_sketch_is_good;
    assert_int_equal(score_new(&score), 0);
    assert_int_equal(lane_new(score, lane_seed, &style, &lane), 0);
    assert_int_equal(net_new(device, known->path, 1, &net), 0);
    assert_int_equal(net_new(device, known->path, LANE_SKETCH_LANES, &sketches), 0);
    lane_allow_sketches(lane, true);

    struct net_lane inputs[LANE_SKETCH_LANES];
    unsigned planned = 0, primed = 0, drawn = 0;
    int kept = -1;
    while (kept < 0) {
        lane_listen(lane);
        if (lane_plan(lane, net, known, 0, inputs)) {
            // What is fed for all sketches makes whole runs, before the first of them.
            assert_int_equal(drawn, 0);
            primed += lane_step(lane) > 0 && inputs[0].forced_count == net_info(net)->steps;
            planned++;
            assert_int_equal(net_run(net, inputs, tokens), 0);
            lane_take(lane, tokens);
            continue;
        }
        assert_true(lane_wants_sketches(lane));
        assert_int_equal(score_horizon(score), 0);
        assert_true(lane_begins_sketches(lane) == (drawn == 0));
        for (uint32_t i = 0; lane_begins_sketches(lane) && i < LANE_SKETCH_LANES; i++)
            assert_int_equal(net_adopt(sketches, i, net, 0), 0);
        uint64_t heard = fake_heard(sketches, 0);
        lane_sketch(lane, sketches, inputs);
        assert_int_equal(fake_heard(sketches, 0), heard); // it was not reset
        for (uint64_t i = 0; i < LANE_SKETCH_LANES; i++) {
            assert_true(!inputs[i].active || number_of(&inputs[i]) == i);
            assert_true(!inputs[i].active ||
                        inputs[i].step == lane_step(lane) + drawn * net_info(net)->steps);
            // What is left of the phrase is less than a run.
            assert_true(!inputs[i].active || inputs[i].forced_count < net_info(net)->steps);
        }
        assert_int_equal(net_run(sketches, inputs, tokens), 0);
        lane_take_sketches(lane, net_info(sketches), tokens);
        drawn++;
        kept = lane_kept_sketch(lane);
    }
    assert_true(planned > primed && primed > 0 && drawn > 0);
    assert_int_equal(kept, good_sketch);
    assert_int_equal(lane_step(lane), (planned + drawn) * net_info(net)->steps);
    assert_int_equal(score_horizon(score), 4 * NOTE_SECOND);
    // It goes on from there, without being primed.
    assert_int_equal(net_adopt(net, 0, sketches, (uint32_t)kept), 0);
    uint64_t heard = fake_heard(net, 0);
    lane_listen(lane);
    assert_true(lane_plan(lane, net, known, 0, inputs));
    assert_int_equal(inputs[0].forced_count, 0);
    assert_int_equal(fake_heard(net, 0), heard);
    struct note notes[64];
    size_t count = score_copy(score, 0, 4 * NOTE_SECOND, notes, 64);
    assert_true(count >= 15 && count <= 21); // the tremolos have 27
    net_free(net);
    net_free(sketches);
    lane_free(lane);
    score_free(score);
    repertoire_free(repertoire);
}

static void test_the_best_is_kept_and_adopted(void **state)
{
    the_best_is_kept_and_adopted(notes_net);
    the_best_is_kept_and_adopted(roll_net);
}

static enum fake_mood often_bad(const char *net, const struct net_lane *input)
{
    uint64_t block = input->step / (*net == 'r' ? 160 : 48);
    uint64_t x = (input->seed ^ block << 32) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (x >> 40) % 3 ? FAKE_WELL : FAKE_STUCK;
}

static void others_change_nothing(const char *const *nets)
{
    fake.mood = often_bad;
    fake.widest = 0;
    struct studio *alone = studio_new(nets, true, 1, 103);
    studio_play(alone, 90);
    assert_true(studio_decision(alone, 0, "refused") > 3);
    assert_true(fake.widest == LANE_SKETCH_LANES);
    struct studio *among = studio_new(nets, true, 6, 100);
    studio_play(among, 90);
    assert_true(studio_decision(among, 1, "refused") > 0);
    studio_assert_same(alone, 0, among, 3, 90);
    studio_free(alone);
    studio_free(among);
}

static void test_others_that_redraw_change_nothing(void **state)
{
    others_change_nothing(notes_net);
    others_change_nothing(roll_net);
}

static enum fake_mood always_stuck(const char *net, const struct net_lane *input)
{
    return FAKE_STUCK;
}

static void the_least_bad_is_kept(const char *const *nets)
{
    fake.mood = always_stuck;
    struct studio *studio = studio_new(nets, true, 1, 3);
    studio_play(studio, 30);
    uint64_t kept = studio_decision(studio, 0, "kept");
    assert_int_equal(studio_decision(studio, 0, "least_bad"), kept);
    assert_int_equal(studio_decision(studio, 0, "phrases"), 0);
    // A first try and then rounds of sketches, as long as the patience is.
    assert_int_equal(studio_decision(studio, 0, "refused_stuck"),
                     kept * (1 + (CURATOR_PATIENCE - 1) * LANE_SKETCH_LANES));
    assert_true(studio_longest_gap(studio, 0) < 3);
    studio_free(studio);
}

static void test_the_least_bad_is_kept(void **state)
{
    the_least_bad_is_kept(notes_net);
    the_least_bad_is_kept(roll_net);
}

static void pieces_end(const char *const *nets)
{
    struct studio *studio = studio_new(nets, true, 1, 7);
    struct studio_channel *channel = &studio->channels[0];
    struct lane_style style = {
        .composer = "bach", .threshold = 0.5, .curator = true, .piece_length = {0.5, 0.75}};
    snprintf(style.net, sizeof style.net, "%s", nets[0]);
    lane_ask(channel->lane, &style, LANE_SETTLE);
    studio_play(studio, 115);
    size_t begun = studio_decision(studio, 0, "pieces");
    assert_in_range(begun, 3, 5);
    assert_string_equal(channel->marks + strlen("piece start, "),
                        begun == 3   ? "piece next, piece next"
                        : begun == 4 ? "piece next, piece next, piece next"
                                     : "piece next, piece next, piece next, piece next");
    // A change wherever the ending may be: what was ended goes on, and ends again.
    for (int i = 0; i < 12; i++) {
        lane_ask(channel->lane, &style, LANE_CHANGE);
        studio_play(studio, 1 + i % 5);
    }
    studio_play(studio, 90);
    assert_in_range(studio_decision(studio, 0, "pieces"), begun + 1, 9);
    assert_true(studio_longest_gap(studio, 0) <= 3);
    // From a held chord to the next piece; 300 ms are the most between two notes otherwise.
    assert_true(studio_longest_gap(studio, 0) >= 2);
    style.piece_length = (struct ending_length){0, 0};
    lane_ask(channel->lane, &style, LANE_SETTLE);
    begun = studio_decision(studio, 0, "pieces");
    studio_play(studio, 180);
    assert_in_range(studio_decision(studio, 0, "pieces"), begun, begun + 1);
    studio_free(studio);
}

static void test_pieces_end_and_others_begin(void **state)
{
    pieces_end(notes_net);
    pieces_end(roll_net);
}

static enum fake_mood heedful(const char *net, const struct net_lane *input)
{
    return FAKE_HEEDFUL;
}

/** Notes a minute from `from` to `to` seconds. */
static double density(struct studio *studio, double from, double to)
{
    return (double)studio_notes(studio, 0, from, to) * 60 / (to - from);
}

/** A net that plays half as much, or twice as much, as any human is led to their median. */
static void test_the_threshold_is_trimmed_to_the_composers_density(void **state)
{
    const double odds[] = {0.25, 3};
    const double median = curator_any_bounds.notes_per_minute[2];
    for (int i = 0; i < 2; i++) {
        fake.mood = heedful;
        fake.odds = odds[i];
        struct studio *studio = studio_new(roll_net, true, 2, 7);
        struct lane_style style = {.net = "roll-open", .composer = "bach", .threshold = 0.5};
        lane_ask(studio->channels[1].lane, &style, LANE_SETTLE);
        studio_play(studio, 80);
        assert_int_equal(studio_decision(studio, 0, "threshold_permille"), 500);
        double before = density(studio, 12, 80);
        assert_true(i ? before > 1.4 * median : before < 0.7 * median);
        studio_play(studio, 3420);
        double after = density(studio, 3100, 3480);
        assert_true(after > 0.8 * median && after < 1.25 * median);
        uint64_t trimmed = studio_decision(studio, 0, "threshold_permille");
        assert_true(i ? trimmed > 600 : trimmed < 400);
        assert_true(studio_decision(studio, 0, "longest_gap_ms") < 3000);
        // Without the curator the threshold is the user's and nothing else.
        assert_int_equal(studio_decision(studio, 1, "threshold_permille"), 500);
        studio_free(studio);
    }
}

static struct opening scale; // of a note in a quarter of a second

static void make_scale(size_t count)
{
    struct note notes[64];
    for (size_t i = 0; i < count; i++)
        notes[i] =
            (struct note){(int64_t)i * NOTE_SECOND / 4, NOTE_SECOND / 5, (uint8_t)(30 + i), 77};
    assert_int_equal(opening_make(notes, count, &scale), 0);
}

/** Asserts that the scale stands in the score from `begin` on, and nothing else beside it. */
static void assert_scale_at(struct studio *studio, int64_t begin)
{
    double from = (double)begin / NOTE_SECOND;
    double to = from + (double)scale.length / NOTE_SECOND;
    assert_int_equal(studio_notes(studio, 0, from, to), scale.count);
    for (size_t i = 0; i < scale.count; i++) {
        assert_int_equal(studio->notes[i].pitch, scale.notes[i].pitch);
        assert_int_equal(studio->notes[i].velocity, 77);
        assert_int_equal(studio->notes[i].onset, begin + scale.notes[i].onset);
        assert_int_equal(studio->notes[i].duration, scale.notes[i].duration);
    }
}

static void a_piece_begins_as_given(const char *const *nets)
{
    make_scale(14);
    // From the first note on.
    struct studio *studio = studio_new(nets, true, 1, 7);
    lane_open(studio->channels[0].lane, &scale);
    studio_play(studio, 10);
    assert_string_equal(studio->channels[0].marks, "piece given");
    assert_scale_at(studio, 0);
    // In the midst of music: the former piece goes on until then.
    double before = (double)score_position(studio->channels[0].score) / NOTE_SECOND;
    lane_open(studio->channels[0].lane, &scale);
    studio_play(studio, 60);
    assert_non_null(strstr(studio->channels[0].marks, "cut, piece given"));
    size_t count = studio_notes(studio, 0, before, before + 20);
    size_t first = 0;
    while (first < count && studio->notes[first].velocity != 77)
        first++;
    assert_true(first < count);
    int64_t begin = studio->notes[first].onset;
    assert_in_range(begin / 1000, (int64_t)(before * 1000) + 500, (int64_t)(before * 1000) + 4000);
    assert_scale_at(studio, begin);
    assert_true(studio_longest_gap(studio, 0) < 1.5); // the breath
    assert_int_equal(studio_decision(studio, 0, "pieces"), 2);
    studio_free(studio);
}

static void test_a_piece_begins_as_given(void **state)
{
    a_piece_begins_as_given(notes_net);
    a_piece_begins_as_given(roll_net);
}

static void what_is_given_is_heard(const char *const *nets)
{
    // Two nets that have heard different openings play differently from then on.
    struct studio *one = studio_new(nets, true, 1, 7);
    struct studio *other = studio_new(nets, true, 1, 7);
    struct studio *again = studio_new(nets, true, 1, 7);
    make_scale(14);
    lane_open(one->channels[0].lane, &scale);
    lane_open(again->channels[0].lane, &scale);
    double length = (double)scale.length / NOTE_SECOND;
    scale.notes[6].pitch += 20;
    lane_open(other->channels[0].lane, &scale);
    studio_play(one, 30);
    studio_play(other, 30);
    studio_play(again, 30);
    studio_assert_same(one, 0, again, 0, 30);
    size_t a = studio_notes(one, 0, length, 30), b = studio_notes(other, 0, length, 30);
    bool same = a == b;
    for (size_t i = 0; same && i < a; i++)
        same = one->notes[i].pitch == other->notes[i].pitch;
    assert_false(same);
    studio_free(one);
    studio_free(other);
    studio_free(again);
}

static void test_what_is_given_is_heard(void **state)
{
    what_is_given_is_heard(notes_net);
    what_is_given_is_heard(roll_net);
}

static void test_it_is_played_whatever_the_net_makes_of_it(void **state)
{
    fake.mood = always_stuck;
    make_scale(10);
    for (int i = 0; i < 2; i++) {
        struct studio *studio = studio_new(i ? roll_net : notes_net, true, 1, 7);
        lane_open(studio->channels[0].lane, &scale);
        studio_play(studio, 20);
        assert_scale_at(studio, 0);
        assert_true(studio_decision(studio, 0, "refused") > 0);
        assert_true(studio_longest_gap(studio, 0) < 3);
        studio_free(studio);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_good_drafts_are_judged_and_kept, begin),
        cmocka_unit_test_setup(test_refusals_are_counted, begin),
        cmocka_unit_test_setup(test_pieces_end_and_others_begin, begin),
        cmocka_unit_test_setup(test_the_best_is_kept_and_adopted, begin),
        cmocka_unit_test_setup(test_others_that_redraw_change_nothing, begin),
        cmocka_unit_test_setup(test_the_least_bad_is_kept, begin),
        cmocka_unit_test_setup(test_the_threshold_is_trimmed_to_the_composers_density, begin),
        cmocka_unit_test_setup(test_a_piece_begins_as_given, begin),
        cmocka_unit_test_setup(test_what_is_given_is_heard, begin),
        cmocka_unit_test_setup(test_it_is_played_whatever_the_net_makes_of_it, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
