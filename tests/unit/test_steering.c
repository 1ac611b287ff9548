// SPDX-License-Identifier: MIT
// What a net is told, and how a piece comes to its end.
#include "control/steering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/draft.h"
#include "control/lane.h"
#include "music/arranger.h"
#include "music/score.h"

#define MS (NOTE_SECOND / 1000)
#define MINUTE (60 * NOTE_SECOND)

static const char *const names[] = {"bach"};
static const uint8_t rows[][NET_CONTROLS] = {{5, 3, 3, 3, 16, 4}, {6, 3, 3, 3, 16, 4}};
static const struct net_habits habits = {{4, 3, 3, 3, -1, -1}, rows, 2};
static const float density_edges[] = {60, 120, 180, 260, 360, 480, 620, 800, 1050};
static const struct net_info notes_info = {.vocabulary = NET_NOTES,
                                           .composers = names,
                                           .composer_count = 1,
                                           .habits = &habits,
                                           .buckets = {10, 8, 8, 9, 24, 8},
                                           .edges = {density_edges}};
static const struct net_info four_info = {.vocabulary = NET_NOTES,
                                          .composers = names,
                                          .composer_count = 1,
                                          .habits = &habits,
                                          .buckets = {10, 8, 8, 9, 0, 0}};
static const struct net_info roll_info = {
    .vocabulary = NET_ROLL, .composers = names, .composer_count = 1, .habits = &habits};
static const struct lane_style style = {
    .net = "n", .composer = "bach", .threshold = 0.5, .curator = true, .piece_length = {1, 1}};

static struct steering *begin(const struct net_info *info)
{
    struct steering *steering = malloc(sizeof *steering);
    assert_non_null(steering);
    steering_init(steering, 3);
    steering_follow(steering, info, &style, 0);
    steering_begin_piece(steering, 0);
    return steering;
}

static struct net_lane told(const struct steering *steering, const struct net_info *info,
                            int64_t time)
{
    struct net_lane lane = {0};
    steering_set(steering, info, &style, 0, time, &lane);
    return lane;
}

static void test_the_density_falls_towards_the_end(void **state)
{
    struct steering *steering = begin(&notes_info);
    assert_int_equal(told(steering, &notes_info, 0).control[NET_DENSITY], 5);
    assert_int_equal(told(steering, &notes_info, 0).control[NET_KEY], steering->plan.key);
    assert_in_range(steering->plan.key, 12, 23);
    steering_follow(steering, &notes_info, &style, MINUTE - 9 * NOTE_SECOND);
    uint8_t usual =
        (uint8_t)told(steering, &notes_info, MINUTE - 9 * NOTE_SECOND).control[NET_DENSITY];
    assert_in_range(usual, 5, 6);
    assert_in_range(told(steering, &notes_info, MINUTE - 8 * NOTE_SECOND).control[NET_DENSITY], 4,
                    5);
    assert_in_range(told(steering, &notes_info, MINUTE - 4 * NOTE_SECOND).control[NET_DENSITY], 3,
                    4);
    free(steering);
    steering = begin(&roll_info);
    assert_true(told(steering, &roll_info, 0).threshold == 0.5f);
    float later = told(steering, &roll_info, MINUTE - 8 * NOTE_SECOND).threshold;
    assert_true(later > 0.55f && told(steering, &roll_info, MINUTE).threshold > later + 0.05f);
    free(steering);
}

static void add(struct draft *draft, struct note note)
{
    draft_add_onset(draft, &note);
    draft_add_event(draft, &note);
}

/** Four seconds at so many notes a second, kept. */
static void hear(struct steering *steering, const struct lane_style *of, struct score *score,
                 struct draft *draft, int64_t start, int rate)
{
    const struct curator_bounds bounds = {.notes_per_minute = {156, 216, 588, 1122, 1236}};
    draft_begin(draft, start);
    for (int i = 0; i < 4 * rate; i++)
        add(draft,
            (struct note){start + i * NOTE_SECOND / rate, 90 * MS, (uint8_t)(60 + i % 5), 60});
    draft_commit(draft, score);
    steering_hear(steering, of, &bounds, score, draft);
}

/** A net that plays more than it is told is told less, but not without the curator. */
static void test_a_net_that_leans_is_told_otherwise(void **state)
{
    static uint8_t long_rows[30][NET_CONTROLS];
    for (size_t i = 0; i < 30; i++)
        memcpy(long_rows[i], rows[i % 2], sizeof *long_rows);
    const struct net_habits long_habits = {{4, 3, 3, 3, -1, -1}, long_rows, 30};
    struct net_info info = notes_info;
    info.habits = &long_habits;
    struct lane_style alone = style;
    alone.curator = false;
    alone.piece_length = (struct ending_length){0, 0};
    for (int i = 0; i < 2; i++) {
        struct lane_style of = i ? alone : style;
        of.piece_length = (struct ending_length){0, 0};
        struct steering *steering = begin(&info);
        struct score *score;
        struct draft *draft = calloc(1, sizeof *draft);
        assert_non_null(draft);
        assert_int_equal(score_new(&score), 0);
        struct net_lane lane = {0};
        int64_t time = 0;
        for (; time < 3 * MINUTE; time += DRAFT_US) {
            steering_follow(steering, &info, &of, time);
            hear(steering, &of, score, draft, time, 20);
        }
        steering_set(steering, &info, &of, 0, time, &lane);
        if (i)
            assert_in_range(lane.control[NET_DENSITY], 5, 6);
        else
            assert_in_range(lane.control[NET_DENSITY], 1, 4);
        steering_set(steering, &info, &alone, 0, time, &lane);
        assert_in_range(lane.control[NET_DENSITY], 5, 6); // as it leans, when that is asked later
        assert_int_equal(lane.control[NET_POLYPHONY], 3); // no edges: nothing is known of it
        score_free(score);
        free(draft);
        free(steering);
    }
}

static void test_what_a_net_has_not_is_not_told(void **state)
{
    struct steering *steering = begin(&four_info);
    struct net_lane lane = told(steering, &four_info, 0);
    assert_int_equal(lane.control[NET_POLYPHONY], 3);
    assert_int_equal(lane.control[NET_KEY], -1);
    assert_int_equal(lane.control[NET_CHROMA], -1);
    free(steering);
}

static void test_a_piece_closes_in_its_last_draft(void **state)
{
    struct steering *steering = begin(&notes_info);
    struct lane_style other = style;
    assert_false(steering_closes(steering, &style, MINUTE - 4 * NOTE_SECOND - 1));
    assert_true(steering_closes(steering, &style, MINUTE - 4 * NOTE_SECOND));
    assert_true(steering_closes(steering, &style, 2 * MINUTE));
    other.piece_length = (struct ending_length){0, 0};
    assert_false(steering_closes(steering, &other, 100 * MINUTE));
    other = style;
    other.curator = false;
    assert_false(steering_closes(steering, &other, 100 * MINUTE));
    free(steering);
}

/** What sounds into the last draft, and whatever is in it, is released with the chord. */
static void test_everything_ends_with_the_chord(void **state)
{
    const int64_t start = 56 * NOTE_SECOND;
    struct steering *steering = begin(&notes_info);
    struct score *score;
    struct draft *draft = calloc(1, sizeof *draft);
    assert_non_null(draft);
    assert_int_equal(score_new(&score), 0);
    const struct note before[] = {
        {start - 900 * MS, 8 * NOTE_SECOND, 40, 60}, // a long one of a net of notes
        {start - 800 * MS, NOTE_OPEN, 43, 60},       // open ones of a roll: one ends in the draft,
        {start - 700 * MS, NOTE_OPEN, 47, 60},       // one does not
    };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(score_add(score, &before[i]), 0);
    score_extend(score, start);
    draft_begin(draft, start);
    draft->after.open[47] = 1;
    draft_add_event(draft, &(struct note){start - 800 * MS, NOTE_SECOND, 43, 60});
    for (int i = 0; i < 16; i++)
        add(draft, (struct note){start + i * 250 * MS, 200 * MS, (uint8_t)(60 + 4 * (i % 3)), 60});

    assert_true(steering_closes(steering, &style, start));
    steering_close(steering, &style, score, draft);
    draft_commit(draft, score);
    assert_int_equal(draft->after.open[47], -1);
    assert_true(score_horizon(score) == start + DRAFT_US);

    struct note notes[64];
    size_t count = score_copy(score, 0, INT64_MAX / 2, notes, 64);
    int64_t last = notes[count - 1].onset, release = 0;
    assert_true(last >= start + DRAFT_US - ENDING_REST_US && last < start + DRAFT_US);
    for (size_t i = 0; i < count; i++) {
        assert_true(notes[i].duration != NOTE_OPEN);
        release = note_end(&notes[i]) > release ? note_end(&notes[i]) : release;
    }
    assert_true(release == last + ENDING_HOLD_US);
    assert_true(note_end(&notes[1]) == start + 200 * MS); // as it was played
    assert_true(note_end(&notes[0]) == release && note_end(&notes[2]) == release);

    int64_t breath = -1;
    assert_false(steering_piece_is_over(steering, start, &breath));
    assert_true(steering_piece_is_over(steering, start + DRAFT_US, &breath));
    int64_t next = start + DRAFT_US + breath;
    assert_true(breath >= 0 && breath % (50 * MS) == 0);
    assert_true(next > release && next - last <= CURATOR_LONGEST_GAP - NOTE_SECOND / 2);
    score_free(score);
    free(draft);
    free(steering);
}

static void test_the_telephone_is_told_its_texture(void **state)
{
    struct steering *steering = begin(&notes_info);
    struct lane_style phone = style;
    phone.telephone = true;
    for (int64_t time = 0; time < MINUTE / 2; time += 5 * NOTE_SECOND) {
        struct net_lane lane = {0};
        steering_set(steering, &notes_info, &phone, 0, time, &lane);
        assert_int_equal(lane.control[NET_REGISTER], 6);
        assert_in_range(lane.control[NET_DENSITY], 3, 6);
        assert_in_range(lane.control[NET_LOUDNESS], 3, 5);
        assert_in_range(lane.control[NET_POLYPHONY], 0, 3);
        assert_int_equal(lane.control[NET_KEY], told(steering, &notes_info, time).control[NET_KEY]);
    }
    free(steering);
    // What a net has no buckets of is not told.
    steering = begin(&four_info);
    struct net_lane lane = {0};
    steering_set(steering, &four_info, &phone, 0, 0, &lane);
    assert_int_equal(lane.control[NET_KEY], -1);
    free(steering);
}

/** The last chord is heard until the next piece, which comes sooner. */
static void test_a_piece_rings_until_the_next_one(void **state)
{
    const int64_t start = 56 * NOTE_SECOND;
    struct steering *steering = begin(&notes_info);
    struct lane_style phone = style;
    phone.telephone = true;
    struct score *score;
    struct draft *draft = calloc(1, sizeof *draft);
    assert_non_null(draft);
    assert_int_equal(score_new(&score), 0);
    draft_begin(draft, start);
    for (int i = 0; i < 12; i++)
        add(draft, (struct note){start + i * 250 * MS, 200 * MS, (uint8_t)(40 + 4 * (i % 3)), 60});
    draft_arrange(draft);
    steering_close(steering, &phone, score, draft);
    const struct note *last = &draft->onsets[draft->onset_count - 1];
    assert_true(last->pitch >= ARRANGER_LOWEST);
    assert_true(last->duration == ARRANGER_HELD_US);
    assert_true(steering->rest - last->onset < 2 * NOTE_SECOND);
    assert_int_equal(draft->event_count, draft->onset_count);
    free(draft);
    free(steering);
    score_free(score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_density_falls_towards_the_end),
        cmocka_unit_test(test_what_a_net_has_not_is_not_told),
        cmocka_unit_test(test_a_net_that_leans_is_told_otherwise),
        cmocka_unit_test(test_a_piece_closes_in_its_last_draft),
        cmocka_unit_test(test_everything_ends_with_the_chord),
        cmocka_unit_test(test_the_telephone_is_told_its_texture),
        cmocka_unit_test(test_a_piece_rings_until_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
