// SPDX-License-Identifier: MIT
// What a stream is measured by: silences, onset gaps, means, and runs that are heard again.
#include "music/gauge.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "music/score.h"

#define MS (NOTE_SECOND / 1000)
#define MINUTE (60 * NOTE_SECOND)

static int make(void **state)
{
    struct gauge *gauge;
    if (gauge_new(&gauge) < 0)
        return -1;
    *state = gauge;
    return 0;
}

static int drop(void **state)
{
    gauge_free(*state);
    return 0;
}

static void strike(struct gauge *gauge, int64_t at, uint8_t pitch)
{
    struct score_event event = {.time = at, .duration = MS, .pitch = pitch, .velocity = 80};
    gauge_hear(gauge, &event);
}

static void release(struct gauge *gauge, int64_t at, uint8_t pitch)
{
    struct score_event event = {.time = at, .pitch = pitch};
    gauge_hear(gauge, &event);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void test_nothing_is_one_silence(void **state)
{
    struct gauge_reading reading;
    gauge_read(*state, MINUTE, &reading);
    assert_int_equal(reading.notes, 0);
    assert_true(near(reading.silence, 60) && near(reading.onset_gap, 60));
    assert_int_equal(reading.silence_at, 0);
    assert_true(near(reading.register_, 0) && near(reading.entropy, 0));
    gauge_read(*state, 2 * MINUTE, &reading); // it goes on, and is longer
    assert_true(near(reading.silence, 120));
}

static void test_a_held_note_is_no_silence_but_a_gap(void **state)
{
    struct gauge_reading reading;
    strike(*state, 1 * NOTE_SECOND, 60);
    release(*state, 9 * NOTE_SECOND, 60);
    strike(*state, 12 * NOTE_SECOND, 64);
    release(*state, 59 * NOTE_SECOND, 64);
    gauge_read(*state, MINUTE, &reading);
    assert_true(near(reading.silence, 3));
    assert_int_equal(reading.silence_at, 9 * NOTE_SECOND);
    assert_true(near(reading.onset_gap, 48));
    assert_true(near(reading.sounding, 55.0 / 60));
    assert_true(near(reading.register_, 62) && near(reading.velocity, 80));
    assert_true(near(reading.entropy, 1));
}

static void test_silence_begins_when_the_last_key_is_let_go(void **state)
{
    struct gauge_reading reading;
    strike(*state, 0, 60);
    strike(*state, 0, 64);
    release(*state, 1 * NOTE_SECOND, 60);
    release(*state, 1 * NOTE_SECOND, 60); // of a key that is up already
    release(*state, 4 * NOTE_SECOND, 64);
    strike(*state, 5 * NOTE_SECOND, 64);
    gauge_read(*state, 6 * NOTE_SECOND, &reading);
    assert_true(near(reading.silence, 1));
    assert_true(near(reading.sounding, (1 + 4 + 1) / 6.0));
    gauge_read(*state, 8 * NOTE_SECOND, &reading); // a reading of its own, the key still down
    assert_int_equal(reading.notes, 0);
    assert_true(near(reading.silence, 0) && near(reading.sounding, 1));
    assert_true(near(reading.onset_gap, 3));
}

/** So many single notes, `step` apart, of a walk that `seed` alone decides; returns the end. */
static int64_t walk(struct gauge *gauge, int64_t at, int count, unsigned seed, int shift)
{
    for (int i = 0; i < count; i++, at += 200 * MS) {
        seed = seed * 1664525 + 1013904223;
        uint8_t pitch = (uint8_t)(40 + (seed >> 16) % 40 + shift);
        strike(gauge, at, pitch);
        release(gauge, at + 100 * MS, pitch);
    }
    return at;
}

static void test_a_run_heard_again_is_a_repeat_at_any_pitch(void **state)
{
    struct gauge_reading reading;
    int64_t at = walk(*state, 0, 100, 1, 0);
    at = walk(*state, at, 100, 2, 0);
    gauge_read(*state, at, &reading);
    assert_int_equal(reading.runs, 200 - GAUGE_RUN); // the last note is still a chord in the making
    assert_int_equal(reading.repeated, 0);
    at = walk(*state, at, 100, 1, 5);
    walk(*state, at, 1, 3, 0);
    gauge_read(*state, at + NOTE_SECOND, &reading);
    assert_int_equal(reading.runs, 101);
    // The transposed hundred notes hold 85 runs; the others begin in the music before them.
    assert_int_equal(reading.repeated, 100 - GAUGE_RUN + 1);
}

static void test_half_an_hour_is_remembered_and_no_more(void **state)
{
    struct gauge_reading reading;
    walk(*state, 0, 50, 1, 0);
    int64_t later = GAUGE_MEMORY - NOTE_SECOND;
    walk(*state, later, 51, 1, 0);
    gauge_read(*state, later + MINUTE, &reading);
    assert_int_equal(reading.repeated, 50 - GAUGE_RUN + 1);
    walk(*state, later + GAUGE_MEMORY + MINUTE, 51, 1, 0);
    gauge_read(*state, later + GAUGE_MEMORY + 2 * MINUTE, &reading);
    assert_int_equal(reading.repeated, 0);
}

static void test_a_chord_is_told_from_low_to_high(void **state)
{
    struct gauge_reading reading;
    static const uint8_t chord[] = {67, 60, 64, 72};
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 20; i++) {
            int64_t at = (again * 30 + i) * NOTE_SECOND;
            for (int k = 0; k < 4; k++) // the other way round, and spread over 21 ms
                strike(*state, at + 7 * k * MS, (uint8_t)(chord[again ? 3 - k : k] + i * i % 11));
            for (int k = 0; k < 4; k++)
                release(*state, at + 500 * MS, (uint8_t)(chord[k] + i * i % 11));
        }
    }
    gauge_read(*state, MINUTE, &reading);
    // Squares modulo 11 come round after 11 chords, so there are repeats in the first twenty, too.
    assert_int_equal(reading.runs, 160 - 4 - GAUGE_RUN + 1);
    assert_in_range(reading.repeated, 76 - GAUGE_RUN + 1, 160);
}

/** A thousand notes a minute: hardly a run of half an hour is forgotten. */
static void test_there_is_room_for_dense_music(void **state)
{
    struct gauge_reading reading;
    int64_t at = 0;
    for (int again = 0; again < 2; again++) {
        unsigned seed = 1;
        for (int i = 0; i < 14000; i++, at += 60 * MS) {
            seed = seed * 1664525 + 1013904223;
            uint8_t pitch = (uint8_t)(30 + (seed >> 16) % 60);
            strike(*state, at, pitch);
            release(*state, at + 50 * MS, pitch);
        }
        gauge_read(*state, at, &reading);
        if (!again)
            assert_int_equal(reading.repeated, 0);
    }
    assert_true(reading.repeated > 14000 * 0.995);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_is_one_silence, make, drop),
        cmocka_unit_test_setup_teardown(test_a_held_note_is_no_silence_but_a_gap, make, drop),
        cmocka_unit_test_setup_teardown(test_silence_begins_when_the_last_key_is_let_go, make,
                                        drop),
        cmocka_unit_test_setup_teardown(test_a_run_heard_again_is_a_repeat_at_any_pitch, make,
                                        drop),
        cmocka_unit_test_setup_teardown(test_half_an_hour_is_remembered_and_no_more, make, drop),
        cmocka_unit_test_setup_teardown(test_a_chord_is_told_from_low_to_high, make, drop),
        cmocka_unit_test_setup_teardown(test_there_is_room_for_dense_music, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
