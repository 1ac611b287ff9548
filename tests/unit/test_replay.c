// SPDX-License-Identifier: MIT
// Music when no net makes any: varied, never far from what was played, and never silent.
#include "music/replay.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "music/score.h"
#include "music/seedbook.h"

#define S NOTE_SECOND
#define ROOM 32768

static struct replay *replay;
static struct score *score;
static struct note notes[ROOM];

static int begin(void **state)
{
    replay = malloc(sizeof *replay);
    assert_non_null(replay);
    replay_init(replay, 5);
    return score_new(&score);
}

static int end(void **state)
{
    free(replay);
    score_free(score);
    return 0;
}

/** `seconds` of music in the score, from its horizon on: a rising line from 48 to 72, again and
 * again, of five notes a second. */
static void compose(int seconds)
{
    int64_t from = score_horizon(score);
    for (int i = 0; i < seconds * 5; i++) {
        struct note note = {from + i * S / 5, S / 4, (uint8_t)(48 + i % 25), 70};
        assert_int_equal(score_add(score, &note), 0);
    }
    score_extend(score, from + seconds * S);
}

/** Plays what is composed, so that there is room. */
static void play_all(void)
{
    struct score_event event;
    while (score_take(score, score_horizon(score), &event))
        ;
}

/** Has the replay go on for `seconds`, and puts it into the score as a lane does; returns how many
 * notes there were, with times in the score. */
static size_t relieve(int seconds, const struct seedbook *book, enum replay_source source)
{
    size_t all = 0;
    for (int i = 0; i < seconds / 4; i++) {
        int64_t horizon = score_horizon(score);
        size_t count;
        enum replay_source from = replay_play(replay, score, horizon, book, "bach", 4 * S,
                                              notes + all, ROOM - all, &count);
        assert_int_equal(from, source);
        for (size_t k = all; k < all + count; k++) {
            assert_true(notes[k].onset >= 0 && notes[k].onset < 4 * S);
            notes[k].onset += horizon;
            assert_int_equal(score_add(score, &notes[k]), 0);
        }
        all += count;
        score_extend(score, horizon + 4 * S);
        play_all();
    }
    return all;
}

static int64_t longest_gap(size_t count)
{
    int64_t longest = 0;
    for (size_t i = 1; i < count; i++) {
        assert_true(notes[i].onset >= notes[i - 1].onset);
        if (notes[i].onset - notes[i - 1].onset > longest)
            longest = notes[i].onset - notes[i - 1].onset;
    }
    return longest;
}

static void test_what_was_played_is_played_again_otherwise(void **state)
{
    compose(120);
    play_all();
    size_t count = relieve(60, NULL, REPLAY_KEPT);
    assert_true(count > 60 * 3 && count < 60 * 6);
    assert_true(longest_gap(count) < 3 * S / 2);
    assert_true(notes[0].onset == 120 * S);

    // Steps within a phrase are those of the line; where a phrase begins they are not, and no
    // phrase is where the line was, in pitch or pace.
    size_t phrases = 0, steps = 0, paced = 0;
    for (size_t i = 1; i < count; i++) {
        int step = notes[i].pitch - notes[i - 1].pitch;
        bool goes_on = (step == 1 || step == -24) && notes[i].onset - notes[i - 1].onset < S / 4;
        steps += goes_on;
        phrases += !goes_on;
        paced += goes_on && notes[i].onset - notes[i - 1].onset != S / 5;
    }
    assert_true(paced > steps / 2);
    assert_true(phrases >= 3 && phrases <= 20);
    assert_true(steps + phrases + 1 == count && steps > 8 * phrases);
}

static void test_it_goes_on_for_hours_and_stays_itself(void **state)
{
    compose(300);
    play_all();
    for (int hour = 0; hour < 2; hour++) {
        size_t count = relieve(3600, NULL, REPLAY_KEPT);
        double sum = 0, lowest = 127, highest = 0;
        for (size_t i = 0; i < count; i++) {
            sum += notes[i].pitch;
            lowest = fmin(lowest, notes[i].pitch);
            highest = fmax(highest, notes[i].pitch);
        }
        assert_true(fabs(sum / (double)count - 60) < 1.5);
        assert_true(lowest >= 44 && highest <= 76); // four semitones from the line's ends
        double minute = (double)count / 60;
        assert_true(minute > 200 && minute < 330);
        assert_true(longest_gap(count) < 3 * S / 2);
    }
}

static void test_new_music_is_taken_in_and_replays_are_not(void **state)
{
    compose(60);
    play_all();
    relieve(600, NULL, REPLAY_KEPT); // all of the score is replay now
    replay_end(replay, score_horizon(score));
    for (int i = 0; i < 8 * 5; i++) { // too little to choose from: the phrases of before
        struct note note = {score_horizon(score) + i * S / 5, S / 4, (uint8_t)(90 + i % 7), 70};
        score_add(score, &note);
    }
    score_extend(score, score_horizon(score) + 8 * S);
    play_all();
    size_t count = relieve(60, NULL, REPLAY_KEPT);
    assert_true(longest_gap(count) < 3 * S / 2);
    for (size_t i = 0; i < count; i++)
        assert_true(notes[i].pitch <= 76);
    replay_end(replay, score_horizon(score));

    for (int i = 0; i < 60 * 5; i++) { // another line, of other pitches
        struct note note = {score_horizon(score) + i * S / 5, S / 4, (uint8_t)(90 + i % 7), 70};
        score_add(score, &note);
    }
    score_extend(score, score_horizon(score) + 60 * S);
    play_all();
    count = relieve(60, NULL, REPLAY_KEPT);
    for (size_t i = 0; i < count; i++)
        assert_true(notes[i].pitch >= 86);
}

static void test_silences_are_not_played_again(void **state)
{
    for (int i = 0; i < 20; i++) {
        compose(9);
        score_extend(score, score_horizon(score) + 4 * S);
    }
    play_all();
    assert_true(longest_gap(relieve(300, NULL, REPLAY_KEPT)) < 3 * S / 2);
}

static void test_human_phrases_where_there_is_nothing_else(void **state)
{
    char path[] = "/tmp/fermata-replay-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    for (int phrase = 0; phrase < 2; phrase++) {
        fprintf(out, "phrase bach %d\n", phrase);
        for (int i = 0; i < 30; i++)
            fprintf(out, "%d 300 %d 64\n", i * 333, 40 + 30 * phrase + i % 5);
        fputc('\n', out);
    }
    fclose(out);
    struct seedbook *book;
    assert_int_equal(seedbook_new(path, &book), 0);
    remove(path);
    size_t count = relieve(120, book, REPLAY_HUMAN);
    assert_true(count > 120 * 2);
    assert_true(longest_gap(count) < 3 * S / 2);
    bool low = false, high = false, moved = false;
    for (size_t i = 0; i < count; i++) {
        low = low || notes[i].pitch < 50;
        high = high || notes[i].pitch > 60;
        moved = moved || notes[i].pitch < 40 || notes[i].pitch > 74;
    }
    assert_true(low && high && moved);

    // There was music of the channel's own: it goes first.
    replay_end(replay, score_horizon(score));
    compose(60);
    play_all();
    relieve(8, book, REPLAY_KEPT);
    seedbook_free(book);
}

static void test_nothing_is_nothing(void **state)
{
    size_t count = 7;
    assert_int_equal(replay_play(replay, score, 0, NULL, "bach", 4 * S, notes, ROOM, &count),
                     REPLAY_NOTHING);
    assert_int_equal(count, 0);
}

static void test_the_seed_decides(void **state)
{
    static struct note first[ROOM];
    compose(120);
    play_all();
    size_t room = 0, count;
    for (int i = 0; i < 3; i++) {
        replay_init(replay, i == 1 ? 6 : 5);
        replay_play(replay, score, 120 * S, NULL, "bach", 30 * S, notes, ROOM, &count);
        bool same = i > 0 && count == room;
        for (size_t k = 0; same && k < count; k++)
            same = notes[k].onset == first[k].onset && notes[k].pitch == first[k].pitch;
        assert_true(i == 0 || same == (i == 2));
        for (size_t k = 0; i == 0 && k < count; k++)
            first[k] = notes[k];
        room = i == 0 ? count : room;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_was_played_is_played_again_otherwise, begin, end),
        cmocka_unit_test_setup_teardown(test_it_goes_on_for_hours_and_stays_itself, begin, end),
        cmocka_unit_test_setup_teardown(test_new_music_is_taken_in_and_replays_are_not, begin, end),
        cmocka_unit_test_setup_teardown(test_silences_are_not_played_again, begin, end),
        cmocka_unit_test_setup_teardown(test_human_phrases_where_there_is_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_is_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_the_seed_decides, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
