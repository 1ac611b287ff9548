// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/converter.h"
#include "audio/fan.h"
#include "audio/outlet.h"
#include "audio/pace.h"

#define MS 1000 // microseconds
#define CHUNK 640
#define SAMPLES 320

/** An outlet of 8 kHz, a performer that plays a sine at once, and a clock of the test's own. */
struct bench {
    struct fan *fan;
    struct outlet *outlet;
    int fd;
    int64_t now;
    uint64_t frames;
    bool plays; // the performer
    unsigned states;
    double last;
};

static void on_room(void *user)
{
    struct bench *bench = user;
    uint32_t wait = UINT32_MAX;
    while (bench->plays && fan_room(bench->fan, bench->now, true, &wait) >= 64) {
        float block[2 * 64];
        for (int i = 0; i < 64; i++, bench->frames++)
            block[2 * i] = block[2 * i + 1] =
                0.5f * (float)sin(2 * M_PI * 440.0 * (double)bench->frames / 48000.0);
        fan_push(bench->fan, block, 64);
    }
}

static void on_music(void *user)
{
}

static void on_state(void *user)
{
    struct bench *bench = user;
    bench->states++;
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(fan_new(&bench->fan), 0);
    struct outlet_config config = {
        .fan = bench->fan,
        .format = converter_format("s16le"),
        .rate = 8000,
        .channels = 1,
        .chunks = 5,
        .on_room = on_room,
        .on_music = on_music,
        .on_state = on_state,
        .user = bench,
    };
    assert_int_equal(outlet_new(&config, &bench->outlet, &bench->fd), 0);
    bench->plays = true;
    bench->now = pace_now_us() + 1000 * MS;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    if (bench->fd >= 0)
        close(bench->fd);
    outlet_free(bench->outlet);
    fan_free(bench->fan);
    free(bench);
    return 0;
}

static int queued(const struct bench *bench)
{
    int bytes = -1;
    assert_int_equal(ioctl(bench->fd, FIONREAD, &bytes), 0);
    return bytes;
}

/** Steps as often as the pump does when music comes for each chunk that was asked for. */
static void pump(struct bench *bench)
{
    for (int i = 0; i < 8; i++)
        outlet_step(bench->outlet, bench->now);
}

/** Reads a whole chunk; holds that there is no click in it; returns its loudest sample. */
static double hear(struct bench *bench)
{
    int16_t chunk[SAMPLES];
    double peak = 0;
    assert_int_equal(read(bench->fd, chunk, CHUNK), CHUNK);
    for (int i = 0; i < SAMPLES; i++) {
        double v = chunk[i] / 32767.0;
        // The steepest of the sine, and some for a fade of 5 ms.
        assert_true(fabs(v - bench->last) < 0.5 * 2 * M_PI * 440 / 8000 * 1.1 + 0.02);
        bench->last = v;
        peak = fmax(peak, fabs(v));
    }
    return peak;
}

static void is_kept_full_of_whole_chunks_by_what_is_taken(void **state)
{
    struct bench *bench = *state;
    outlet_set_playing(bench->outlet, true);
    pump(bench);
    assert_int_equal(queued(bench), 5 * CHUNK);
    uint64_t rendered = bench->frames;
    for (int i = 0; i < 100; i++) {
        bench->now += 40 * MS;
        double peak = hear(bench);
        assert_true(i < 2 || fabs(peak - 0.5) < 0.02);
        pump(bench);
        assert_int_equal(queued(bench), 5 * CHUNK);
    }
    // Nothing is rendered beyond: a change is heard after 200 ms and what a chunk needs.
    assert_in_range(bench->frames - rendered, 100 * 1920 - 1024, 100 * 1920 + 1024);
    assert_in_range(rendered, 5 * 1920, 5 * 1920 + 1024);
    assert_int_equal(outlet_underruns(bench->outlet), 0);
    // And the clock alone moves nothing.
    bench->now += 10000 * MS;
    rendered = bench->frames;
    pump(bench);
    assert_int_equal(bench->frames, rendered);
}

static void stopped_it_gives_silence_and_takes_no_music(void **state)
{
    struct bench *bench = *state;
    pump(bench);
    assert_int_equal(queued(bench), 5 * CHUNK);
    assert_true(hear(bench) == 0);
    assert_int_equal(bench->frames, 0);

    outlet_set_playing(bench->outlet, true);
    for (int i = 0; i < 10; i++) {
        bench->now += 40 * MS;
        pump(bench);
        hear(bench);
    }
    outlet_set_playing(bench->outlet, false);
    uint64_t rendered = bench->frames;
    double peak = 1;
    for (int i = 0; i < 8; i++) {
        bench->now += 40 * MS;
        pump(bench);
        peak = hear(bench);
    }
    assert_true(peak == 0);
    assert_int_equal(bench->frames, rendered);
}

static void silence_is_not_dumped(void **state)
{
    struct bench *bench = *state;
    unsigned chunks = 0;
    for (int i = 0; i < 1000; i++) {
        bench->now += 10 * MS;
        pump(bench);
        while (queued(bench) >= CHUNK) {
            hear(bench);
            chunks++;
        }
    }
    // Ten seconds at most a quarter faster, and the allowance at the beginning.
    assert_in_range(chunks, 250, 250 * 5 / 4 + 16);
}

static void late_music_is_waited_for_and_then_silence_fills_the_gap(void **state)
{
    struct bench *bench = *state;
    outlet_set_playing(bench->outlet, true);
    pump(bench);
    bench->plays = false;
    for (int i = 0; i < 12; i++) {
        bench->now += 40 * MS;
        hear(bench);
        pump(bench);
        // There is always another whole chunk: the reader need not wait.
        assert_true(queued(bench) >= CHUNK);
    }
    assert_true(hear(bench) == 0);
    assert_true(outlet_underruns(bench->outlet) > 0);
    bench->plays = true;
    for (int i = 0; i < 8; i++) {
        bench->now += 40 * MS;
        pump(bench);
        hear(bench);
    }
    assert_true(fabs(hear(bench) - 0.5) < 0.02);
}

static void one_that_stalls_is_told_and_may_come_back(void **state)
{
    struct bench *bench = *state;
    outlet_set_playing(bench->outlet, true);
    pump(bench);
    assert_int_equal(outlet_state(bench->outlet), OUTLET_FLOWING);
    bench->now += 1200 * MS;
    pump(bench);
    assert_int_equal(outlet_state(bench->outlet), OUTLET_STALLED);
    assert_int_equal(bench->states, 1);
    assert_false(fan_lacks(bench->fan));
    bench->last = 0;
    hear(bench);
    bench->now += 100 * MS;
    pump(bench);
    assert_int_equal(outlet_state(bench->outlet), OUTLET_FLOWING);
    assert_int_equal(bench->states, 2);
    assert_int_equal(queued(bench), 5 * CHUNK);
}

static void one_that_goes_is_noticed(void **state)
{
    struct bench *bench = *state;
    outlet_set_playing(bench->outlet, true);
    pump(bench);
    assert_int_equal(queued(bench), 5 * CHUNK);
    assert_true(outlet_poll_fd(bench->outlet) >= 0);
    close(bench->fd);
    bench->fd = -1;
    assert_true(outlet_step(bench->outlet, bench->now) == INT64_MAX);
    assert_int_equal(outlet_state(bench->outlet), OUTLET_CLOSED);
    assert_int_equal(outlet_poll_fd(bench->outlet), -1);
    assert_int_equal(bench->states, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(is_kept_full_of_whole_chunks_by_what_is_taken),
        TEST(stopped_it_gives_silence_and_takes_no_music),
        TEST(silence_is_not_dumped),
        TEST(late_music_is_waited_for_and_then_silence_fills_the_gap),
        TEST(one_that_stalls_is_told_and_may_come_back),
        TEST(one_that_goes_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
