// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/limiter.h"
#include "audio/synth.h"
#include "log.h"

static struct synth *synth_or_skip(void)
{
    if (!synth_default_soundfont()) {
        print_message("no SoundFont here: apt-get install timgm6mb-soundfont\n");
        skip();
    }
    struct synth *synth;
    assert_int_equal(synth_new(NULL, &synth), 0);
    return synth;
}

/** Strength of one frequency in the left channel (Goertzel's algorithm). */
static double strength(const float *frames, uint32_t count, double hertz)
{
    double turn = 2.0 * cos(2.0 * M_PI * hertz / SYNTH_RATE);
    double a = 0.0;
    double b = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        // A Hann window, so that the neighbours of a partial do not leak in.
        double window = 0.5 - 0.5 * cos(2.0 * M_PI * i / count);
        double c = frames[2 * i] * window + turn * a - b;
        b = a;
        a = c;
    }
    return sqrt(a * a + b * b - turn * a * b) / count;
}

static float peak(const float *frames, uint32_t count)
{
    float most = 0.0f;
    for (uint32_t i = 0; i < 2 * count; i++)
        most = fmaxf(most, fabsf(frames[i]));
    return most;
}

static double rms(const float *frames, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < 2 * count; i++)
        sum += (double)frames[i] * frames[i];
    return sqrt(sum / (2 * count));
}

static void a4_sounds_at_440_hertz(void **state)
{
    struct synth *synth = synth_or_skip();
    static float frames[2 * SYNTH_RATE];
    synth_render(synth, frames, SYNTH_RATE / 10);
    assert_true(peak(frames, SYNTH_RATE / 10) < 1e-3f);

    synth_note_on(synth, 69, 90);
    synth_render(synth, frames, SYNTH_RATE);
    double best = 0.0;
    double at = 0.0;
    for (double hertz = 380.0; hertz <= 510.0; hertz += 1.0) {
        double here = strength(frames, SYNTH_RATE, hertz);
        if (here > best) {
            best = here;
            at = hertz;
        }
    }
    assert_true(fabs(at - 440.0) <= 2.0);
    assert_true(best > 10.0 * strength(frames, SYNTH_RATE, 415.3));
    assert_true(best > 10.0 * strength(frames, SYNTH_RATE, 466.2));
    synth_free(synth);
}

static void a_note_begins_after_the_delay_it_states(void **state)
{
    struct synth *synth = synth_or_skip();
    static float frames[2 * 4096];
    synth_render(synth, frames, 640);
    // TimGM6mb's samples begin with some silence, up to 7 ms at A4, but not this one.
    synth_note_on(synth, 81, 110);
    synth_render(synth, frames, 4096);
    uint32_t onset = 0;
    while (onset < 4096 && fabsf(frames[2 * onset]) < 1e-5f)
        onset++;
    assert_in_range(onset, SYNTH_DELAY, SYNTH_DELAY + SYNTH_BLOCK);
    synth_free(synth);
}

static void renders_the_same_in_any_portions(void **state)
{
    struct synth *one = synth_or_skip();
    struct synth *other = synth_or_skip();
    synth_note_on(one, 60, 80);
    synth_note_on(other, 60, 80);
    static float whole[2 * 4800];
    static float parts[2 * 4800];
    synth_render(one, whole, 4800);
    for (uint32_t done = 0; done < 4800;) {
        uint32_t count = 4800 - done < 101 ? 4800 - done : 101;
        synth_render(other, parts + 2 * done, count);
        done += count;
    }
    assert_memory_equal(whole, parts, sizeof whole);
    synth_free(one);
    synth_free(other);
}

static void a_released_note_dies_away(void **state)
{
    struct synth *synth = synth_or_skip();
    static float frames[2 * SYNTH_RATE];
    synth_note_on(synth, 60, 100);
    synth_render(synth, frames, SYNTH_RATE / 2);
    double sounding = rms(frames, SYNTH_RATE / 2);
    synth_note_off(synth, 60);
    synth_render(synth, frames, SYNTH_RATE);
    synth_render(synth, frames, SYNTH_RATE);
    assert_true(rms(frames, SYNTH_RATE) < sounding / 100.0);

    synth_note_on(synth, 60, 100);
    synth_note_on(synth, 64, 100);
    synth_render(synth, frames, SYNTH_RATE / 2);
    synth_release_all(synth);
    synth_render(synth, frames, SYNTH_RATE);
    synth_render(synth, frames, SYNTH_RATE);
    assert_true(rms(frames, SYNTH_RATE) < sounding / 100.0);
    synth_free(synth);
}

static void twenty_loud_notes_do_not_clip(void **state)
{
    struct synth *synth = synth_or_skip();
    static float frames[2 * SYNTH_RATE];
    for (uint8_t pitch = 36; pitch < 96; pitch += 3)
        synth_note_on(synth, pitch, 110);
    synth_render(synth, frames, SYNTH_RATE);
    float most = peak(frames, SYNTH_RATE);
    print_message("20 notes at velocity 110: peak %.2f dBFS\n", 20.0 * log10((double)most));
    assert_true(most < 0.891f);
    // The limiter turns down; it does not switch off.
    assert_true(most > 0.3f);
    synth_free(synth);
}

static void the_limiter_holds_its_ceiling_and_leaves_the_rest_alone(void **state)
{
    struct limiter limiter;
    limiter_init(&limiter, LIMITER_CEILING, false);
    float in[2 * LIMITER_BLOCK];
    float out[2 * LIMITER_BLOCK];
    float before[2 * LIMITER_BLOCK] = {0};
    unsigned seed = 1;
    for (int block = 0; block < 4000; block++) {
        // Quiet noise for a second, then bursts of up to four times full scale.
        float level = block < 750 ? 0.8f : (block % 50 == 0 ? 4.0f : 0.5f);
        for (int i = 0; i < 2 * LIMITER_BLOCK; i++)
            in[i] = level * (2.0f * (float)rand_r(&seed) / (float)RAND_MAX - 1.0f);
        limiter_process(&limiter, in, out);
        for (int i = 0; i < 2 * LIMITER_BLOCK; i++) {
            assert_true(fabsf(out[i]) <= LIMITER_CEILING * 1.0001f);
            if (block > 0 && block < 750)
                assert_true(out[i] == before[i]);
            before[i] = in[i];
        }
    }
}

static void a_missing_soundfont_is_enoent(void **state)
{
    struct synth *untouched = (struct synth *)&state;
    struct synth *synth = untouched;
    assert_int_equal(synth_new("/nonexistent/piano.sf2", &synth), -ENOENT);
    assert_ptr_equal(synth, untouched);
}

static void a_broken_soundfont_is_ebadmsg(void **state)
{
    char path[] = "/tmp/fermata-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "RIFF\x10\0\0\0sfbkLIST", 16), 16);
    close(fd);
    struct synth *untouched = (struct synth *)&state;
    struct synth *synth = untouched;
    int res = synth_new(path, &synth);
    unlink(path);
    assert_int_equal(res, -EBADMSG);
    assert_ptr_equal(synth, untouched);
    synth_free(NULL);
}

int main(void)
{
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a4_sounds_at_440_hertz),
        cmocka_unit_test(a_note_begins_after_the_delay_it_states),
        cmocka_unit_test(renders_the_same_in_any_portions),
        cmocka_unit_test(a_released_note_dies_away),
        cmocka_unit_test(twenty_loud_notes_do_not_clip),
        cmocka_unit_test(the_limiter_holds_its_ceiling_and_leaves_the_rest_alone),
        cmocka_unit_test(a_missing_soundfont_is_enoent),
        cmocka_unit_test(a_broken_soundfont_is_ebadmsg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
