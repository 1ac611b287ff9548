// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "audio/fan.h"
#include "audio/announcement.h"
#include "audio/announcer.h"
#include "audio/performer.h"
#include "audio/profile.h"
#include "audio/ring.h"
#include "audio/synth.h"
#include "log.h"

#define RING 16384u
#define MOST_EVENTS 64

struct stage {
    struct performer *performer;
    struct performer_part part;
    struct tap *tap;
    struct ring *ring;
    struct score_event events[MOST_EVENTS];
    uint64_t frames[MOST_EVENTS];
    uint32_t ahead[MOST_EVENTS];
    atomic_uint event_count;
    atomic_uint hungry;
};

static void on_event(void *user, const struct score_event *event, uint64_t frame, uint32_t ahead)
{
    struct stage *stage = user;
    unsigned i = atomic_load(&stage->event_count);
    if (i == MOST_EVENTS)
        return;
    stage->events[i] = *event;
    stage->frames[i] = frame;
    stage->ahead[i] = ahead;
    atomic_store(&stage->event_count, i + 1);
}

static void on_hungry(void *user)
{
    struct stage *stage = user;
    atomic_fetch_add(&stage->hungry, 1);
}

static void part_init(struct stage *stage)
{
    stage->part.on_event = on_event;
    stage->part.on_hungry = on_hungry;
    stage->part.user = stage;
    assert_int_equal(score_new(&stage->part.score), 0);
    assert_int_equal(synth_new(NULL, &stage->part.synth), 0);
    assert_int_equal(fan_new(&stage->part.fan), 0);
    assert_int_equal(fan_add(stage->part.fan, RING, NULL, NULL, &stage->tap), 0);
    stage->ring = tap_ring(stage->tap);
    tap_set_active(stage->tap, true);
}

static void part_finish(struct stage *stage)
{
    fan_remove(stage->part.fan, stage->tap);
    fan_free(stage->part.fan);
    synth_free(stage->part.synth);
    score_free(stage->part.score);
}

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    *state = stage;
    if (!synth_default_soundfont())
        return 0;
    part_init(stage);
    assert_int_equal(performer_new(&stage->performer), 0);
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    if (stage->performer) {
        performer_remove(stage->performer, &stage->part);
        performer_free(stage->performer);
        part_finish(stage);
    }
    free(stage);
    return 0;
}

static void need_soundfont(const struct stage *stage)
{
    if (!stage->performer) {
        print_message("no SoundFont here: apt-get install timgm6mb-soundfont\n");
        skip();
    }
}

static void add_note(struct stage *stage, int64_t onset_us, int64_t duration_us, uint8_t pitch)
{
    struct note note = {
        .onset = onset_us, .duration = duration_us, .pitch = pitch, .velocity = 100};
    assert_int_equal(score_add(stage->part.score, &note), 0);
}

/** Renders and reads `frames` frames, the ring being emptied as it fills. */
static float *listen(struct stage *stage, uint32_t frames)
{
    float *heard = calloc(frames, 2 * sizeof *heard);
    assert_non_null(heard);
    uint32_t done = 0;
    while (done < frames) {
        performer_step(stage->performer);
        uint32_t got = ring_read(stage->ring, heard + 2 * (size_t)done, frames - done);
        assert_true(got > 0);
        done += got;
    }
    return heard;
}

static uint32_t onset_in(const float *heard, uint32_t frames)
{
    uint32_t i = 0;
    while (i < frames && fabsf(heard[2 * i]) < 1e-5f)
        i++;
    return i;
}

static void a_note_is_heard_at_its_frame(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    // Times that lie nowhere near a block's edge, some across turns and rings.
    static const int64_t times[] = {0, 1001, 333333, 777777, 1234567};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        atomic_store(&stage->event_count, 0);
        // A pitch whose sample in TimGM6mb begins with no silence of its own.
        add_note(stage, times[i], 100000, 81);
        score_extend(stage->part.score, 20 * NOTE_SECOND);
        assert_int_equal(performer_add(stage->performer, &stage->part), 0);
        float *heard = listen(stage, 80000);
        int64_t onset = onset_in(heard, 80000);
        free(heard);

        int64_t due = times[i] * 48 / 1000;
        print_message("due at frame %ld, told %ld, heard %ld\n", (long)due, (long)stage->frames[0],
                      (long)onset);
        assert_in_range(atomic_load(&stage->event_count), 2, 2);
        assert_int_equal(stage->events[0].pitch, 81);
        assert_int_equal(stage->events[1].velocity, 0);
        int64_t told = (int64_t)stage->frames[0];
        assert_true(llabs(told - SYNTH_DELAY - due) <= SYNTH_BLOCK / 2);
        // The sample itself takes some frames to rise.
        assert_true(onset >= told && onset < told + SYNTH_BLOCK);

        performer_remove(stage->performer, &stage->part);
        part_finish(stage);
        part_init(stage);
    }
}

/** Root of the mean square of the left channel, times a sine of `hertz` where that is not 0. */
static double strength(const float *heard, uint32_t frames, double hertz)
{
    double sine = 0.0;
    double cosine = 0.0;
    for (uint32_t i = 0; i < frames; i++) {
        double v = heard[2 * i];
        sine += v * (hertz > 0.0 ? sin(2.0 * M_PI * hertz * i / SYNTH_RATE) : v);
        cosine += v * (hertz > 0.0 ? cos(2.0 * M_PI * hertz * i / SYNTH_RATE) : 0.0);
    }
    return hertz > 0.0 ? hypot(sine, cosine) / frames : sqrt(sine / frames);
}

static void plays_the_pitch_and_releases_it(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    add_note(stage, 0, 400000, 69);
    score_extend(stage->part.score, 20 * NOTE_SECOND);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    float *heard = listen(stage, 2 * SYNTH_RATE);
    const float *held = heard + 2 * SYNTH_RATE / 10;
    uint32_t length = SYNTH_RATE / 4;
    assert_true(strength(held, length, 440.0) > 3.0 * strength(held, length, 466.2));
    assert_true(strength(held, length, 440.0) > strength(held, length, 880.0) / 5.0);
    const float *after = heard + 3 * SYNTH_RATE;
    assert_true(strength(after, length, 0.0) < strength(held, length, 0.0) / 100.0);
    free(heard);
}

static void tells_how_far_the_reader_is_behind(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    add_note(stage, 100000, 50000, 60);
    score_extend(stage->part.score, NOTE_SECOND);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    assert_int_equal(performer_step(stage->performer), RING);
    assert_int_equal(ring_readable(stage->ring), RING);
    assert_int_equal(atomic_load(&stage->event_count), 2);
    // Nothing has been read: the whole way is still ahead.
    assert_int_equal(stage->ahead[0], stage->frames[0]);
    assert_int_equal(performer_progress(stage->performer), RING / SYNTH_BLOCK);
    assert_int_equal(performer_step(stage->performer), 0);
}

static void leaves_the_ring_empty_before_the_first_music(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    assert_int_equal(performer_step(stage->performer), 0);
    assert_int_equal(ring_readable(stage->ring), 0);
    assert_int_equal(atomic_load(&stage->hungry), 1);
    assert_int_equal(performer_starved(stage->performer), 0);
}

static void starved_time_stands_still(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    add_note(stage, 0, NOTE_OPEN, 57);
    score_extend(stage->part.score, 100000);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    float *heard = listen(stage, 9600);
    free(heard);
    assert_int_equal(score_position(stage->part.score), 100000);
    // 100 ms are 4800 frames, 75 blocks to the frame.
    uint32_t rendered = (uint32_t)performer_progress(stage->performer) * SYNTH_BLOCK;
    assert_int_equal(performer_starved(stage->performer), rendered - 4800);

    // The music goes on where it stopped: what is due 20 ms on comes 20 ms after it is there.
    add_note(stage, 120000, 100000, 81);
    score_extend(stage->part.score, NOTE_SECOND);
    unsigned before = atomic_load(&stage->event_count);
    heard = listen(stage, RING);
    free(heard);
    assert_true(atomic_load(&stage->event_count) > before);
    assert_int_equal(stage->events[before].pitch, 81);
    assert_int_equal(stage->frames[before], rendered + 960 + SYNTH_DELAY);
}

static void asks_for_more_at_most_four_times_a_second(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    score_extend(stage->part.score, PERFORMER_LOW + 2 * NOTE_SECOND);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    free(listen(stage, SYNTH_RATE));
    assert_int_equal(atomic_load(&stage->hungry), 0);
    free(listen(stage, 4 * SYNTH_RATE));
    assert_in_range(atomic_load(&stage->hungry), 11, 15);
}

static void an_announcement_is_spoken_over_the_part(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    add_note(stage, 0, NOTE_SECOND, 57);
    score_extend(stage->part.score, 60 * NOTE_SECOND); // plenty, for a hasty reader
    assert_int_equal(profile_new(PROFILE_RAW, &stage->part.profile), 0);
    assert_int_equal(announcer_new(&stage->part.announcer), 0);
    float one[SYNTH_RATE / 10];
    for (int i = 0; i < SYNTH_RATE / 10; i++)
        one[i] = 0.1f;
    struct announcement announcement = {.samples = one,
                                        .frames = SYNTH_RATE / 10,
                                        .channels = 1,
                                        .level = {-20, -20, -20},
                                        .references = 2};
    announcer_say(stage->part.announcer, &announcement);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    float *heard = listen(stage, 9 * SYNTH_RATE);
    assert_int_equal(announcer_said(stage->part.announcer), 1);
    free(heard);
    // What was struck is heard by as much later as the profile takes.
    assert_int_equal(stage->frames[0], SYNTH_DELAY + PROFILE_DELAY);
    performer_remove(stage->performer, &stage->part);
    announcer_free(stage->part.announcer);
    profile_free(stage->part.profile);
    stage->part.announcer = NULL;
    stage->part.profile = NULL;
}

static void *read_on(void *data)
{
    struct stage *stage = data;
    uint32_t left = 3 * SYNTH_RATE;
    while (left > 0) {
        float frames[2 * 1024];
        uint32_t got = ring_read(stage->ring, frames, left < 1024 ? left : 1024);
        left -= got;
        performer_wake(stage->performer);
        if (got == 0)
            sched_yield();
    }
    return NULL;
}

static void parts_come_and_go_under_the_running_thread(void **state)
{
    struct stage *stage = *state;
    need_soundfont(stage);
    for (int i = 0; i < 40; i++)
        add_note(stage, i * 90000, 80000, (uint8_t)(50 + i % 12));
    score_extend(stage->part.score, 4 * NOTE_SECOND);
    assert_int_equal(performer_cpu_ns(stage->performer), 0);
    assert_int_equal(performer_start(stage->performer), 0);
    assert_int_equal(performer_add(stage->performer, &stage->part), 0);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_on, stage), 0);

    struct stage *guest = calloc(1, sizeof *guest);
    assert_non_null(guest);
    part_init(guest);
    add_note(guest, 0, 500000, 40);
    score_extend(guest->part.score, NOTE_SECOND);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(performer_add(stage->performer, &guest->part), 0);
        if (i == 10)
            while (ring_readable(guest->ring) == 0)
                sched_yield();
        performer_remove(stage->performer, &guest->part);
    }
    // The thread has let go of it: it may be freed at once.
    part_finish(guest);
    free(guest);

    pthread_join(reader, NULL);
    performer_remove(stage->performer, &stage->part);
    assert_true(atomic_load(&stage->event_count) >= 60);
    assert_true(performer_cpu_ns(stage->performer) > 0);
    assert_int_equal(performer_starved(stage->performer), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_note_is_heard_at_its_frame),
        TEST(plays_the_pitch_and_releases_it),
        TEST(tells_how_far_the_reader_is_behind),
        TEST(leaves_the_ring_empty_before_the_first_music),
        TEST(starved_time_stands_still),
        TEST(an_announcement_is_spoken_over_the_part),
        TEST(asks_for_more_at_most_four_times_a_second),
        TEST(parts_come_and_go_under_the_running_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
