// SPDX-License-Identifier: MIT
// A phrase of anybody's made fit for a score.
#include "music/opening.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "music/roll.h"

#define S NOTE_SECOND

static struct opening opening;

static void assert_fit(void)
{
    int64_t ends[128] = {0};
    assert_true(opening.count > 0 && opening.count <= OPENING_NOTES);
    assert_int_equal(opening.notes[0].onset, 0);
    assert_int_equal(opening.length % ROLL_FRAME_US, 0);
    assert_true(opening.length <= OPENING_LONGEST);
    for (size_t i = 0; i < opening.count; i++) {
        const struct note *note = &opening.notes[i];
        assert_in_range(note->pitch, 21, 108);
        assert_true(i == 0 || note->onset >= note[-1].onset);
        assert_true(note->duration > 0 && note_end(note) <= opening.length);
        assert_true(note->onset >= ends[note->pitch]);
        ends[note->pitch] = note_end(note);
    }
}

static void test_a_phrase_begins_at_0(void **state)
{
    static const struct note notes[] = {
        {7 * S, S, 60, 70}, {7 * S, 2 * S, 60, 90}, {8 * S, S, 5, 70}, {9 * S, NOTE_OPEN, 127, 70}};
    assert_int_equal(opening_make(notes, 4, &opening), 0);
    assert_fit();
    assert_int_equal(opening.count, 3); // one key is struck once at a time
    assert_int_equal(opening.notes[0].duration, 2 * S);
    assert_int_equal(opening.notes[1].pitch, 29);
    assert_int_equal(opening.notes[2].pitch, 103);
    assert_int_equal(opening.notes[2].duration, 2 * S);
    assert_int_equal(opening.length, 4 * S);
}

static void test_a_key_that_is_struck_again(void **state)
{
    static const struct note notes[] = {{0, 5 * S, 60, 70}, {S, S / 30, 60, 70}};
    assert_int_equal(opening_make(notes, 2, &opening), 0);
    assert_fit();
    assert_int_equal(opening.notes[0].duration, S);
    assert_int_equal(opening.length, S + ROLL_FRAME_US);
}

static void test_the_end_of_a_long_file(void **state)
{
    static struct note notes[6000];
    for (size_t i = 0; i < 6000; i++)
        notes[i] = (struct note){(int64_t)i * S / 2, S, (uint8_t)(i * 31 % 128), 70};
    assert_int_equal(opening_make(notes, 600, &opening), 0);
    assert_fit();
    assert_true(opening.length > OPENING_LONGEST - 2 * S);
    for (size_t i = 0; i < 6000; i++)
        notes[i].onset /= 50;
    assert_int_equal(opening_make(notes, 6000, &opening), 0);
    assert_fit();
    assert_true(opening.count > OPENING_NOTES - 100);
    assert_int_equal(opening_make(notes, 0, &opening), -ENODATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_phrase_begins_at_0),
        cmocka_unit_test(test_a_key_that_is_struck_again),
        cmocka_unit_test(test_the_end_of_a_long_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
