// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audio/fader.h"
#include "audio/ring.h"

#define CAPACITY 16384u
#define QUANTUM 1024u

/** A ring that is kept full of ones, so that what comes out is the gain itself. */
struct bench {
    struct ring *ring;
    struct fader fader;
    float out[2 * QUANTUM];
    float last;
};

static void fill(struct bench *bench, uint32_t frames)
{
    const float one[2] = {1.0f, 1.0f};
    while (frames-- > 0 && ring_write(bench->ring, one, 1) == 1)
        continue;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(ring_new(CAPACITY, &bench->ring), 0);
    fader_init(&bench->fader, bench->ring);
    fill(bench, CAPACITY);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    ring_free(bench->ring);
    free(bench);
    return 0;
}

/** Renders one quantum and holds that no step is larger than a fade of FADER_FRAMES makes. */
static bool process(struct bench *bench)
{
    bool silent = fader_process(&bench->fader, bench->out, QUANTUM);
    for (uint32_t i = 0; i < QUANTUM; i++) {
        assert_true(fabsf(bench->out[2 * i] - bench->last) < 1.01f / FADER_FRAMES);
        assert_true(bench->out[2 * i] == bench->out[2 * i + 1]);
        bench->last = bench->out[2 * i];
    }
    return silent;
}

static void stopped_it_is_silent_and_takes_nothing(void **state)
{
    struct bench *bench = *state;
    process(bench);
    assert_true(bench->last == 0.0f);
    assert_int_equal(ring_readable(bench->ring), CAPACITY);
}

static void fades_in_and_out_and_loses_only_the_fade(void **state)
{
    struct bench *bench = *state;
    fader_set_playing(&bench->fader, true);
    for (int i = 0; i < 2; i++)
        assert_false(process(bench));
    assert_true(bench->last == 1.0f);
    assert_int_equal(ring_readable(bench->ring), CAPACITY - 2 * QUANTUM);

    fader_set_playing(&bench->fader, false);
    // Two quanta hold the fade, one more may be on its way.
    for (int i = 0; i < 3; i++)
        assert_false(process(bench));
    assert_true(process(bench));
    assert_true(bench->last == 0.0f);
    uint32_t left = ring_readable(bench->ring);
    assert_in_range(CAPACITY - 2 * QUANTUM - left, FADER_FRAMES, FADER_FRAMES + 1);
    // It says so once, and takes nothing more.
    assert_false(process(bench));
    assert_int_equal(ring_readable(bench->ring), left);
}

static void says_again_that_it_is_silent_after_the_next_stop(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++) {
        fader_set_playing(&bench->fader, true);
        process(bench);
        fader_set_playing(&bench->fader, false);
        int said = 0;
        for (int j = 0; j < 6; j++)
            said += process(bench);
        assert_int_equal(said, 1);
    }
}

static void moves_to_a_new_volume_and_takes_the_music_on_at_none(void **state)
{
    struct bench *bench = *state;
    fader_set_playing(&bench->fader, true);
    fader_set_volume(&bench->fader, 0.25f);
    for (int i = 0; i < 2; i++)
        process(bench);
    assert_true(bench->last == 0.25f);
    fader_set_volume(&bench->fader, 0.0f);
    for (int i = 0; i < 2; i++)
        process(bench);
    assert_true(bench->last == 0.0f);
    assert_int_equal(ring_readable(bench->ring), CAPACITY - 4 * QUANTUM);
    assert_int_equal(fader_underruns(&bench->fader), 0);
}

static void fades_where_the_ring_runs_empty_and_counts_the_gap(void **state)
{
    struct bench *bench = *state;
    fader_set_playing(&bench->fader, true);
    while (bench->last > 0.0f || ring_readable(bench->ring) == CAPACITY ||
           fader_underruns(&bench->fader) == 0)
        process(bench);
    uint64_t gap = fader_underruns(&bench->fader);
    process(bench);
    assert_int_equal(fader_underruns(&bench->fader), gap + QUANTUM);

    // A little music is not enough to begin again: it would stutter.
    fill(bench, 4 * QUANTUM);
    process(bench);
    assert_true(bench->last == 0.0f);
    fill(bench, CAPACITY);
    process(bench);
    process(bench);
    assert_true(bench->last == 1.0f);
    assert_int_equal(fader_underruns(&bench->fader), gap + 2 * QUANTUM);
}

static void waiting_for_the_first_music_is_no_underrun(void **state)
{
    struct bench *bench = *state;
    float dropped[2 * QUANTUM];
    while (ring_read(bench->ring, dropped, QUANTUM) > 0)
        continue;
    fader_set_playing(&bench->fader, true);
    process(bench);
    assert_int_equal(fader_underruns(&bench->fader), 0);
}

static void begins_from_silence_after_a_restart(void **state)
{
    struct bench *bench = *state;
    fader_set_playing(&bench->fader, true);
    process(bench);
    process(bench);
    assert_true(bench->last == 1.0f);
    fader_restart(&bench->fader);
    bench->last = 0.0f;
    process(bench);
    assert_true(bench->last > 0.0f && bench->last < 1.0f);
}

static void wants_music_when_a_quarter_is_free(void **state)
{
    struct bench *bench = *state;
    assert_false(fader_wants_music(&bench->fader));
    fader_set_playing(&bench->fader, true);
    for (uint32_t i = 0; i < CAPACITY / QUANTUM / 4; i++) {
        assert_false(fader_wants_music(&bench->fader));
        process(bench);
    }
    assert_true(fader_wants_music(&bench->fader));
}

static void *turn_the_knobs(void *data)
{
    struct bench *bench = data;
    for (int i = 0; i < 20000; i++) {
        fader_set_playing(&bench->fader, i % 7 != 0);
        fader_set_volume(&bench->fader, (float)(i % 5) / 4.0f);
        if (i % 11 == 0)
            fader_restart(&bench->fader);
        assert_true(fader_underruns(&bench->fader) < UINT64_MAX);
    }
    return NULL;
}

static void may_be_told_from_another_thread(void **state)
{
    struct bench *bench = *state;
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, turn_the_knobs, bench), 0);
    for (int i = 0; i < 500; i++) {
        fader_process(&bench->fader, bench->out, QUANTUM);
        for (uint32_t j = 0; j < 2 * QUANTUM; j++)
            assert_true(bench->out[j] >= 0.0f && bench->out[j] <= 1.0f);
        fill(bench, QUANTUM);
    }
    pthread_join(other, NULL);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stopped_it_is_silent_and_takes_nothing),
        TEST(fades_in_and_out_and_loses_only_the_fade),
        TEST(says_again_that_it_is_silent_after_the_next_stop),
        TEST(moves_to_a_new_volume_and_takes_the_music_on_at_none),
        TEST(fades_where_the_ring_runs_empty_and_counts_the_gap),
        TEST(waiting_for_the_first_music_is_no_underrun),
        TEST(begins_from_silence_after_a_restart),
        TEST(wants_music_when_a_quarter_is_free),
        TEST(may_be_told_from_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
