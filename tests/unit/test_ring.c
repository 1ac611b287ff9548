// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sched.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_at_first_and_rounds_its_size_up),
        cmocka_unit_test(takes_no_more_than_it_holds),
        cmocka_unit_test(keeps_the_order_while_wrapping_around),
        cmocka_unit_test(carries_frames_between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
