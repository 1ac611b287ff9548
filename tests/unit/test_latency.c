// SPDX-License-Identifier: MIT
// How late what a pipe's reader reads is, alone and beside others: a quarter of a second at most.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/converter.h"
#include "audio/fan.h"
#include "audio/outlet.h"
#include "audio/pace.h"
#include "audio/ring.h"

#define MS 1000 // microseconds
#define SAMPLES 320
#define CHUNK (SAMPLES * 2)
#define LOOK (20 * MS)
#define READ (40 * MS)
#define LEAST (-0.9)
/** Milliseconds of music for each step of a 16 bit sample, so that each says when it was rendered.
 */
#define SLOPE 2.0
#define ROUND (SLOPE * 58000)
#define QUARTER 250.0

/** Of chunks in the client's own pipe, once the PBX reads. */
#define KEPT 3

/** A PBX that reads as it is played, through the client. */
struct reader {
    struct outlet *outlet;
    int fd;
    double pace; // of its clock
    double next_read;
    int64_t next_look;
    int64_t next_step;
    unsigned kept;
    int16_t chunks[5][SAMPLES];
    double oldest; // milliseconds
    double last;
    unsigned skips;
    unsigned reads;
};

/** What is played beside it. */
struct sink {
    struct tap *tap;
    uint32_t quantum; // 0: there is none
    double pace;
    double next;
};

struct bench {
    struct fan *fan;
    struct reader readers[2];
    struct sink sink;
    int64_t began;
    int64_t now;
    uint64_t frames;
    bool told;
};

static double played_ms(const struct bench *bench)
{
    return (double)bench->frames / 48.0;
}

static void on_room(void *user)
{
    struct bench *bench = user;
    uint32_t wait = UINT32_MAX;
    while (fan_room(bench->fan, bench->now, false, &wait) >= 64) {
        float block[2 * 64];
        double ms = fmod(played_ms(bench), ROUND);
        for (int i = 0; i < 64; i++)
            block[2 * i] = block[2 * i + 1] = (float)(LEAST + (ms + i / 48.0) / SLOPE / 32768);
        bench->frames += 64;
        fan_push(bench->fan, block, 64);
    }
}

static void on_music(void *user)
{
    struct bench *bench = user;
    bench->told = true;
}

static void on_state(void *user)
{
}

static void add_reader(struct bench *bench, struct reader *reader, double pace, int64_t phase)
{
    struct outlet_config config = {
        .fan = bench->fan,
        .format = converter_format("s16le"),
        .rate = 8000,
        .channels = 1,
        .chunks = 1,
        .on_room = on_room,
        .on_music = on_music,
        .on_state = on_state,
        .user = bench,
    };
    assert_int_equal(outlet_new(&config, &reader->outlet, &reader->fd), 0);
    outlet_set_playing(reader->outlet, true);
    reader->pace = pace;
    reader->next_look = bench->now + phase;
    reader->next_step = bench->now;
    reader->next_read = (double)(bench->now + 400 * MS + phase * 3);
}

static void look(struct reader *reader)
{
    int bytes = 0;
    while (reader->kept < KEPT && ioctl(reader->fd, FIONREAD, &bytes) == 0 && bytes >= CHUNK)
        assert_int_equal(read(reader->fd, reader->chunks[reader->kept++], CHUNK), CHUNK);
}

/** From the third second on, which are a beginning's. */
static void hear(struct bench *bench, struct reader *reader)
{
    assert_true(reader->kept > 0);
    reader->reads++;
    for (int i = 0; i < SAMPLES && bench->now - bench->began > 3000 * MS; i++) {
        double ms = (reader->chunks[0][i] / 32767.0 - LEAST) * SLOPE * 32768;
        double now = fmod(played_ms(bench), ROUND);
        // The first one is heard now, the others as much later as they are behind it.
        if (now > 1000)
            reader->oldest = fmax(reader->oldest, now - ms + i / 8.0);
        if (i == 0) {
            // 40 ms are between the beginnings of two chunks where nothing is left out.
            reader->skips += ms - reader->last > 50 && now > 1000 && reader->last > 0;
            reader->last = ms;
        }
    }
    reader->kept--;
    for (unsigned i = 0; i < reader->kept; i++)
        for (int k = 0; k < SAMPLES; k++)
            reader->chunks[i][k] = reader->chunks[i + 1][k];
}

static void take(struct bench *bench, struct sink *sink)
{
    float heard[2 * 8192];
    struct ring *ring = tap_ring(sink->tap);
    ring_settle(ring, sink->quantum);
    assert_int_equal(ring_read(ring, heard, sink->quantum), sink->quantum);
    if (ring_writable(ring) >= 4096)
        on_room(bench);
}

static void run(struct bench *bench, int seconds)
{
    int64_t end = bench->now + seconds * INT64_C(1000) * MS;
    for (; bench->now < end; bench->now += MS) {
        struct sink *sink = &bench->sink;
        if (sink->quantum && (double)bench->now >= sink->next) {
            take(bench, sink);
            sink->next += sink->quantum * (1000000.0 / 48000) * sink->pace;
        }
        bool told = bench->told;
        bench->told = false;
        for (int i = 0; i < 2; i++) {
            struct reader *reader = &bench->readers[i];
            if (!reader->outlet)
                continue;
            if (told || bench->now >= reader->next_step)
                reader->next_step = bench->now + outlet_step(reader->outlet, bench->now);
            if (bench->now >= reader->next_look) {
                look(reader);
                reader->next_look += LOOK;
            }
            if ((double)bench->now >= reader->next_read) {
                hear(bench, reader);
                reader->next_read += READ * reader->pace;
            }
        }
    }
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    assert_non_null(bench);
    assert_int_equal(fan_new(&bench->fan), 0);
    // The taps' allowance began with the real clock; the pump's grid is always the same here.
    bench->began = bench->now = (pace_now_us() / 1000000 + 2) * 1000000;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    for (int i = 0; i < 2; i++) {
        if (bench->readers[i].outlet) {
            close(bench->readers[i].fd);
            outlet_free(bench->readers[i].outlet);
        }
    }
    if (bench->sink.tap)
        fan_remove(bench->fan, bench->sink.tap);
    fan_free(bench->fan);
    free(bench);
    return 0;
}

static void add_sink(struct bench *bench, uint32_t quantum, double pace)
{
    assert_int_equal(fan_add(bench->fan, 16384, NULL, NULL, &bench->sink.tap), 0);
    tap_set_slack(bench->sink.tap, 4096);
    tap_set_active(bench->sink.tap, true);
    bench->sink.quantum = quantum;
    bench->sink.pace = pace;
    bench->sink.next = (double)bench->now;
    on_room(bench);
}

static void tell(const char *what, const struct reader *reader)
{
    print_message("%s: %.0f ms at most, %u skips in %u reads\n", what, reader->oldest,
                  reader->skips, reader->reads);
}

static void alone_it_is_a_quarter_of_a_second_at_most(void **state)
{
    struct bench *bench = *state;
    add_reader(bench, &bench->readers[0], 1, 7 * MS);
    run(bench, 20);
    tell("alone", &bench->readers[0]);
    assert_true(bench->readers[0].oldest < QUARTER);
    assert_int_equal(bench->readers[0].skips, 0);
    assert_int_equal(outlet_underruns(bench->readers[0].outlet), 0);
}

/** `rate`: of its clock; above 1 it is slower than the PBX's. */
static void beside_a_sink(struct bench *bench, uint32_t quantum, double rate, unsigned most_skips)
{
    add_sink(bench, quantum, rate);
    add_reader(bench, &bench->readers[0], 1, 7 * MS);
    run(bench, 100);
    tell("beside a sink", &bench->readers[0]);
    assert_true(bench->readers[0].oldest < QUARTER);
    assert_true(bench->readers[0].skips <= most_skips);
    assert_int_equal(outlet_underruns(bench->readers[0].outlet), 0);
}

static void beside_a_sink_too(void **state)
{
    beside_a_sink(*state, 1024, 1, 1);
}

static void beside_one_whose_clock_is_fast(void **state)
{
    // 600 ppm are 60 ms in 100 s; clocks are wrong by a tenth of that.
    beside_a_sink(*state, 1024, 1 - 600e-6, 4);
}

static void beside_one_whose_clock_is_slow(void **state)
{
    beside_a_sink(*state, 1024, 1 + 600e-6, 1);
}

static void beside_one_whose_cycles_are_long(void **state)
{
    beside_a_sink(*state, 8192, 1 - 600e-6, 4);
}

static void beside_another_pipe(void **state)
{
    struct bench *bench = *state;
    add_reader(bench, &bench->readers[0], 1, 7 * MS);
    add_reader(bench, &bench->readers[1], 1, 13 * MS);
    run(bench, 100);
    for (int i = 0; i < 2; i++) {
        tell("beside another pipe", &bench->readers[i]);
        assert_true(bench->readers[i].oldest < QUARTER);
        assert_true(bench->readers[i].skips <= 1);
        assert_int_equal(outlet_underruns(bench->readers[i].outlet), 0);
    }
}

static void beside_another_pipe_with_a_clock_of_its_own(void **state)
{
    struct bench *bench = *state;
    add_reader(bench, &bench->readers[0], 1, 7 * MS);
    add_reader(bench, &bench->readers[1], 1 - 600e-6, 13 * MS);
    run(bench, 100);
    for (int i = 0; i < 2; i++) {
        tell("beside a faster pipe", &bench->readers[i]);
        assert_true(bench->readers[i].oldest < QUARTER);
        assert_true(bench->readers[i].skips <= 3);
        assert_int_equal(outlet_underruns(bench->readers[i].outlet), 0);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alone_it_is_a_quarter_of_a_second_at_most),
        TEST(beside_a_sink_too),
        TEST(beside_one_whose_clock_is_fast),
        TEST(beside_one_whose_clock_is_slow),
        TEST(beside_one_whose_cycles_are_long),
        TEST(beside_another_pipe),
        TEST(beside_another_pipe_with_a_clock_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
