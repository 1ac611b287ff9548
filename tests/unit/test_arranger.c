// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "music/arranger.h"

#define MS (NOTE_SECOND / 1000)
#define MOST 512

static size_t strike(struct note *notes, size_t count, int64_t onset, int64_t duration,
                     uint8_t pitch, uint8_t velocity)
{
    notes[count] = (struct note){onset, duration, pitch, velocity};
    return count + 1;
}

static void test_pitches_keep_their_class(void **state)
{
    (void)state;
    for (int pitch = 0; pitch < 128; pitch++) {
        uint8_t moved = arranger_pitch((uint8_t)pitch);
        assert_in_range(moved, ARRANGER_LOWEST, ARRANGER_HIGHEST);
        assert_int_equal(moved % 12, pitch % 12);
        if (pitch >= ARRANGER_LOWEST && pitch <= ARRANGER_HIGHEST)
            assert_int_equal(moved, pitch);
    }
}

static void test_chords_are_thinned_from_within(void **state)
{
    (void)state;
    struct note notes[MOST];
    size_t count = 0;
    // 36 and 48 become 60, which is there as well; of six others two are too much.
    count = strike(notes, count, 0, 400 * MS, 36, 90);
    count = strike(notes, count, 5 * MS, 400 * MS, 48, 40);
    count = strike(notes, count, 10 * MS, 400 * MS, 60, 50);
    count = strike(notes, count, 20 * MS, 400 * MS, 64, 30);
    count = strike(notes, count, 20 * MS, 400 * MS, 67, 70);
    count = strike(notes, count, 30 * MS, 400 * MS, 70, 60);
    count = strike(notes, count, 40 * MS, 400 * MS, 76, 20);
    arranger_arrange(notes, &count);
    assert_int_equal(count, ARRANGER_CHORD);
    static const uint8_t left[] = {60, 67, 70, 76};
    for (size_t i = 0; i < count; i++)
        assert_int_equal(notes[i].pitch, left[i]);
}

static void test_what_is_struck_twice_is_struck_once(void **state)
{
    (void)state;
    struct note notes[MOST];
    size_t count = strike(notes, 0, 0, 400 * MS, 48, 90);
    count = strike(notes, count, 20 * MS, 400 * MS, 60, 90);
    arranger_arrange(notes, &count);
    assert_int_equal(count, 1);
}

static void test_a_rest_is_held_over(void **state)
{
    (void)state;
    struct note notes[MOST];
    size_t count = 0;
    count = strike(notes, count, 0, 200 * MS, 60, 70);          // until the next low one
    count = strike(notes, count, 100 * MS, 50 * MS, 90, 70);    // until the next one
    count = strike(notes, count, 900 * MS, 50 * MS, 88, 70);    // a rest of a tenth is none
    count = strike(notes, count, 1000 * MS, 50 * MS, 91, 70);   // until the next one
    count = strike(notes, count, 2500 * MS, 5000 * MS, 62, 70); // a long one, cut
    count = strike(notes, count, 4000 * MS, 100 * MS, 64, 70);  // nothing follows
    arranger_arrange(notes, &count);
    assert_int_equal(count, 6);
    assert_true(notes[0].duration == 2500 * MS);
    assert_true(notes[1].duration == 800 * MS);
    assert_true(notes[2].duration == 50 * MS);
    assert_true(notes[3].duration == 1500 * MS);
    assert_true(notes[4].duration == 1500 * MS + ARRANGER_OVERLAP_US);
    assert_true(notes[5].duration == ARRANGER_HELD_US);
}

static void test_what_is_held_is_damped_by_what_rings(void **state)
{
    (void)state;
    struct note notes[MOST];
    size_t count = strike(notes, 0, 5000 * MS, 100 * MS, 90, 70);
    assert_true(arranger_lift(notes, count) == INT64_MAX);
    count = strike(notes, count, 6000 * MS, 100 * MS, ARRANGER_RINGS, 70);
    assert_true(arranger_lift(notes, count) == 6000 * MS + ARRANGER_OVERLAP_US);
    assert_true(arranger_lift(notes, 0) == INT64_MAX);
}

/** Any music: what comes out keeps the promises, and coming in again stays as it is. */
static void test_any_music(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 300; round++) {
        struct note notes[MOST], again[MOST];
        size_t count = 0;
        int64_t onset = 0;
        while (count < 200) {
            onset += rand() % 3 ? rand() % 30 * MS : rand() % 2000 * MS;
            int64_t duration = rand() % 9 ? (1 + rand() % 3000) * MS : NOTE_OPEN;
            count = strike(notes, count, onset, duration, (uint8_t)(21 + rand() % 88),
                           (uint8_t)(1 + rand() % 127));
        }
        arranger_arrange(notes, &count);
        for (size_t i = 0; i < count; i++) {
            assert_in_range(notes[i].pitch, ARRANGER_LOWEST, ARRANGER_HIGHEST);
            assert_true(notes[i].duration > 0);
            assert_true(notes[i].duration <= ARRANGER_HELD_US + ARRANGER_OVERLAP_US);
            assert_true(!i || notes[i].onset >= notes[i - 1].onset);
        }
        size_t same = count;
        for (size_t i = 0; i < count; i++)
            again[i] = notes[i];
        arranger_arrange(again, &same);
        assert_int_equal(same, count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(again[i].pitch, notes[i].pitch);
            assert_true(again[i].duration == notes[i].duration);
        }
    }
}

static void test_the_curator_is_told(void **state)
{
    (void)state;
    struct curator_bounds bounds = curator_any_bounds;
    struct curator_reference reference = curator_any_reference;
    arranger_move_bounds(&bounds, &reference);
    struct curator curator;
    curator_init(&curator, &bounds, 0);
    curator.reference = reference;
    struct note notes[MOST];
    size_t count = 0;
    for (int i = 0; i < 40; i++)
        count = strike(notes, count, i * 100 * MS, 100 * MS, (uint8_t)(86 + 5 * (i * 7 % 3)), 60);
    // Human for nobody, and right on a telephone.
    double badness;
    struct curator human;
    curator_init(&human, &curator_any_bounds, 0);
    assert_int_equal(curator_judge(&human, notes, count, 0, 4 * NOTE_SECOND, &badness),
                     CURATOR_STUCK);
    for (size_t i = 0; i < count; i++)
        notes[i].pitch = (uint8_t)(80 + i * 7 % 16);
    assert_int_equal(curator_judge(&human, notes, count, 0, 4 * NOTE_SECOND, NULL),
                     CURATOR_REGISTER);
    assert_int_equal(curator_judge(&curator, notes, count, 0, 4 * NOTE_SECOND, NULL), CURATOR_KEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pitches_keep_their_class),
        cmocka_unit_test(test_chords_are_thinned_from_within),
        cmocka_unit_test(test_what_is_struck_twice_is_struck_once),
        cmocka_unit_test(test_a_rest_is_held_over),
        cmocka_unit_test(test_what_is_held_is_damped_by_what_rings),
        cmocka_unit_test(test_any_music),
        cmocka_unit_test(test_the_curator_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
