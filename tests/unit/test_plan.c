// SPDX-License-Identifier: MIT
// What a net is told along the time.
#include "music/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEP PLAN_STEP_US
#define GAP                                                                                        \
    {                                                                                              \
        255, 255, 255, 255, 255, 255                                                               \
    }

// Trajectories of 3, 1 and 2 rows; borders at both ends and twice between them.
static const uint8_t rows[][PLAN_CONTROLS] = {
    GAP,
    {1, 2, 3, 4, 0, 7},
    {2, 2, 255, 4, 21, 255},
    {3, 2, 3, 4, 255, 1},
    GAP,
    GAP,
    {5, 5, 5, 5, 5, 5},
    GAP,
    {7, 0, 0, 0, 0, 0},
    {8, 0, 0, 0, 0, 0},
    GAP,
};
static const struct plan_source source = {rows, sizeof rows / sizeof *rows, {4, 3, 6, -1, -1, -1}};

/** Of the first four. */
static void assert_told(const struct plan *plan, int64_t time, int a, int b, int c, int d)
{
    int8_t told[PLAN_CONTROLS];
    plan_tell(plan, time, told);
    assert_int_equal(told[0], a);
    assert_int_equal(told[1], b);
    assert_int_equal(told[2], c);
    assert_int_equal(told[3], d);
}

static void test_nothing_is_told_without_a_source(void **state)
{
    struct plan plan;
    plan_init(&plan, 1);
    plan_begin(&plan, 0);
    assert_told(&plan, 7 * STEP, -1, -1, -1, -1);
    struct plan_source typical = {NULL, 0, {4, 3, 6, -1, -1, -1}};
    plan_set_source(&plan, &typical);
    plan_begin(&plan, 0);
    assert_told(&plan, 7 * STEP, 4, 3, 6, -1);
}

static void test_a_trajectory_is_walked_along(void **state)
{
    struct plan plan;
    plan_init(&plan, 1);
    plan_set_source(&plan, &source);
    do
        plan_begin(&plan, 100);
    while (plan.length != 3);
    assert_told(&plan, 0, 1, 2, 3, 4);
    assert_told(&plan, 100 + STEP - 1, 1, 2, 3, 4);
    assert_told(&plan, 100 + STEP, 2, 2, 6, 4); // what is unknown is as usual
    assert_told(&plan, 100 + 2 * STEP, 3, 2, 3, 4);
    assert_told(&plan, 100 + 9 * STEP, 3, 2, 3, 4);
}

static void test_every_piece_is_moved_to_a_key_of_its_own(void **state)
{
    bool seen[12] = {false};
    struct plan plan, same;
    plan_init(&plan, 8);
    plan_init(&same, 8);
    plan_set_source(&plan, &source);
    plan_set_source(&same, &source);
    for (int i = 0; i < 200; i++) {
        int8_t told[PLAN_CONTROLS], again[PLAN_CONTROLS];
        plan_begin(&plan, 0);
        plan_begin(&same, 0);
        if (plan.length != 3)
            continue;
        // C major, A minor, then not known: the key and its relative go the same way.
        plan_tell(&plan, 0, told);
        plan_tell(&same, 0, again);
        assert_in_range(told[PLAN_KEY], 0, 11);
        assert_int_equal(told[PLAN_KEY], again[PLAN_KEY]);
        assert_int_equal(told[PLAN_KEY + 1], 7);
        const int major = (uint8_t)told[PLAN_KEY];
        seen[major] = true;
        plan_tell(&plan, STEP, told);
        assert_int_equal(told[PLAN_KEY], 12 + (major + 9) % 12);
        assert_int_equal(told[PLAN_KEY + 1], -1);
        plan_tell(&plan, 2 * STEP, told);
        assert_int_equal(told[PLAN_KEY], -1);
        assert_int_equal(told[PLAN_KEY + 1], 1);
    }
    for (int i = 0; i < 12; i++)
        assert_true(seen[i]);
}

static void test_trajectories_follow_one_another_in_the_piece_s_key(void **state)
{
    bool seen[4] = {false};
    struct plan plan, same;
    plan_init(&plan, 3);
    plan_init(&same, 3);
    plan_set_source(&plan, &source);
    plan_set_source(&same, &source);
    plan_begin(&plan, 0);
    plan_begin(&same, 0);
    const int key = plan.key;
    for (int64_t time = 0; time < 200 * STEP; time += STEP / 2) {
        int8_t told[PLAN_CONTROLS];
        plan_go_on(&plan, time);
        assert_true(time >= plan.begin && time < plan.begin + plan.length * STEP);
        seen[plan.length] = true;
        plan_tell(&plan, time, told);
        // The key of its own of each: C major, F major, C major, all of them the piece's tonic.
        int home = plan.first == 6 ? 5 : 0;
        assert_int_equal((home + plan.moved) % 12, key < 12 ? key : (key - 9) % 12);
    }
    assert_true(seen[1] && seen[2] && seen[3]);
    plan_go_on(&same, 199 * STEP + STEP / 2); // all at once
    assert_int_equal(same.begin, plan.begin);
    assert_int_equal(same.first, plan.first);
    assert_int_equal(plan.key, key);
}

static void test_no_piece_is_in_the_key_of_the_one_before(void **state)
{
    int counts[12] = {0}, before = -1;
    struct plan plan;
    plan_init(&plan, 11);
    plan_set_source(&plan, &source);
    for (int i = 0; i < 600; i++) {
        plan_begin(&plan, 0);
        assert_in_range(plan.key, 0, 11);
        assert_int_not_equal(plan.key, before);
        counts[plan.key]++;
        before = plan.key;
    }
    for (int i = 0; i < 12; i++)
        assert_in_range(counts[i], 25, 80);
}

static void test_pieces_take_all_trajectories_by_the_seed(void **state)
{
    bool seen[4] = {false};
    int differ = 0;
    struct plan plan, same, other;
    plan_init(&plan, 5);
    plan_init(&same, 5);
    plan_init(&other, 6);
    plan_set_source(&plan, &source);
    plan_set_source(&same, &source);
    plan_set_source(&other, &source);
    for (int i = 0; i < 40; i++) {
        plan_begin(&plan, i);
        plan_begin(&same, i);
        plan_begin(&other, i);
        assert_true(plan.length >= 1 && plan.length <= 3);
        seen[plan.length] = true;
        assert_int_equal(plan.first, same.first);
        differ += plan.first != other.first;
    }
    assert_true(seen[1] && seen[2] && seen[3]);
    assert_true(differ > 5);
}

static void test_a_source_may_move_but_not_change(void **state)
{
    uint8_t copy[sizeof rows / sizeof *rows][PLAN_CONTROLS];
    memcpy(copy, rows, sizeof rows);
    struct plan plan;
    plan_init(&plan, 1);
    plan_set_source(&plan, &source);
    do
        plan_begin(&plan, 0);
    while (plan.length != 3);
    struct plan_source moved = source;
    moved.rows = (const uint8_t(*)[PLAN_CONTROLS])copy;
    plan_set_source(&plan, &moved);
    assert_told(&plan, STEP, 2, 2, 6, 4);
    struct plan_source shorter = {rows, 2, {4, 3, 6, -1}};
    plan_set_source(&plan, &shorter);
    assert_told(&plan, STEP, 4, 3, 6, -1); // until the next piece
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_told_without_a_source),
        cmocka_unit_test(test_a_trajectory_is_walked_along),
        cmocka_unit_test(test_every_piece_is_moved_to_a_key_of_its_own),
        cmocka_unit_test(test_trajectories_follow_one_another_in_the_piece_s_key),
        cmocka_unit_test(test_no_piece_is_in_the_key_of_the_one_before),
        cmocka_unit_test(test_pieces_take_all_trajectories_by_the_seed),
        cmocka_unit_test(test_a_source_may_move_but_not_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
