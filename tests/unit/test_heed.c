// SPDX-License-Identifier: MIT
// How a net heeds its plan is heard, and what it is told moves the other way.
#include "music/heed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DRAFT (4 * NOTE_SECOND)

enum { DENSITY, REGISTER, LOUDNESS, POLYPHONY, KEY, CHROMA };

static const struct heed_edges edges[PLAN_CONTROLS] = {
    {{60, 120, 180, 240, 300, 360, 420}, 7},
    {{40, 50, 60, 70, 80}, 5},
    {{20, 40, 60, 80, 100}, 5},
    {{1, 2, 3, 4, 5}, 5},
    {{0}, 0},
    {{0.5, 1.5, 2.5}, 3},
};

/** `count` notes spread over the last ten seconds before `now`, all alike, on `keys` keys. */
static size_t make(struct note *notes, size_t count, int64_t now, uint8_t pitch, uint8_t velocity,
                   int64_t duration, unsigned keys)
{
    for (size_t i = 0; i < count; i++)
        notes[i] =
            (struct note){now - 10 * NOTE_SECOND + (int64_t)i * 10 * NOTE_SECOND / (int64_t)count,
                          duration, (uint8_t)(pitch + i % keys), velocity};
    return count;
}

static void each_figure_is_heard_in_its_own_buckets(void **state)
{
    struct note notes[64];
    const int64_t now = 100 * NOTE_SECOND;
    // 240 a minute, pitch 60, velocity 64, two at once, one pitch class.
    size_t count = make(notes, 40, now, 60, 64, NOTE_SECOND / 2, 1);
    struct heed heed;
    heed_init(&heed);
    heed_hear(&heed, edges, notes, count, now, (int8_t[]){4, 3, 3, 2, 7, 0});
    for (int i = 0; i < PLAN_CONTROLS; i++)
        assert_true(heed.lean[i] == 0);
    heed_hear(&heed, edges, notes, count, now, (int8_t[]){3, 4, 2, 3, 1, 1});
    assert_true(heed.lean[DENSITY] > 0 && heed.lean[REGISTER] < 0 && heed.lean[LOUDNESS] > 0);
    assert_true(heed.lean[POLYPHONY] < 0 && heed.lean[KEY] == 0 && heed.lean[CHROMA] < 0);
    // What is not known, or too little to tell, teaches nothing.
    struct heed before = heed;
    heed_hear(&heed, edges, notes, count, now, (int8_t[]){-1, -1, -1, -1, -1, -1});
    heed_hear(&heed, edges, notes, 7, now, (int8_t[]){0, 0, 0, 0, 0, 0});
    assert_memory_equal(&heed, &before, sizeof heed);
    // Older notes than ten seconds count for the chroma alone.
    make(notes, 40, now - 8 * NOTE_SECOND, 72, 64, NOTE_SECOND, 4);
    make(notes + 40, 20, now, 60, 64, NOTE_SECOND, 1);
    heed_init(&heed);
    heed_hear(&heed, edges, notes + 8, 52, now, (int8_t[]){2, 3, 3, 2, 7, 2});
    for (int i = 0; i < PLAN_CONTROLS; i++)
        assert_true(heed.lean[i] == 0);
}

/** A net that plays two buckets denser than it is told comes out as planned within minutes. */
static void a_net_that_leans_is_led_back(void **state)
{
    struct note notes[256];
    struct heed heed;
    heed_init(&heed);
    int64_t now = 20 * NOTE_SECOND;
    int heard = 0, late = 0;
    for (int draft = 0; draft < 150; draft++, now += DRAFT) {
        int8_t told[PLAN_CONTROLS] = {4, 3, 3, 2, 5, 0};
        heed_move(&heed, edges, told);
        assert_int_equal(told[KEY], 5);
        int plays = told[DENSITY] + 2 > 7 ? 7 : told[DENSITY] + 2;
        size_t count = make(notes, (size_t)plays * 10 + 5, now, 60, 64, NOTE_SECOND / 2, 1);
        heed_hear(&heed, edges, notes, count, now, (int8_t[]){4, -1, -1, -1, 5, -1});
        if (draft >= 75) {
            heard += plays;
            late++;
        }
    }
    assert_true(abs(heard - 4 * late) <= late / 4);
}

static void it_goes_no_further_than_there_are_buckets(void **state)
{
    struct note notes[64];
    struct heed heed;
    heed_init(&heed);
    size_t count = make(notes, 40, 0, 60, 64, NOTE_SECOND / 2, 1);
    for (int i = 0; i < 1000; i++)
        heed_hear(&heed, edges, notes, count, 0, (int8_t[]){0, 5, 3, 2, 7, 0});
    int8_t low[PLAN_CONTROLS] = {1, 4, 3, 2, 23, -1};
    heed_move(&heed, edges, low);
    assert_memory_equal(low, ((int8_t[]){0, 5, 3, 2, 23, -1}), sizeof low);
    int8_t high[PLAN_CONTROLS] = {7, 0, 3, 2, 23, -1};
    heed_move(&heed, edges, high);
    assert_memory_equal(high, ((int8_t[]){4, 3, 3, 2, 23, -1}), sizeof high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_figure_is_heard_in_its_own_buckets),
        cmocka_unit_test(a_net_that_leans_is_led_back),
        cmocka_unit_test(it_goes_no_further_than_there_are_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
