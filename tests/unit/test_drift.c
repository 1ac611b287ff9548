// SPDX-License-Identifier: MIT
// Slow averages: what they say, how slowly, and which drafts lead away from what is human.
#include "music/drift.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS (NOTE_SECOND / 1000)
#define DRAFT 4.0
#define ROOM 512

static const struct drift_bands bands = {
    .band =
        {
            [DRIFT_DENSITY] = {{300, 900}, {450, 700}},
            [DRIFT_PACE] = {{100, 400}, {150, 300}},
            [DRIFT_REGISTER] = {{58, 70}, {60, 68}},
            [DRIFT_SPREAD] = {{1.5, 3.58}, {1.5, 3.58}},
        },
};

/** Four seconds of chords of two keys `step` apart, `per_minute` notes; returns how many. */
static size_t draft(struct note *notes, double per_minute, int pitch, int step)
{
    size_t chords = (size_t)lround(per_minute / 60 * DRAFT / 2);
    for (size_t i = 0; i < chords; i++) {
        int64_t onset = (int64_t)((double)i * DRAFT * 1e6 / (double)chords);
        int key = pitch + (int)(i % 4) * 3 - 4;
        notes[2 * i] = (struct note){onset, MS, (uint8_t)key, 64};
        notes[2 * i + 1] = (struct note){onset + 20 * MS, MS, (uint8_t)(key + step), 64};
    }
    return 2 * chords;
}

static void hear(struct drift *drift, double minutes, double per_minute, int pitch)
{
    struct note notes[ROOM];
    size_t count = draft(notes, per_minute, pitch, 1);
    for (double at = 0; at < minutes * 60; at += DRAFT)
        drift_keep(drift, notes, count, DRAFT);
}

static double judge(const struct drift *drift, double per_minute, int pitch)
{
    struct note notes[ROOM];
    return drift_judge(drift, &bands, notes, draft(notes, per_minute, pitch, 1), DRAFT);
}

static void says_what_the_music_is_like(void **state)
{
    struct drift drift;
    double figures[DRIFT_FIGURES];
    drift_init(&drift);
    assert_true(drift_measure(&drift, DRIFT_HOUR, figures) == 0);
    hear(&drift, 10, 600, 64);
    assert_true(fabs(drift_measure(&drift, DRIFT_MINUTES, figures) - 1) < 0.01);
    assert_true(fabs(figures[DRIFT_DENSITY] - 600) < 1e-6);
    // 300 chords a minute, not 600 notes.
    assert_true(fabs(figures[DRIFT_PACE] - 200) < 1e-6);
    assert_true(fabs(figures[DRIFT_REGISTER] - 65) < 1e-6);
    // Eight pitch classes, each as often as the others.
    assert_true(fabs(figures[DRIFT_SPREAD] - 3) < 1e-6);
}

static void forgets_half_in_its_time(void **state)
{
    struct drift drift;
    double figures[DRIFT_FIGURES];
    drift_init(&drift);
    hear(&drift, 600, 600, 60);
    hear(&drift, 10, 600, 70);
    drift_measure(&drift, DRIFT_MINUTES, figures);
    assert_true(fabs(figures[DRIFT_REGISTER] - 66) < 0.1);
    drift_measure(&drift, DRIFT_HOUR, figures);
    assert_true(fabs(figures[DRIFT_REGISTER] - (61 + 10 * (1 - exp2(-1.0 / 6)))) < 0.1);
}

static void refuses_what_leads_away_and_keeps_what_leads_back(void **state)
{
    struct drift drift;
    drift_init(&drift);
    hear(&drift, 20, 600, 64);
    assert_true(judge(&drift, 600, 64) == 0);
    // One wild draft is none of its business.
    assert_true(judge(&drift, 1200, 90) == 0);
    assert_true(judge(&drift, 0, 64) == 0);
    // Ever thinner.
    hear(&drift, 30, 150, 64);
    assert_true(judge(&drift, 90, 64) > 0);
    assert_true(judge(&drift, 600, 64) == 0);
    // Ever higher.
    drift_init(&drift);
    hear(&drift, 30, 600, 74);
    assert_true(judge(&drift, 600, 80) > 0);
    assert_true(judge(&drift, 600, 60) == 0);
    // Ever faster, and crowded as well.
    drift_init(&drift);
    hear(&drift, 30, 1500, 64);
    assert_true(judge(&drift, 1800, 64) > 0);
    assert_true(judge(&drift, 600, 64) == 0);
}

static void one_key_for_ever_is_drift(void **state)
{
    struct drift drift;
    struct note notes[ROOM];
    size_t count = draft(notes, 600, 64, 12);
    for (size_t i = 0; i < count; i++)
        notes[i].pitch = i % 2 ? 60 : 67;
    drift_init(&drift);
    for (int i = 0; i < 200; i++)
        drift_keep(&drift, notes, count, DRAFT);
    notes[0].pitch = 62;
    assert_true(drift_judge(&drift, &bands, notes, count, DRAFT) == 0);
    for (size_t i = 0; i < count; i++)
        notes[i].pitch = 60;
    assert_true(drift_judge(&drift, &bands, notes, count, DRAFT) > 0);
}

static void waits_until_it_has_heard_enough(void **state)
{
    struct drift drift;
    drift_init(&drift);
    hear(&drift, 9.9, 150, 64);
    assert_true(judge(&drift, 90, 64) == 0);
    hear(&drift, 0.2, 150, 64);
    assert_true(judge(&drift, 90, 64) > 0);
    // The hour has narrower bands, and its own time.
    drift_init(&drift);
    hear(&drift, 61, 600, 64);
    hear(&drift, 40, 300, 64);
    assert_true(judge(&drift, 280, 64) == 0);
    hear(&drift, 150, 300, 64);
    assert_true(judge(&drift, 280, 64) > 0);
    assert_true(judge(&drift, 600, 64) == 0);
}

/** A net that plays thinner than the composer from the first may do so, but no thinner still. */
static void character_is_no_drift(void **state)
{
    struct drift drift;
    drift_init(&drift);
    hear(&drift, 59, 340, 64);
    assert_true(judge(&drift, 310, 64) == 0);
    hear(&drift, 600, 340, 64);
    assert_true(judge(&drift, 310, 64) == 0);
    hear(&drift, 400, 260, 64);
    assert_true(judge(&drift, 250, 64) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_the_music_is_like),
        cmocka_unit_test(forgets_half_in_its_time),
        cmocka_unit_test(refuses_what_leads_away_and_keeps_what_leads_back),
        cmocka_unit_test(one_key_for_ever_is_drift),
        cmocka_unit_test(waits_until_it_has_heard_enough),
        cmocka_unit_test(character_is_no_drift),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
