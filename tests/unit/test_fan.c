// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>

#include <cmocka.h>

#include "audio/fan.h"
#include "audio/pace.h"
#include "audio/ring.h"

#define RING 4096u
#define MS 1000 // microseconds
#define FRAMES_PER_MS 48u

/** A fan, two taps, and a clock of the test's own. */
struct bench {
    struct fan *fan;
    struct tap *taps[2];
    int64_t now;
    uint64_t pushed;
    unsigned told;
    bool plenty;
};

static void on_music(void *user)
{
    struct bench *bench = user;
    bench->told++;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(fan_new(&bench->fan), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fan_add(bench->fan, RING, i ? on_music : NULL, bench, &bench->taps[i]), 0);
    // The taps' allowance began with the real clock.
    bench->now = pace_now_us() + 1000 * MS;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++)
        fan_remove(bench->fan, bench->taps[i]);
    fan_free(bench->fan);
    free(bench);
    return 0;
}

/** What the performer does until nobody wants more; returns the frames. */
static uint32_t perform(struct bench *bench)
{
    static const float silence[2 * 64];
    uint32_t wait = UINT32_MAX;
    uint32_t all = 0;
    uint32_t room;
    while ((room = fan_room(bench->fan, bench->now, bench->plenty, &wait) / 64 * 64) > 0) {
        for (uint32_t i = 0; i < room; i += 64)
            fan_push(bench->fan, silence, 64);
        all += room;
    }
    bench->pushed += all;
    return all;
}

static uint32_t take(struct bench *bench, int tap, uint32_t frames)
{
    float heard[2 * 8192];
    struct ring *ring = tap_ring(bench->taps[tap]);
    ring_settle(ring, frames);
    return ring_read(ring, heard, frames);
}

static void nobody_takes_nothing_is_played(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(perform(bench), 0);
    assert_false(fan_lacks(bench->fan));
}

static void one_alone_sets_the_pace_by_what_it_takes(void **state)
{
    struct bench *bench = *state;
    tap_set_active(bench->taps[0], true);
    assert_true(fan_lacks(bench->fan));
    assert_int_equal(perform(bench), RING);
    assert_false(fan_lacks(bench->fan));
    assert_int_equal(fan_ahead(bench->fan), RING);
    bench->now += 10000 * MS;
    assert_int_equal(perform(bench), 0);
    assert_int_equal(take(bench, 0, 640), 640);
    assert_int_equal(perform(bench), 640);
    assert_int_equal(bench->told, 0);
    // It may want less than its ring holds.
    tap_want(bench->taps[0], 1024);
    assert_int_equal(take(bench, 0, RING - 512), RING - 512);
    assert_int_equal(perform(bench), 512);
}

static void all_get_the_same_and_a_stalled_one_holds_nobody_up(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++)
        tap_set_active(bench->taps[i], true);
    assert_int_equal(perform(bench), RING);
    assert_true(bench->told > 0);
    for (int i = 0; i < 500; i++) {
        bench->now += 10 * MS;
        assert_int_equal(take(bench, 0, 480), 480);
        assert_in_range(perform(bench), 448, 512);
    }
    assert_in_range(ring_readable(tap_ring(bench->taps[1])), 2 * RING - 64, 2 * RING);
    // It comes back and sets the pace with the other.
    for (int i = 0; i < 10; i++) {
        bench->now += 10 * MS;
        assert_int_equal(take(bench, 0, 480), 480);
        assert_int_equal(take(bench, 1, 480), 480);
        perform(bench);
    }
    assert_true(ring_readable(tap_ring(bench->taps[1])) <= RING + RING / 2);
}

static void the_faster_clock_sets_the_pace(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++)
        tap_set_active(bench->taps[i], true);
    perform(bench);
    // A sound card that is 0.4 % too fast, and one that is right: no gap for either in 20 s.
    for (int i = 0; i < 2000; i++) {
        bench->now += 10 * MS;
        assert_int_equal(take(bench, 0, 482), 482);
        assert_int_equal(take(bench, 1, 480), 480);
        perform(bench);
    }
    assert_int_equal(bench->pushed / 64, (RING + 2000 * 482) / 64);
}

/** `partner`: frames that the other one takes every 10 ms; 0: none. */
static uint64_t dump(struct bench *bench, int milliseconds, uint32_t partner)
{
    uint64_t dumped = 0;
    for (int i = 0; i < milliseconds; i++) {
        bench->now += MS;
        if (partner && i % 10 == 0)
            assert_int_equal(take(bench, 0, partner), partner);
        // As fast as it is rendered.
        for (int k = 0; k < 10; k++) {
            perform(bench);
            dumped += take(bench, 1, RING);
        }
    }
    return dumped;
}

static void a_dump_goes_at_the_pace_of_who_listens(void **state)
{
    struct bench *bench = *state;
    bench->plenty = true;
    tap_set_active(bench->taps[0], true);
    perform(bench);
    tap_set_active(bench->taps[1], true);
    // It has its burst; from then on nothing is left out for the listener.
    // The listener's clock is slow: it is its pace, not that of the clock.
    dump(bench, 100, 470);
    uint64_t before = bench->pushed;
    uint64_t dumped = dump(bench, 20000, 470);
    assert_in_range(dumped, 20000 * 47 - 64, 20000 * 47 + 64);
    assert_int_equal(bench->pushed - before, dumped);
}

static void beside_one_that_stalls_it_goes_at_that_of_the_clock(void **state)
{
    struct bench *bench = *state;
    bench->plenty = true;
    for (int i = 0; i < 2; i++)
        tap_set_active(bench->taps[i], true);
    dump(bench, 3000, 0);
    uint64_t dumped = dump(bench, 20000, 0);
    assert_in_range(dumped, 19900 * FRAMES_PER_MS, 20100 * FRAMES_PER_MS);
}

static void a_dump_alone_is_as_fast_as_composing(void **state)
{
    struct bench *bench = *state;
    bench->plenty = true;
    tap_set_active(bench->taps[1], true);
    assert_true(dump(bench, 2000, 0) > 10 * 2000 * FRAMES_PER_MS);
    // Where little is left, it is paced by the clock, and nobody has to wait for it to end.
    bench->plenty = false;
    dump(bench, 3000, 0);
    uint64_t dumped = dump(bench, 20000, 0);
    assert_in_range(dumped, 19900 * FRAMES_PER_MS, 20100 * FRAMES_PER_MS);
    uint32_t wait = UINT32_MAX;
    take(bench, 1, RING);
    assert_int_equal(fan_room(bench->fan, bench->now, false, &wait), 0);
    assert_true(wait < 1000 * MS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_takes_nothing_is_played),
        TEST(one_alone_sets_the_pace_by_what_it_takes),
        TEST(all_get_the_same_and_a_stalled_one_holds_nobody_up),
        TEST(the_faster_clock_sets_the_pace),
        TEST(a_dump_goes_at_the_pace_of_who_listens),
        TEST(beside_one_that_stalls_it_goes_at_that_of_the_clock),
        TEST(a_dump_alone_is_as_fast_as_composing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
