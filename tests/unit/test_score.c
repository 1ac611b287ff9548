// SPDX-License-Identifier: MIT
// The score: order, cuts, late ends and that no note ever sticks.
#include "music/score.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS (NOTE_SECOND / 1000)

static int setup(void **state)
{
    struct score *score;
    if (score_new(&score) < 0)
        return -1;
    *state = score;
    return 0;
}

static int teardown(void **state)
{
    score_free(*state);
    return 0;
}

static int add(struct score *score, int64_t onset, int64_t duration, int pitch)
{
    return score_add(score, &(struct note){onset, duration, (uint8_t)pitch, 64});
}

static void take_nothing(struct score *score, int64_t until, int64_t position)
{
    struct score_event event;
    assert_false(score_take(score, until, &event));
    assert_int_equal(score_position(score), position);
}

static void take(struct score *score, int64_t until, int64_t time, int pitch, bool on)
{
    struct score_event event;
    assert_true(score_take(score, until, &event));
    assert_int_equal(event.time, time);
    assert_int_equal(event.pitch, pitch);
    assert_int_equal(event.velocity > 0, on);
    assert_int_equal(score_position(score), time);
}

static void what_is_damped_ends_whatever_was_said_before(void **state)
{
    struct score *score = *state;
    add(score, 100 * MS, 5 * NOTE_SECOND, 60); // sounds, and is over later
    add(score, 200 * MS, NOTE_OPEN, 64);
    add(score, 300 * MS, 100 * MS, 67); // is over before
    add(score, 500 * MS, NOTE_SECOND, 72);
    add(score, 900 * MS, 300 * MS, 76); // begins behind it
    score_extend(score, 2 * NOTE_SECOND);
    take(score, 150 * MS, 100 * MS, 60, true);
    score_damp(score, 800 * MS);
    assert_true(score_horizon(score) == 2 * NOTE_SECOND);
    add(score, 200 * MS, 4 * NOTE_SECOND, 64); // an end that comes too late
    take(score, NOTE_SECOND, 200 * MS, 64, true);
    take(score, NOTE_SECOND, 300 * MS, 67, true);
    take(score, NOTE_SECOND, 400 * MS, 67, false);
    take(score, NOTE_SECOND, 500 * MS, 72, true);
    for (int i = 0; i < 3; i++) {
        struct score_event event;
        assert_true(score_take(score, NOTE_SECOND, &event));
        assert_true(event.time == 800 * MS && event.velocity == 0);
    }
    take(score, NOTE_SECOND, 900 * MS, 76, true);
    score_damp(score, 850 * MS); // too late for that
    take(score, 2 * NOTE_SECOND, 1200 * MS, 76, false);
}

/** The most that sound at once, and the least at an onset. */
static size_t most_at_once(const struct note *notes, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t sounding = 0;
        for (size_t k = 0; k < count; k++)
            sounding += notes[k].onset <= notes[i].onset && note_end(&notes[k]) > notes[i].onset;
        most = sounding > most ? sounding : most;
    }
    return most;
}

static void few_sound_at_once_where_that_is_asked_for(void **state)
{
    struct score *score = *state;
    struct note notes[64];
    add(score, 0, 4000 * MS, 60);
    add(score, 100 * MS, 4000 * MS, 88); // high: ends first
    add(score, 200 * MS, 4000 * MS, 64);
    add(score, 300 * MS, 4000 * MS, 67);
    score_limit(score, 0, 3, 79);
    assert_int_equal(score_copy(score, 0, NOTE_SECOND, notes, 64), 4);
    assert_int_equal(notes[0].duration, 4000 * MS);
    assert_int_equal(notes[1].duration, 200 * MS);
    assert_int_equal(notes[2].duration, 4000 * MS);
    // Where all are low, the oldest; what ends then is none too many.
    add(score, 500 * MS, 100 * MS, 70);
    add(score, 600 * MS, 400 * MS, 72);
    score_limit(score, 400 * MS, 3, 79);
    score_copy(score, 0, NOTE_SECOND, notes, 64);
    assert_int_equal(notes[0].duration, 500 * MS);
    assert_int_equal(notes[2].duration, 4000 * MS);

    // Any music, in drafts.
    srand(3);
    for (int draft = 0; draft < 10; draft++) {
        int64_t start = (2 + draft) * NOTE_SECOND;
        for (int i = 0; i < 20; i++)
            add(score, start + rand() % 1000 * MS, (1 + rand() % 5000) * MS, 55 + rand() % 42);
        score_limit(score, start, 6, 79);
    }
    size_t count = 0;
    struct note all[512];
    count = score_copy(score, 0, 20 * NOTE_SECOND, all, 512);
    assert_true(count > 150);
    assert_int_equal(most_at_once(all, count), 6);
    // What is struck already is released as soon.
    struct score_event event;
    score_extend(score, 20 * NOTE_SECOND);
    int sounding = 0;
    while (score_take(score, 20 * NOTE_SECOND, &event)) {
        sounding += event.velocity > 0 ? 1 : -1;
        assert_in_range(sounding, 0, 6);
    }
    assert_int_equal(sounding, 0);
}

static void plays_in_order_up_to_the_horizon(void **state)
{
    struct score *score = *state;
    add(score, 200 * MS, 100 * MS, 64);
    add(score, 100 * MS, 100 * MS, 60);
    add(score, 200 * MS, NOTE_OPEN, 67);
    take_nothing(score, NOTE_SECOND, 0);
    score_extend(score, 200 * MS);
    assert_int_equal(score_horizon(score), 200 * MS);

    struct score_event event;
    assert_true(score_take(score, NOTE_SECOND, &event));
    assert_int_equal(event.time, 100 * MS);
    assert_int_equal(event.duration, 100 * MS);
    assert_int_equal(event.velocity, 64);
    take_nothing(score, 150 * MS, 150 * MS);
    // Both the release and the onsets at the horizon itself belong to what is not yet composed.
    take_nothing(score, NOTE_SECOND, 200 * MS);
    score_extend(score, 201 * MS);
    score_extend(score, 100 * MS);
    assert_int_equal(score_horizon(score), 201 * MS);
    take(score, NOTE_SECOND, 200 * MS, 60, false);
    take(score, NOTE_SECOND, 200 * MS, 64, true);
    assert_true(score_take(score, NOTE_SECOND, &event));
    assert_int_equal(event.pitch, 67);
    assert_int_equal(event.duration, 0);
    take_nothing(score, NOTE_SECOND, 201 * MS);
    take_nothing(score, 0, 201 * MS);
}

static void a_late_end_still_comes_on_time(void **state)
{
    struct score *score = *state;
    add(score, 0, NOTE_OPEN, 60);
    score_extend(score, NOTE_SECOND);
    take(score, NOTE_SECOND, 0, 60, true);
    take_nothing(score, NOTE_SECOND, NOTE_SECOND);
    // Completed after its onset was taken, before its end.
    assert_int_equal(add(score, 0, 1500 * MS, 60), 0);
    score_extend(score, 2 * NOTE_SECOND);
    take(score, 2 * NOTE_SECOND, 1500 * MS, 60, false);
    take_nothing(score, 2 * NOTE_SECOND, 2 * NOTE_SECOND);
}

static void an_end_in_the_past_is_due_at_once(void **state)
{
    struct score *score = *state;
    add(score, 0, NOTE_OPEN, 60);
    score_extend(score, 3 * NOTE_SECOND);
    take(score, NOTE_SECOND, 0, 60, true);
    take_nothing(score, NOTE_SECOND, NOTE_SECOND);
    add(score, 0, 300 * MS, 60);
    take(score, 2 * NOTE_SECOND, NOTE_SECOND, 60, false);
}

static void an_open_note_ends_after_the_longest(void **state)
{
    struct score *score = *state;
    struct note copy;
    add(score, NOTE_SECOND, NOTE_OPEN, 60);
    add(score, NOTE_SECOND, INT64_MAX - 1, 61);
    score_extend(score, 60 * NOTE_SECOND);
    take(score, 60 * NOTE_SECOND, NOTE_SECOND, 60, true);
    take(score, 60 * NOTE_SECOND, NOTE_SECOND, 61, true);
    take(score, 60 * NOTE_SECOND, NOTE_SECOND + SCORE_LONGEST_NOTE, 60, false);
    take(score, 60 * NOTE_SECOND, NOTE_SECOND + SCORE_LONGEST_NOTE, 61, false);
    take_nothing(score, 60 * NOTE_SECOND, 60 * NOTE_SECOND);
    assert_int_equal(score_copy(score, 0, 2 * NOTE_SECOND, &copy, 1), 1);
    assert_int_equal(copy.duration, SCORE_LONGEST_NOTE);
}

static void a_pitch_struck_while_it_sounds_is_released_first(void **state)
{
    struct score *score = *state;
    add(score, 0, NOTE_SECOND, 60);
    add(score, 300 * MS, 100 * MS, 60);
    score_extend(score, 5 * NOTE_SECOND);
    take(score, 5 * NOTE_SECOND, 0, 60, true);
    take(score, 5 * NOTE_SECOND, 300 * MS, 60, false);
    take(score, 5 * NOTE_SECOND, 300 * MS, 60, true);
    // The end of the first one must not end the second.
    take(score, 5 * NOTE_SECOND, 400 * MS, 60, false);
    take_nothing(score, 5 * NOTE_SECOND, 5 * NOTE_SECOND);
}

static void a_cut_ends_what_sounds_and_forgets_what_comes(void **state)
{
    struct score *score = *state;
    add(score, 0, NOTE_OPEN, 60);              // sounds, end unknown
    add(score, 100 * MS, 5 * NOTE_SECOND, 61); // sounds beyond the cut
    add(score, 1500 * MS, NOTE_OPEN, 62);      // to come, sounds over the cut
    add(score, 2000 * MS, 100 * MS, 63);       // from the cut on: gone
    score_extend(score, 4 * NOTE_SECOND);
    take(score, NOTE_SECOND, 0, 60, true);
    take(score, NOTE_SECOND, 100 * MS, 61, true);
    take_nothing(score, NOTE_SECOND, NOTE_SECOND);

    assert_int_equal(score_cut(score, NOTE_SECOND - 1), -ESTALE);
    assert_int_equal(score_horizon(score), 4 * NOTE_SECOND);
    assert_int_equal(score_cut(score, 2 * NOTE_SECOND), 0);
    assert_int_equal(score_horizon(score), 2 * NOTE_SECOND);

    // Ends that the generator tells afterwards are those of the music that was thrown away.
    add(score, 0, 3 * NOTE_SECOND, 60);
    add(score, 1500 * MS, 3 * NOTE_SECOND, 62);
    // New music begins at the cut, not before.
    add(score, 1999 * MS, 100 * MS, 70);
    add(score, 2000 * MS, 100 * MS, 71);
    score_extend(score, 5 * NOTE_SECOND);
    take(score, 5 * NOTE_SECOND, 1500 * MS, 62, true);
    take(score, 5 * NOTE_SECOND, 2000 * MS, 60, false);
    take(score, 5 * NOTE_SECOND, 2000 * MS, 61, false);
    take(score, 5 * NOTE_SECOND, 2000 * MS, 62, false);
    take(score, 5 * NOTE_SECOND, 2000 * MS, 71, true);
    take(score, 5 * NOTE_SECOND, 2100 * MS, 71, false);
    take_nothing(score, 5 * NOTE_SECOND, 5 * NOTE_SECOND);
}

static void a_cut_at_the_position_ends_what_was_just_struck(void **state)
{
    struct score *score = *state;
    struct note copies[4];
    score_extend(score, 4 * NOTE_SECOND);
    add(score, NOTE_SECOND, NOTE_OPEN, 60);
    add(score, NOTE_SECOND, NOTE_OPEN, 61);
    take(score, 2 * NOTE_SECOND, NOTE_SECOND, 60, true);
    // Position and cut are the onset's time: 60 was struck, 61 is still to come.
    assert_int_equal(score_cut(score, NOTE_SECOND), 0);
    add(score, NOTE_SECOND, 3 * NOTE_SECOND, 60);
    score_extend(score, 4 * NOTE_SECOND);
    take(score, 4 * NOTE_SECOND, NOTE_SECOND, 60, false);
    take_nothing(score, 4 * NOTE_SECOND, 4 * NOTE_SECOND);
    assert_int_equal(score_copy(score, 0, 4 * NOTE_SECOND, copies, 4), 1);
    assert_in_range(copies[0].duration, 1, MS);
}

static void a_cut_beyond_the_horizon_moves_nothing_forward(void **state)
{
    struct score *score = *state;
    score_extend(score, NOTE_SECOND);
    add(score, 3 * NOTE_SECOND, MS, 60);
    assert_int_equal(score_cut(score, 2 * NOTE_SECOND), 0);
    assert_int_equal(score_horizon(score), NOTE_SECOND);
    add(score, NOTE_SECOND, MS, 61);
    score_extend(score, 5 * NOTE_SECOND);
    take(score, 5 * NOTE_SECOND, NOTE_SECOND, 61, true);
    take(score, 5 * NOTE_SECOND, NOTE_SECOND + MS, 61, false);
    take_nothing(score, 5 * NOTE_SECOND, 5 * NOTE_SECOND);
}

static void drops_what_is_no_note(void **state)
{
    struct score *score = *state;
    const struct note wrong[] = {
        {-1, NOTE_SECOND, 60, 64},
        {0, 0, 60, 64},
        {0, -5, 60, 64},
        {0, NOTE_SECOND, 128, 64},
        {0, NOTE_SECOND, 60, 0},
        {0, NOTE_SECOND, 60, 128},
        {INT64_MAX, NOTE_SECOND, 60, 64},
        {INT64_MIN, NOTE_OPEN, 60, 64},
        {INT64_MAX - 1, NOTE_OPEN, 60, 64},
    };
    score_extend(score, NOTE_SECOND);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(score_add(score, &wrong[i]), 0);
    take_nothing(score, 500 * MS, 500 * MS);
    add(score, 499 * MS, NOTE_SECOND, 60); // before the position
    take_nothing(score, INT64_MAX, NOTE_SECOND);
    struct note copy;
    assert_int_equal(score_copy_sounding(score, INT64_MIN, INT64_MAX, &copy, 1), 0);
}

static void is_bounded_and_forgets_only_the_past(void **state)
{
    struct score *score = *state;
    for (int i = 0; i < SCORE_ROOM; i++)
        assert_int_equal(add(score, i * MS, MS, 60), 0);
    assert_int_equal(add(score, SCORE_ROOM * MS, MS, 60), -ENOSPC);
    assert_int_equal(score_add(score, &(struct note){5 * MS, MS, 61, 64}), -ENOSPC);

    // A note that sounds through while the past is forgotten several times over.
    struct score_event event;
    int64_t composed = SCORE_ROOM, played = 0;
    while (played < 10 * (int64_t)SCORE_ROOM) {
        score_extend(score, composed * MS);
        while (score_take(score, composed * MS, &event)) {
            if (event.velocity == 0)
                continue;
            assert_int_equal(event.time, played * MS);
            played++;
            assert_int_equal(add(score, composed++ * MS, MS, 60), 0);
        }
    }
    static struct note notes[4 * SCORE_ROOM];
    size_t kept = score_copy(score, 0, INT64_MAX, notes, 4 * SCORE_ROOM);
    assert_in_range(kept, SCORE_PAST - SCORE_ROOM, SCORE_PAST);
    assert_int_equal(notes[kept - 1].onset, (composed - 1) * MS);
    for (size_t i = 1; i < kept; i++)
        assert_int_equal(notes[i].onset, notes[i - 1].onset + MS);
}

static void a_forgotten_note_is_still_released(void **state)
{
    struct score *score = *state;
    struct score_event event;
    assert_int_equal(add(score, 0, NOTE_OPEN, 20), 0);
    // So dense that the note's own entry is forgotten while it sounds.
    for (int i = 0; i < 3 * SCORE_ROOM; i++) {
        int64_t onset = 1 + i / 64 * MS;
        assert_int_equal(add(score, onset, MS / 2, 30 + i % 64), 0);
        score_extend(score, onset + 1);
        while (score_take(score, INT64_MAX, &event))
            assert_true(event.velocity > 0 || event.pitch != 20);
    }
    assert_int_equal(score_cut(score, score_position(score)), 0);
    score_extend(score, NOTE_SECOND);
    bool released = false;
    while (score_take(score, INT64_MAX, &event))
        released = released || (event.pitch == 20 && event.velocity == 0);
    assert_true(released);
}

static void copies_windows(void **state)
{
    struct score *score = *state;
    struct note notes[8];
    add(score, 0, 2 * NOTE_SECOND, 60);
    add(score, 500 * MS, 500 * MS, 61);
    add(score, 800 * MS, NOTE_OPEN, 62);
    add(score, 1000 * MS, 100 * MS, 63);
    add(score, 1900 * MS, 100 * MS, 64);
    add(score, 2000 * MS, 100 * MS, 65);
    assert_int_equal(score_copy(score, NOTE_SECOND, 2 * NOTE_SECOND, notes, 8), 2);
    assert_int_equal(notes[0].pitch, 63);
    assert_int_equal(notes[1].pitch, 64);
    assert_int_equal(score_copy(score, NOTE_SECOND, 2 * NOTE_SECOND, notes, 1), 1);
    assert_int_equal(notes[0].pitch, 63);
    assert_int_equal(score_copy_sounding(score, NOTE_SECOND, 2 * NOTE_SECOND, notes, 8), 4);
    assert_int_equal(notes[0].pitch, 60);
    assert_int_equal(notes[1].pitch, 62);
    assert_int_equal(notes[1].duration, NOTE_OPEN);
    assert_int_equal(notes[3].pitch, 64);
    assert_int_equal(score_copy_sounding(score, NOTE_SECOND, 2 * NOTE_SECOND, notes, 2), 2);
    assert_int_equal(score_copy(score, 2 * NOTE_SECOND, NOTE_SECOND, notes, 8), 0);

    // Long after, what was complete is as it was; what stayed open was released.
    score_extend(score, 60 * NOTE_SECOND);
    assert_int_equal(score_copy(score, 500 * MS, NOTE_SECOND, notes, 8), 2);
    assert_int_equal(notes[0].duration, 500 * MS);
    assert_int_equal(notes[1].duration, SCORE_LONGEST_NOTE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_damped_ends_whatever_was_said_before),
        TEST(few_sound_at_once_where_that_is_asked_for),
        TEST(plays_in_order_up_to_the_horizon),
        TEST(a_late_end_still_comes_on_time),
        TEST(an_end_in_the_past_is_due_at_once),
        TEST(an_open_note_ends_after_the_longest),
        TEST(a_pitch_struck_while_it_sounds_is_released_first),
        TEST(a_cut_ends_what_sounds_and_forgets_what_comes),
        TEST(a_cut_at_the_position_ends_what_was_just_struck),
        TEST(a_cut_beyond_the_horizon_moves_nothing_forward),
        TEST(drops_what_is_no_note),
        TEST(is_bounded_and_forgets_only_the_past),
        TEST(a_forgotten_note_is_still_released),
        TEST(copies_windows),
    };
    return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
