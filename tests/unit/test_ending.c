// SPDX-License-Identifier: MIT
// When and how pieces end.
#include "music/ending.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE (60 * NOTE_SECOND)
#define MS (NOTE_SECOND / 1000)
#define FROM (100 * NOTE_SECOND)
#define TO (104 * NOTE_SECOND)

static void test_lengths_are_read(void **state)
{
    static const char *const bad[] = {"",     "-",     "2-",    "-2",  "5-2",  "0.4",
                                      "2-61", "2-5-6", "2 - 5", "0-5", "0x10", "inf",
                                      "nan",  "two",   "2-5m",  "1e1", "2..5"};
    struct ending_length length = {7, 8};
    char text[ENDING_LENGTH_ROOM];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ending_read_length(bad[i], &length), -EINVAL);
        assert_true(length.least == 7 && length.most == 8);
    }
    static const char *const good[] = {"2-5", "3", "0", "0.5-60", "2.5-2.75"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(ending_read_length(good[i], &length), 0);
        ending_write_length(&length, text);
        assert_string_equal(text, good[i]);
    }
}

static void test_a_piece_is_as_long_as_is_asked(void **state)
{
    const struct ending_length length = {2, 5}, endless = {0, 0}, exact = {3, 3};
    struct ending ending, same;
    int least = 0, most = 0;
    ending_init(&ending, 5);
    ending_init(&same, 5);
    for (int i = 0; i < 200; i++) {
        ending_begin(&ending, i * MINUTE);
        ending_begin(&same, i * MINUTE);
        int64_t lasts = ending_time(&ending, &length) - i * MINUTE;
        assert_true(lasts >= 2 * MINUTE && lasts <= 5 * MINUTE);
        least += lasts < 2 * MINUTE + MINUTE / 2;
        most += lasts > 4 * MINUTE + MINUTE / 2;
        assert_true(ending_time(&same, &length) == ending_time(&ending, &length));
        assert_true(ending_time(&ending, &exact) == (i + 3) * MINUTE);
        assert_true(ending_time(&ending, &endless) == INT64_MAX);
    }
    assert_in_range(least, 15, 60); // a sixth of them each
    assert_in_range(most, 15, 60);
    assert_int_equal(ending_thinner(MINUTE - 9 * NOTE_SECOND, MINUTE), 0);
    assert_int_equal(ending_thinner(MINUTE - 8 * NOTE_SECOND, MINUTE), 1);
    assert_int_equal(ending_thinner(MINUTE - 4 * NOTE_SECOND, MINUTE), 2);
}

static size_t add(struct note *notes, size_t count, int64_t onset, int64_t duration, int pitch)
{
    notes[count] = (struct note){onset, duration, (uint8_t)pitch, 64};
    return count + 1;
}

/** Quavers of a broken chord, a chord at each second: C, G7, and so on to the end. */
static size_t write_music(struct note *notes, int transpose)
{
    static const int chords[4][4] = {
        {36, 60, 64, 67}, {43, 59, 62, 65}, {36, 60, 64, 67}, {43, 59, 62, 65}};
    size_t count = 0;
    for (int second = 0; second < 4; second++)
        for (int i = 0; i < 4; i++) {
            int64_t onset = FROM + second * NOTE_SECOND + i * 250 * MS;
            if (i == 0)
                for (int k = 0; k < 4; k++)
                    count = add(notes, count, onset + k * 5 * MS, 900 * MS,
                                chords[second][k] + transpose);
            else
                count = add(notes, count, onset, 240 * MS, chords[second][i] + 12 + transpose);
        }
    return count;
}

static void assert_closed(const struct ending_music *music, int64_t chord)
{
    size_t held = 0;
    for (size_t i = 0; i < music->count; i++) {
        assert_true(music->notes[i].duration > 0);
        assert_true(i == 0 || music->notes[i].onset >= music->notes[i - 1].onset);
        assert_true(music->notes[i].onset <= chord + 60 * MS);
        assert_true(note_end(&music->notes[i]) <= chord + ENDING_HOLD_US);
        held += note_end(&music->notes[i]) == chord + ENDING_HOLD_US;
    }
    assert_true(held > 0);
    // Nothing that follows at once comes too late, nor does the chord begin too late to be slowed.
    assert_true(chord >= TO - ENDING_REST_US && chord < TO);
}

static void test_it_ends_on_the_tonic(void **state)
{
    for (int transpose = 0; transpose < 12; transpose++) {
        struct note notes[64], before[64];
        size_t count = write_music(notes, transpose);
        memcpy(before, notes, count * sizeof *notes);
        for (size_t i = 0; i < count; i++)
            before[i].onset -= TO - FROM;
        for (int told = 0; told < 2; told++) {
            struct note played[64];
            memcpy(played, notes, sizeof notes);
            struct ending_music music = {
                before, count, played, count, FROM, TO, told ? transpose : -1, ENDING_HOLD_US};
            int64_t chord = ending_close(&music);
            // The chord of C at the third second, a little later.
            assert_true(chord > FROM + 2 * NOTE_SECOND &&
                        chord < FROM + 2 * NOTE_SECOND + 400 * MS);
            assert_closed(&music, chord);
            size_t held = 0;
            for (size_t i = 0; i < music.count; i++) {
                bool holds = note_end(&played[i]) == chord + ENDING_HOLD_US;
                held += holds && played[i].onset >= chord;
                assert_false(holds && played[i].pitch % 12 == (11 + transpose) % 12);
            }
            assert_int_equal(held, 4);
        }
    }
}

static void test_it_slows_down(void **state)
{
    struct note notes[64], before[1] = {{FROM - 100 * MS, 90 * MS, 60, 64}};
    size_t count = write_music(notes, 0);
    struct ending_music music = {before, 1, notes, count, FROM, TO, 0, ENDING_HOLD_US};
    int64_t chord = ending_close(&music), last = 0, last_gap = 0;
    int longer = 0;
    for (size_t i = 0; i < music.count; i++) {
        if (notes[i].onset < last + 100 * MS)
            continue; // of one chord
        if (last > FROM + 500 * MS) {
            longer += notes[i].onset - last > last_gap;
            assert_true(notes[i].onset - last >= last_gap - 20 * MS);
        }
        last_gap = notes[i].onset - last;
        last = notes[i].onset;
    }
    assert_true(longer >= 4 && last == chord);
    assert_true(last_gap > 300 * MS && last_gap < 400 * MS); // a quaver was 250 ms
}

static void test_silence_does_not_grow(void **state)
{
    // Two notes only, with as much silence as a curator lets pass.
    struct note notes[2], before[1] = {{FROM - 400 * MS, NOTE_SECOND, 48, 64}};
    size_t count = add(notes, 0, FROM + 2400 * MS, 300 * MS, 67);
    count = add(notes, count, FROM + 3900 * MS, 100 * MS, 71);
    struct ending_music music = {before, 1, notes, count, FROM, TO, 0, ENDING_HOLD_US};
    int64_t chord = ending_close(&music);
    assert_true(chord == FROM + 2400 * MS);
    assert_int_equal(music.count, 1);
    assert_true(note_end(&notes[0]) == chord + ENDING_HOLD_US);
}

static void test_the_bass_is_held_and_what_rubs_is_not(void **state)
{
    struct note notes[8];
    size_t count = add(notes, 0, FROM + 1800 * MS, 300 * MS, 36);
    count = add(notes, count, FROM + 1900 * MS, 600 * MS, 65);
    count = add(notes, count, FROM + 2000 * MS, 3000 * MS, 62);
    count = add(notes, count, FROM + 2300 * MS, 200 * MS, 64);
    count = add(notes, count, FROM + 2310 * MS, 200 * MS, 72);
    struct ending_music music = {NULL, 0, notes, count, FROM, TO, 0, ENDING_HOLD_US};
    int64_t chord = ending_close(&music);
    const int64_t release = chord + ENDING_HOLD_US;
    assert_int_equal(music.count, 5);
    assert_true(note_end(&notes[0]) == release); // the bass, though it was short
    assert_true(note_end(&notes[1]) == chord);   // F rubs with E
    assert_true(note_end(&notes[2]) <= release); // D does not, and was long
    assert_true(note_end(&notes[3]) == release && note_end(&notes[4]) == release);
}

static void test_the_last_chord_is_held_whatever_it_is(void **state)
{
    struct note notes[2];
    size_t count = add(notes, 0, FROM + 2 * NOTE_SECOND, 100 * MS, 62); // D and A in C major
    count = add(notes, count, FROM + 2020 * MS, 3000 * MS, 69);
    struct ending_music music = {NULL, 0, notes, count, FROM, TO, 0, ENDING_HOLD_US};
    int64_t chord = ending_close(&music);
    assert_closed(&music, chord);
    for (int i = 0; i < 2; i++)
        assert_true(note_end(&notes[i]) == chord + ENDING_HOLD_US);
}

static void test_what_is_there_is_ended_all_the_same(void **state)
{
    struct note notes[2];
    struct ending_music nothing = {NULL, 0, notes, 0, FROM, TO, -1, ENDING_HOLD_US};
    assert_true(ending_close(&nothing) == FROM);
    // Only what comes too early, only what comes too late.
    size_t count = add(notes, 0, FROM + 300 * MS, 100 * MS, 60);
    struct ending_music early = {NULL, 0, notes, count, FROM, TO, -1, ENDING_HOLD_US};
    assert_true(ending_close(&early) == FROM + 300 * MS);
    assert_true(notes[0].duration == ENDING_HOLD_US);
    count = add(notes, 0, TO - 1, 100 * MS, 60);
    struct ending_music late = {NULL, 0, notes, count, FROM, TO, -1, ENDING_HOLD_US};
    assert_true(ending_close(&late) == TO - 1);
    assert_true(notes[0].duration == ENDING_HOLD_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_are_read),
        cmocka_unit_test(test_a_piece_is_as_long_as_is_asked),
        cmocka_unit_test(test_it_ends_on_the_tonic),
        cmocka_unit_test(test_it_slows_down),
        cmocka_unit_test(test_silence_does_not_grow),
        cmocka_unit_test(test_the_bass_is_held_and_what_rubs_is_not),
        cmocka_unit_test(test_the_last_chord_is_held_whatever_it_is),
        cmocka_unit_test(test_what_is_there_is_ended_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
