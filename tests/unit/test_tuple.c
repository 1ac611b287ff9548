// SPDX-License-Identifier: MIT
// Notes to tuples and back; the vectors are what models/notes.py makes of them.
#include "music/tuple.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct note human[] = {
    {777000, 30000, 53, 38},      {2277000, 350000, 80, 103},  {2277000, 30000, 31, 20},
    {3777000, 11000000, 97, 41},  {3857000, 30000, 51, 16},    {3858000, 11080000, 51, 19},
    {4247000, 4400000, 68, 36},   {4251000, 4400000, 99, 89},  {9451000, 10000, 98, 74},
    {9451000, 110000, 97, 57},    {9454000, 1200000, 47, 22},  {9468000, 350000, 22, 102},
    {9778000, 1200000, 89, 102},  {9791000, 1200000, 83, 30},  {9791000, 1200000, 88, 8},
    {9791000, 10000, 21, 41},     {9791000, 11000000, 24, 19}, {9791000, 350000, 65, 102},
    {9791000, 11000000, 50, 66},  {14991000, 30000, 59, 65},   {14991000, 110000, 102, 37},
    {15301000, 10999999, 38, 65}, {16077999, 30001, 67, 123},  {16082001, 10000, 49, 30},
};
static const struct tuple spelt[] = {
    {0, 53, 2, 9},    {61, 31, 2, 5},   {0, 80, 29, 25}, {61, 97, 63, 10}, {8, 51, 2, 4},
    {35, 68, 56, 9},  {0, 99, 56, 22},  {86, 47, 42, 5}, {0, 97, 16, 14},  {0, 98, 0, 18},
    {2, 22, 29, 25},  {30, 89, 42, 25}, {1, 21, 0, 10},  {0, 24, 63, 4},   {0, 50, 63, 16},
    {0, 65, 29, 25},  {0, 83, 42, 7},   {0, 88, 42, 2},  {86, 59, 2, 16},  {0, 102, 16, 9},
    {30, 38, 63, 16}, {48, 49, 0, 7},   {0, 67, 2, 30},
};
#define HUMAN (sizeof human / sizeof *human)
#define SPELT (sizeof spelt / sizeof *spelt)

static void test_notes_are_spelt_as_in_training(void **state)
{
    struct note notes[HUMAN];
    struct tuple tuples[HUMAN];
    // In any order: the spelling is one.
    for (size_t i = 0; i < HUMAN; i++)
        notes[i] = human[(i * 7) % HUMAN];
    assert_int_equal(tuple_spell(notes, HUMAN, 0, tuples), SPELT);
    assert_memory_equal(tuples, spelt, sizeof spelt);
    assert_int_equal(tuple_spell(notes, 0, 0, tuples), 0);
}

static void test_bins_and_what_they_mean(void **state)
{
    static const int64_t ticks[][2] = {{-5, 0},   {0, 0},    {30, 30},  {31, 30},  {32, 31},
                                       {33, 32},  {34, 32},  {399, 80}, {400, 80}, {421, 81},
                                       {422, 82}, {790, 94}, {5000, 94}};
    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++)
        assert_int_equal(tuple_delta_bin(ticks[i][0]), ticks[i][1]);
    static const int64_t lengths[][2] = {{-1, 0},       {0, 0},        {1000, 0},     {26100, 0},
                                         {26300, 1},    {500000, 33},  {1000000, 40}, {7600000, 62},
                                         {7700000, 63}, {60000000, 63}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        assert_int_equal(tuple_duration_bin(lengths[i][0]), lengths[i][1]);
    assert_int_equal(tuple_duration_us(0), 25000);
    assert_int_equal(tuple_duration_us(1), 27397);
    assert_int_equal(tuple_duration_us(31), 427202);
    assert_int_equal(tuple_duration_us(62), 7300048);
    assert_int_equal(tuple_duration_us(63), 8000000);
    assert_int_equal(tuple_duration_us(200), 8000000);
    assert_int_equal(tuple_delta_ticks(94), 800);
    assert_int_equal(tuple_delta_ticks(255), 800);
    for (int bin = 0; bin < TUPLE_DELTAS; bin++)
        assert_int_equal(tuple_delta_bin(tuple_delta_ticks((uint8_t)bin)), bin);
    for (int bin = 0; bin < TUPLE_DURATIONS; bin++)
        assert_int_equal(tuple_duration_bin(tuple_duration_us((uint8_t)bin)), bin);
    assert_int_equal(tuple_tick(-5001), -1);
    assert_int_equal(tuple_tick(-5000), 0);
    assert_int_equal(tuple_tick(4999), 0);
    assert_int_equal(tuple_tick(5000), 1);
}

static void test_what_a_net_says_comes_back_to_it(void **state)
{
    struct note notes[SPELT];
    struct tuple again[SPELT];
    int64_t former = 123 * NOTE_SECOND;
    for (size_t i = 0; i < SPELT; i++) {
        notes[i] = tuple_note(&spelt[i], former);
        assert_int_equal(notes[i].onset - former,
                         tuple_delta_ticks(spelt[i].delta) * TUPLE_TICK_US);
        assert_true(notes[i].velocity >= 1 && notes[i].velocity <= 127);
        former = notes[i].onset;
    }
    assert_int_equal(tuple_spell(notes, SPELT, 0, again), SPELT);
    assert_memory_equal(again, spelt, sizeof spelt);
    struct tuple loud = {0, 60, 0, 31};
    assert_int_equal(tuple_note(&loud, 0).velocity, 126);
}

static void test_open_notes_last_until_they_are_known(void **state)
{
    struct note open = {NOTE_SECOND, NOTE_OPEN, 60, 64};
    struct tuple tuple;
    assert_int_equal(tuple_spell(&open, 1, 2 * NOTE_SECOND, &tuple), 1);
    assert_int_equal(tuple.duration, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_are_spelt_as_in_training),
        cmocka_unit_test(test_bins_and_what_they_mean),
        cmocka_unit_test(test_what_a_net_says_comes_back_to_it),
        cmocka_unit_test(test_open_notes_last_until_they_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
