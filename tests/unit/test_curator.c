// SPDX-License-Identifier: MIT
// The curator: what it refuses and keeps, and what it promises.
#include "music/curator.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS (NOTE_SECOND / 1000)
#define ROOM 8192

static const struct curator_bounds chopin = {
    .notes_per_minute = {156, 216, 588, 1122, 1236},
    .sounding = {2.8, 3.5, 5.7, 9.2, 10.7},
    .register_ = {41, 65, 88},
};

/** Evenly spaced notes going through a scale of `keys` keys; returns how many. */
static size_t scale(struct note *notes, int64_t from, int64_t to, double per_minute, int lowest,
                    int keys, int64_t duration)
{
    size_t count = 0;
    for (double at = (double)from; at < (double)to; at += 60e6 / per_minute) {
        notes[count] = (struct note){(int64_t)at, duration, (uint8_t)(lowest + count % keys), 64};
        count++;
    }
    return count;
}

static enum curator_verdict judge_density(double before, double per_minute, int64_t length)
{
    static struct note notes[ROOM];
    struct curator curator;
    curator_init(&curator, &chopin, 0);
    curator.notes_per_minute = before;
    size_t count = per_minute > 0 ? scale(notes, 0, length, per_minute, 50, 24, 200 * MS) : 0;
    double badness = -1;
    enum curator_verdict verdict = curator_judge(&curator, notes, count, 0, length, &badness);
    assert_true(verdict == CURATOR_KEEP ? badness == 0 : badness > 0);
    return verdict;
}

static void keeps_what_a_composer_writes(void **state)
{
    for (int i = 0; i < 5; i++) {
        double usual = chopin.notes_per_minute[i];
        for (int64_t length = NOTE_SECOND; length <= 16 * NOTE_SECOND; length *= 2)
            assert_int_equal(judge_density(usual, usual, length), CURATOR_KEEP);
    }
}

static void refuses_what_thins_out(void **state)
{
    // Half the 5th percentile is 78 onsets a minute.
    assert_int_equal(judge_density(90, 90, 8 * NOTE_SECOND), CURATOR_KEEP);
    assert_int_equal(judge_density(70, 70, 8 * NOTE_SECOND), CURATOR_THIN);
    // What came before counts: a thin bar after a dense page is a breath.
    assert_int_equal(judge_density(588, 70, 8 * NOTE_SECOND), CURATOR_KEEP);
    // And after a thin page a draft that is dense enough is the cure.
    assert_int_equal(judge_density(10, 200, 2 * NOTE_SECOND), CURATOR_KEEP);
}

static void the_floor_is_never_below_twenty(void **state)
{
    struct curator_bounds sparse = chopin;
    sparse.notes_per_minute[0] = 0;
    struct curator curator;
    struct note notes[ROOM];
    curator_init(&curator, &sparse, 0);
    // An onset every 2.9 s is no gap yet, but 20.7 a minute; one every 2.4 s is 25.
    size_t count = scale(notes, 2400 * MS, 58 * NOTE_SECOND, 25, 50, 24, MS);
    curator.notes_per_minute = 25;
    assert_int_equal(curator_judge(&curator, notes, count, 0, 58 * NOTE_SECOND, NULL),
                     CURATOR_KEEP);
    // The same notes in a draft twice as long, and everything before it as dry.
    curator.notes_per_minute = 15;
    assert_int_equal(curator_judge(&curator, notes, 1, 0, 4 * NOTE_SECOND, NULL), CURATOR_THIN);
}

static void refuses_a_crowd_and_a_burst(void **state)
{
    // 1.6 times the 95th percentile is 1978 a minute.
    assert_int_equal(judge_density(1900, 1900, 8 * NOTE_SECOND), CURATOR_KEEP);
    assert_int_equal(judge_density(2100, 2100, 8 * NOTE_SECOND), CURATOR_CROWDED);
    // A cadenza after calm music is let pass, an explosion is not.
    assert_int_equal(judge_density(588, 2500, NOTE_SECOND), CURATOR_KEEP);
    assert_int_equal(judge_density(588, 4500, NOTE_SECOND), CURATOR_CROWDED);
    // After a crowded page, calm is the cure.
    assert_int_equal(judge_density(5000, 600, NOTE_SECOND), CURATOR_KEEP);
}

static enum curator_verdict judge_onsets(int64_t last, const int64_t *onsets, size_t count,
                                         int64_t from, int64_t to, double *ret_badness)
{
    struct curator curator;
    struct note notes[16];
    curator_init(&curator, &chopin, last);
    for (size_t i = 0; i < count; i++)
        notes[i] = (struct note){onsets[i], 100 * MS, (uint8_t)(60 + i), 64};
    return curator_judge(&curator, notes, count, from, to, ret_badness);
}

static void refuses_silence_wherever_it_lies(void **state)
{
    const int64_t from = 10 * NOTE_SECOND;
    double small, big;
    // Before the first onset, counted from the last kept one.
    assert_int_equal(judge_onsets(8 * NOTE_SECOND, (int64_t[]){11 * NOTE_SECOND}, 1, from,
                                  12 * NOTE_SECOND, NULL),
                     CURATOR_KEEP);
    assert_int_equal(judge_onsets(8 * NOTE_SECOND, (int64_t[]){11 * NOTE_SECOND + MS}, 1, from,
                                  12 * NOTE_SECOND, &small),
                     CURATOR_THIN);
    assert_true(small > 0);
    // Inside.
    assert_int_equal(judge_onsets(from, (int64_t[]){from, from + 3 * NOTE_SECOND}, 2, from,
                                  from + 4 * NOTE_SECOND, NULL),
                     CURATOR_KEEP);
    assert_int_equal(judge_onsets(from, (int64_t[]){from, from + 3 * NOTE_SECOND + MS}, 2, from,
                                  from + 4 * NOTE_SECOND, &small),
                     CURATOR_THIN);
    // At the end, where half a second is kept back for the next draft.
    assert_int_equal(judge_onsets(from, (int64_t[]){from}, 1, from, from + 2500 * MS, NULL),
                     CURATOR_KEEP);
    assert_int_equal(judge_onsets(from, (int64_t[]){from}, 1, from, from + 2501 * MS, NULL),
                     CURATOR_THIN);
    // No onset at all; and the longer the silence, the worse.
    assert_int_equal(judge_onsets(from, NULL, 0, from, from + 8 * NOTE_SECOND, &big), CURATOR_THIN);
    assert_true(big > small);
    assert_int_equal(judge_onsets(from, NULL, 0, from, from + NOTE_SECOND, NULL), CURATOR_KEEP);
}

static void a_broken_promise_can_be_mended(void **state)
{
    // The last onset is 20 s ago because a silent draft had to be played.
    const int64_t from = 30 * NOTE_SECOND, soon = from + 400 * MS, late = from + 600 * MS;
    assert_int_equal(judge_onsets(10 * NOTE_SECOND, &soon, 1, from, from + NOTE_SECOND, NULL),
                     CURATOR_KEEP);
    assert_int_equal(judge_onsets(10 * NOTE_SECOND, &late, 1, from, from + NOTE_SECOND, NULL),
                     CURATOR_THIN);
}

static void refuses_a_hammered_key(void **state)
{
    struct curator curator;
    struct note notes[ROOM];
    curator_init(&curator, &chopin, 0);
    // 8 of 12 onsets on one key; then 7 of 12; then 8 of 11.
    size_t count = scale(notes, 0, 2 * NOTE_SECOND, 360, 50, 24, 100 * MS);
    assert_int_equal(count, 12);
    for (int i = 0; i < 8; i++)
        notes[i].pitch = 40;
    double badness;
    assert_int_equal(curator_judge(&curator, notes, 12, 0, 2 * NOTE_SECOND, &badness),
                     CURATOR_STUCK);
    assert_true(badness > 1);
    assert_int_equal(curator_judge(&curator, notes, 11, 0, 2 * NOTE_SECOND, NULL), CURATOR_KEEP);
    notes[7].pitch = 50;
    assert_int_equal(curator_judge(&curator, notes, 12, 0, 2 * NOTE_SECOND, NULL), CURATOR_KEEP);
}

static void refuses_a_draft_full_of_tremolo(void **state)
{
    struct curator curator;
    struct note notes[ROOM];
    curator_init(&curator, &chopin, 0);
    // 24 of 26 notes in a row on three keys; then 23; then on four.
    size_t count = scale(notes, 0, 4 * NOTE_SECOND, 390, 60, 3, 100 * MS);
    assert_int_equal(count, 26);
    notes[0].pitch = 40;
    notes[1].pitch = 45;
    assert_int_equal(curator_judge(&curator, notes, count, 0, 4 * NOTE_SECOND, NULL),
                     CURATOR_STUCK);
    notes[2].pitch = 40;
    assert_int_equal(curator_judge(&curator, notes, count, 0, 4 * NOTE_SECOND, NULL), CURATOR_KEEP);
    scale(notes, 0, 4 * NOTE_SECOND, 390, 60, 4, 100 * MS);
    assert_int_equal(curator_judge(&curator, notes, count, 0, 4 * NOTE_SECOND, NULL), CURATOR_KEEP);
}

static void hears_hammering_over_many_short_drafts(void **state)
{
    struct curator curator;
    curator_init(&curator, &chopin, 0);
    int64_t at = 0;
    enum curator_verdict verdict = CURATOR_KEEP;
    struct note notes[8];
    while (verdict == CURATOR_KEEP && at < 10 * NOTE_SECOND) {
        size_t count = scale(notes, at, at + NOTE_SECOND, 240, 60, 1, 100 * MS);
        verdict = curator_judge(&curator, notes, count, at, at + NOTE_SECOND, NULL);
        if (verdict == CURATOR_KEEP)
            curator_keep(&curator, notes, count, at, at + NOTE_SECOND);
        at += NOTE_SECOND;
    }
    // Twelve onsets, a little more because they fade.
    assert_int_equal(verdict, CURATOR_STUCK);
    assert_in_range(at, 3 * NOTE_SECOND, 6 * NOTE_SECOND);
    // One that turns to other keys is kept.
    size_t count = scale(notes, at, at + NOTE_SECOND, 240, 61, 4, 100 * MS);
    assert_int_equal(curator_judge(&curator, notes, count, at, at + NOTE_SECOND, NULL),
                     CURATOR_KEEP);
}

static void refuses_a_held_cluster(void **state)
{
    struct curator curator;
    struct note notes[40];
    curator_init(&curator, &chopin, 0);
    // All at once, every key but the ends held, which is 36 of 32.1 pitches; then let go earlier.
    for (int i = 0; i < 36; i++)
        notes[i] = (struct note){0, i % 2 ? NOTE_OPEN : 9 * NOTE_SECOND, (uint8_t)(40 + i), 64};
    assert_int_equal(curator_judge(&curator, notes, 36, 0, 2 * NOTE_SECOND, NULL), CURATOR_STUCK);
    for (int i = 0; i < 36; i++)
        notes[i].duration = NOTE_SECOND;
    assert_int_equal(curator_judge(&curator, notes, 36, 0, 2 * NOTE_SECOND, NULL), CURATOR_KEEP);
}

static void remembers_about_twenty_seconds(void **state)
{
    struct curator curator;
    struct note notes[ROOM];
    curator_init(&curator, &chopin, 0);
    assert_true(curator.notes_per_minute == chopin.notes_per_minute[2]);
    // However the time is cut into drafts, what is remembered is the same.
    struct curator coarse = curator;
    size_t count = scale(notes, 0, 20 * NOTE_SECOND, 120, 50, 24, MS);
    curator_keep(&coarse, notes, count, 0, 20 * NOTE_SECOND);
    for (int i = 0; i < 20; i++)
        curator_keep(&curator, notes + (size_t)i * 2, 2, i * NOTE_SECOND, (i + 1) * NOTE_SECOND);
    assert_true(fabs(curator.notes_per_minute - coarse.notes_per_minute) < 1e-6);
    assert_true(fabs(curator.notes_per_minute - (120 + (588 - 120) * exp(-1))) < 1);
    assert_int_equal(curator.last_onset, notes[count - 1].onset);
    curator_keep(&curator, &(struct note){20 * NOTE_SECOND + MS, MS, 60, 64}, 1, 20 * NOTE_SECOND,
                 21 * NOTE_SECOND);
    assert_int_equal(curator.last_onset, 20 * NOTE_SECOND + MS);
    // Silence changes no last onset, but lets what was heard fade.
    float heard = curator.heard[60];
    assert_true(heard > 1);
    curator_keep(&curator, NULL, 0, 21 * NOTE_SECOND, 41 * NOTE_SECOND);
    assert_int_equal(curator.last_onset, 20 * NOTE_SECOND + MS);
    assert_true(fabsf(curator.heard[60] - heard * expf(-1)) < 1e-3F);
    curator_cut(&curator, 15 * NOTE_SECOND, 14500 * MS);
    assert_int_equal(curator.last_onset, 14500 * MS);
    curator_cut(&curator, 15 * NOTE_SECOND, 20 * NOTE_SECOND);
    assert_int_equal(curator.last_onset, 15 * NOTE_SECOND);
}

static size_t random_draft(struct note *notes, int64_t from, int64_t to)
{
    size_t count = 0;
    // Every kind of net: from dead silent to dense, with rests of any length.
    int64_t mean = (int64_t[]){50, 700, 1500, 4000, 8000}[rand() % 5] * MS;
    for (int64_t at = from + rand() % mean; at < to; at += 1 + rand() % (2 * mean))
        notes[count++] = (struct note){at, 100 * MS, (uint8_t)(40 + rand() % 40), 64};
    return count;
}

static void what_it_keeps_has_no_gap(void **state)
{
    static struct note notes[ROOM];
    for (unsigned seed = 1; seed <= 30; seed++) {
        srand(seed);
        struct curator curator;
        curator_init(&curator, &chopin, 0);
        int64_t at = 0, last = 0, longest = 0;
        int refused = 0, kept = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t to = at + (1 + rand() % 8) * (NOTE_SECOND / 2);
            size_t count = random_draft(notes, at, to);
            if (curator_judge(&curator, notes, count, at, to, NULL) != CURATOR_KEEP) {
                refused++;
                continue;
            }
            kept++;
            curator_keep(&curator, notes, count, at, to);
            for (size_t n = 0; n < count; n++) {
                longest = notes[n].onset - last > longest ? notes[n].onset - last : longest;
                last = notes[n].onset;
            }
            at = to;
        }
        // It does keep and refuse both, and never runs into a corner from which nothing is kept.
        assert_true(kept > 200 && refused > 200);
        assert_in_range(longest, NOTE_SECOND, CURATOR_LONGEST_GAP);
    }
}

static void chooses_the_window_most_like_the_composer(void **state)
{
    static struct note notes[ROOM];
    struct curator curator;
    int64_t start = -1;
    curator_init(&curator, &chopin, 0);
    // Twenty seconds each: too thin, as usual, crowded, as usual but far too high, a gap in it.
    size_t count = scale(notes, 0, 20 * NOTE_SECOND, 60, 55, 20, MS);
    count += scale(notes + count, 20 * NOTE_SECOND, 40 * NOTE_SECOND, 588, 55, 20, MS);
    count += scale(notes + count, 40 * NOTE_SECOND, 60 * NOTE_SECOND, 1800, 55, 20, MS);
    count += scale(notes + count, 60 * NOTE_SECOND, 80 * NOTE_SECOND, 588, 98, 20, MS);
    count += scale(notes + count, 80 * NOTE_SECOND, 84 * NOTE_SECOND, 588, 55, 20, MS);
    count += scale(notes + count, 86 * NOTE_SECOND, 90 * NOTE_SECOND, 588, 55, 20, MS);
    assert_int_equal(
        curator_best_window(&curator, notes, count, 0, 90 * NOTE_SECOND, 8 * NOTE_SECOND, &start),
        0);
    assert_in_range(start, 19 * NOTE_SECOND, 33 * NOTE_SECOND);
    // On the grid of frames before the end, wherever that lies.
    const int64_t end = 90 * NOTE_SECOND - 13 * MS;
    assert_int_equal(
        curator_best_window(&curator, notes, count, 0, end, 8 * NOTE_SECOND + 1, &start), 0);
    assert_int_equal((end - start) % (50 * MS), 0);

    // Each fault alone spoils a window: too thin, crowded, too high, too low, with a gap.
    struct {
        double per_minute;
        int lowest;
        int64_t rest;
        int rc;
    } const cases[] = {
        {588, 55, 0, 0},         {60, 55, 0, -ENOENT},  {1800, 55, 0, -ENOENT},
        {588, 85, 0, -ENOENT},   {588, 20, 0, -ENOENT}, {588, 55, 1600 * MS, -ENOENT},
        {588, 55, 1300 * MS, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t some =
            scale(notes, 0, 4 * NOTE_SECOND, cases[i].per_minute, cases[i].lowest, 20, MS);
        some += scale(notes + some, 4 * NOTE_SECOND + cases[i].rest, 8 * NOTE_SECOND,
                      cases[i].per_minute, cases[i].lowest, 20, MS);
        assert_int_equal(
            curator_best_window(&curator, notes, some, 0, 8 * NOTE_SECOND, 8 * NOTE_SECOND, &start),
            cases[i].rc);
    }

    // Too little music, none at all, a window that is none.
    start = 77;
    count = scale(notes, 0, 40 * NOTE_SECOND, 588, 55, 20, MS);
    assert_int_equal(curator_best_window(&curator, notes, count, 30 * NOTE_SECOND, 37 * NOTE_SECOND,
                                         8 * NOTE_SECOND, &start),
                     -ENOENT);
    assert_int_equal(
        curator_best_window(&curator, NULL, 0, 0, 90 * NOTE_SECOND, NOTE_SECOND, &start), -ENOENT);
    assert_int_equal(curator_best_window(&curator, notes, count, 0, 90 * NOTE_SECOND, 0, &start),
                     -ENOENT);
    assert_int_equal(
        curator_best_window(&curator, notes, count, 0, 30 * NOTE_SECOND, -5 * NOTE_SECOND, &start),
        -ENOENT);
    assert_int_equal(start, 77);
}

static void among_equals_chooses_the_latest(void **state)
{
    static struct note notes[ROOM];
    struct curator curator;
    int64_t start;
    curator_init(&curator, &chopin, 0);
    // 600 a minute over a 5-key scale: each window of 8 s is like all others.
    size_t count = scale(notes, 0, 60 * NOTE_SECOND, 600, 62, 5, MS);
    assert_int_equal(
        curator_best_window(&curator, notes, count, 0, 60 * NOTE_SECOND, 8 * NOTE_SECOND, &start),
        0);
    assert_int_equal(start, 52 * NOTE_SECOND);
    // One key hammered at the end is passed over.
    for (size_t i = 0; i < count; i++)
        if (notes[i].onset >= 50 * NOTE_SECOND)
            notes[i].pitch = 64;
    assert_int_equal(
        curator_best_window(&curator, notes, count, 0, 60 * NOTE_SECOND, 8 * NOTE_SECOND, &start),
        0);
    assert_in_range(start, 42 * NOTE_SECOND, 48 * NOTE_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_a_composer_writes),
        cmocka_unit_test(refuses_what_thins_out),
        cmocka_unit_test(the_floor_is_never_below_twenty),
        cmocka_unit_test(refuses_a_crowd_and_a_burst),
        cmocka_unit_test(refuses_silence_wherever_it_lies),
        cmocka_unit_test(a_broken_promise_can_be_mended),
        cmocka_unit_test(refuses_a_hammered_key),
        cmocka_unit_test(refuses_a_draft_full_of_tremolo),
        cmocka_unit_test(hears_hammering_over_many_short_drafts),
        cmocka_unit_test(refuses_a_held_cluster),
        cmocka_unit_test(remembers_about_twenty_seconds),
        cmocka_unit_test(what_it_keeps_has_no_gap),
        cmocka_unit_test(chooses_the_window_most_like_the_composer),
        cmocka_unit_test(among_equals_chooses_the_latest),
    };
    return cmocka_run_group_tests_name("curator", tests, NULL, NULL);
}
