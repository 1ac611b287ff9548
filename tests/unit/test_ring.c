// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audio/ring.h"

/** Frame number n as samples: exact in a float up to 2^24, and left is never right. */
static void number(float *frames, uint32_t count, uint32_t first)
{
    for (uint32_t i = 0; i < count; i++) {
        frames[2 * i] = (float)(first + i);
        frames[2 * i + 1] = -(float)(first + i) - 0.5f;
    }
}

static void assert_numbered(const float *frames, uint32_t count, uint32_t first)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(frames[2 * i] == (float)(first + i));
        assert_true(frames[2 * i + 1] == -(float)(first + i) - 0.5f);
    }
}

static struct ring *ring_of(uint32_t frames)
{
    struct ring *ring;
    assert_int_equal(ring_new(frames, &ring), 0);
    return ring;
}

static void is_empty_at_first_and_rounds_its_size_up(void **state)
{
    struct ring *ring = ring_of(100);
    float frame[2];
    assert_int_equal(ring_readable(ring), 0);
    assert_int_equal(ring_writable(ring), 128);
    assert_int_equal(ring_read(ring, frame, 1), 0);
    ring_free(ring);
    ring_free(NULL);
}

static void takes_no_more_than_it_holds(void **state)
{
    struct ring *ring = ring_of(128);
    float frames[2 * 200];
    number(frames, 200, 0);
    assert_int_equal(ring_write(ring, frames, 200), 128);
    assert_int_equal(ring_writable(ring), 0);
    assert_int_equal(ring_readable(ring), 128);
    assert_int_equal(ring_write(ring, frames, 1), 0);

    float back[2 * 200];
    assert_int_equal(ring_read(ring, back, 200), 128);
    assert_numbered(back, 128, 0);
    assert_int_equal(ring_readable(ring), 0);
    ring_free(ring);
}

static void keeps_the_order_while_wrapping_around(void **state)
{
    struct ring *ring = ring_of(128);
    uint32_t written = 0;
    uint32_t read = 0;
    // Odd portions, so that every place of the ring is the seam once.
    for (int round = 0; round < 1000; round++) {
        float frames[2 * 77];
        number(frames, 77, written);
        written += ring_write(ring, frames, 77);
        assert_int_equal(ring_readable(ring) + ring_writable(ring), 128);
        float back[2 * 53];
        uint32_t got = ring_read(ring, back, 53);
        assert_numbered(back, got, read);
        read += got;
        assert_int_equal(ring_readable(ring), written - read);
    }
    assert_true(read > 50000);
    ring_free(ring);
}

#define CONCURRENT_FRAMES 300000u

static void *write_all(void *data)
{
    struct ring *ring = data;
    uint32_t written = 0;
    while (written < CONCURRENT_FRAMES) {
        float frames[2 * 61];
        uint32_t count = CONCURRENT_FRAMES - written < 61 ? CONCURRENT_FRAMES - written : 61;
        number(frames, count, written);
        uint32_t done = ring_write(ring, frames, count);
        if (done == 0)
            sched_yield();
        written += done;
    }
    return NULL;
}

static void carries_frames_between_two_threads(void **state)
{
    struct ring *ring = ring_of(256);
    pthread_t writer;
    assert_int_equal(pthread_create(&writer, NULL, write_all, ring), 0);
    uint32_t read = 0;
    while (read < CONCURRENT_FRAMES) {
        float frames[2 * 47];
        uint32_t got = ring_read(ring, frames, 47);
        assert_numbered(frames, got, read);
        if (got == 0)
            sched_yield();
        read += got;
    }
    pthread_join(writer, NULL);
    assert_int_equal(ring_readable(ring), 0);
    ring_free(ring);
}

#define RING 4096u
#define QUANTUM 512u

/** A slow ramp in place of music: frame number n as a fraction, the same in both channels. */
static void push(struct ring *ring, uint32_t count, uint32_t *at, uint32_t *ret_left_out)
{
    float frames[2 * 64];
    for (uint32_t done = 0; done < count; done += 64) {
        for (uint32_t i = 0; i < 64; i++)
            frames[2 * i] = frames[2 * i + 1] = (float)(*at + i) * 1e-5f;
        *at += 64;
        *ret_left_out += 64 - ring_push(ring, frames, 64);
    }
}

/** Reads a quantum; holds that there is no step in it but those of crossfades. */
static float read_smoothly(struct ring *ring, float last, float steepest)
{
    float frames[2 * QUANTUM];
    ring_settle(ring, QUANTUM);
    assert_int_equal(ring_read(ring, frames, QUANTUM), QUANTUM);
    for (uint32_t i = 0; i < QUANTUM; i++) {
        assert_true(fabsf(frames[2 * i] - last) < steepest);
        assert_true(frames[2 * i] == frames[2 * i + 1]);
        last = frames[2 * i];
    }
    return last;
}

static void a_late_reader_leaves_the_oldest_out_without_a_click(void **state)
{
    struct ring *ring = ring_of(RING);
    uint32_t at = 0;
    uint32_t left_out = 0;
    float last = 0.0f;
    uint32_t shortest = UINT32_MAX;
    // The reader takes seven eighths of what comes.
    for (int i = 0; i < 400; i++) {
        push(ring, QUANTUM, &at, &left_out);
        uint32_t before = ring_readable(ring);
        if (i % 8 == 7)
            continue;
        // Leaving out the ring's length of the ramp within a crossfade is this steep.
        if (before >= QUANTUM)
            last = read_smoothly(ring, last, 1e-5f * (1.0f + 1.5f * RING / RING_CROSSFADE));
        assert_true(ring_readable(ring) <= RING * 3 / 2);
        if (before > RING * 3 / 2)
            shortest = ring_readable(ring) < shortest ? ring_readable(ring) : shortest;
    }
    // It was never so late that the writer had to leave something out, and it is not far behind.
    assert_int_equal(left_out, 0);
    assert_int_equal(shortest, RING - QUANTUM);
    assert_true(last * 1e5f > (float)(at - 2 * RING));
    ring_free(ring);
}

static void one_that_comes_back_goes_on_with_what_is_new(void **state)
{
    struct ring *ring = ring_of(RING);
    uint32_t at = 0;
    uint32_t left_out = 0;
    push(ring, RING, &at, &left_out);
    float last = read_smoothly(ring, 0.0f, 2e-5f);
    // Away for many times the ring's length.
    push(ring, 20 * RING, &at, &left_out);
    assert_true(left_out > 18 * RING);
    uint32_t away = at;
    uint32_t missed = left_out;
    for (int i = 0; i < 20; i++) {
        last = read_smoothly(ring, last, 1e-5f * (1.0f + 22.0f * RING / RING_CROSSFADE));
        push(ring, QUANTUM, &at, &left_out);
    }
    assert_true(last * 1e5f > (float)away);
    assert_true(left_out - missed <= QUANTUM);
    ring_free(ring);
}

static void what_was_missed_while_inactive_is_crossed_over(void **state)
{
    struct ring *ring = ring_of(RING);
    uint32_t at = 0;
    uint32_t left_out = 0;
    push(ring, 2 * QUANTUM, &at, &left_out);
    float last = read_smoothly(ring, 0.0f, 2e-5f);
    ring_miss(ring);
    at += 3 * RING;
    uint32_t from = at;
    push(ring, 3 * QUANTUM, &at, &left_out);
    // The quantum that was left is gone but for the crossfade.
    last = read_smoothly(ring, last, 1e-5f * (1.0f + 4.0f * RING / RING_CROSSFADE));
    assert_true(fabsf(last - (float)(from + QUANTUM - 1) * 1e-5f) < 1e-6f);
    assert_int_equal(ring_readable(ring), 2 * QUANTUM);
    // And only once.
    read_smoothly(ring, last, 2e-5f);
    assert_int_equal(ring_readable(ring), QUANTUM);
    ring_free(ring);
}

struct writer {
    struct ring *ring;
    atomic_bool done;
};

static void *push_all(void *data)
{
    struct writer *writer = data;
    struct ring *ring = writer->ring;
    uint32_t at = 0;
    uint32_t left_out = 0;
    while (at < CONCURRENT_FRAMES) {
        push(ring, 64, &at, &left_out);
        if (at % 4096 == 0)
            sched_yield();
        if (at % 65536 == 0)
            ring_miss(ring);
    }
    atomic_store(&writer->done, true);
    return NULL;
}

static void a_reader_may_settle_while_it_is_pushed(void **state)
{
    struct ring *ring = ring_of(1024);
    struct writer writer = {.ring = ring};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, push_all, &writer), 0);
    float last = 0.0f;
    // The last of the music always comes in the end, and it never goes back.
    bool done = false;
    uint32_t got = 0;
    while (got || !done) {
        float frames[2 * 64];
        done = atomic_load(&writer.done); // before the read: what was written last is read as well
        ring_settle(ring, 64);
        got = ring_read(ring, frames, 64);
        for (uint32_t i = 0; i < got; i++) {
            assert_true(frames[2 * i] >= last - 1e-6f);
            last = frames[2 * i];
        }
        if (!got)
            sched_yield();
    }
    pthread_join(thread, NULL);
    assert_true(last > 0.0f);
    ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first_and_rounds_its_size_up),
        cmocka_unit_test(takes_no_more_than_it_holds),
        cmocka_unit_test(keeps_the_order_while_wrapping_around),
        cmocka_unit_test(carries_frames_between_two_threads),
        cmocka_unit_test(a_late_reader_leaves_the_oldest_out_without_a_click),
        cmocka_unit_test(one_that_comes_back_goes_on_with_what_is_new),
        cmocka_unit_test(what_was_missed_while_inactive_is_crossed_over),
        cmocka_unit_test(a_reader_may_settle_while_it_is_pushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
