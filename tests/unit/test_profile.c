// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ebur128.h>

#include "audio/band.h"
#include "audio/compressor.h"
#include "audio/leveller.h"
#include "audio/limiter.h"
#include "audio/profile.h"

#define RATE 48000

static double decibels(double amplitude)
{
    return 20 * log10(fmax(amplitude, 1e-9));
}

// -- band

/** What is left of a tone, in dB. */
static double passed(double hertz)
{
    struct band band;
    band_init(&band);
    double power = 0;
    for (int block = 0; block < 100; block++) {
        float samples[480];
        for (int i = 0; i < 480; i++)
            samples[i] = (float)sin(2 * M_PI * hertz * (block * 480 + i) / RATE);
        band_process(&band, samples, 480);
        for (int i = 0; block >= 50 && i < 480; i++)
            power += samples[i] * samples[i] / (50.0 * 480.0);
    }
    return decibels(sqrt(2 * power));
}

static void test_the_band_is_the_telephones(void **state)
{
    (void)state;
    for (double hertz = 450; hertz <= 3000; hertz += 150)
        assert_true(fabs(passed(hertz)) < 0.6);
    assert_true(fabs(passed(BAND_LOWEST) + 3) < 0.2);
    assert_true(fabs(passed(BAND_HIGHEST) + 3) < 0.2);
    assert_true(passed(100) < -35);
    assert_true(passed(50) < -55);
    // What a converter to 8 kHz would fold back to 3400 Hz.
    assert_true(passed(4600) < -20);
    assert_true(passed(8000) < -60);
}

static void test_the_band_comes_to_rest(void **state)
{
    (void)state;
    struct band band;
    band_init(&band);
    float samples[480] = {1.0f};
    band_process(&band, samples, 480);
    for (int block = 0; block < 1000; block++) {
        memset(samples, 0, sizeof samples);
        band_process(&band, samples, 480);
    }
    for (int i = 0; i < BAND_SECTIONS; i++)
        assert_true(band.sections[i].z1 == 0 && band.sections[i].z2 == 0);
}

// -- leveller

static void test_the_level_is_reached_and_no_step_is_heard(void **state)
{
    (void)state;
    static struct leveller leveller;
    leveller_init(&leveller, -23, 0);
    float largest = 0;
    for (int i = 0; i < 1800; i++) {
        float before = leveller_gain(&leveller);
        leveller_hear(&leveller, i % 20 < 10 ? -40 : -36);
        float step = fabsf(leveller_gain(&leveller) - before);
        assert_true(step <= 0.3001f);
        if (i > 300)
            largest = fmaxf(largest, step);
    }
    assert_true(largest > 0 && largest <= 0.0331f);
    double mean = 10 * log10((pow(10, -4.0) + pow(10, -3.6)) / 2);
    assert_true(fabs(leveller_gain(&leveller) + mean + 23) < 0.3);

    // Silence, and what is no number, changes nothing.
    float before = leveller_gain(&leveller);
    for (int i = 0; i < 600; i++)
        leveller_hear(&leveller, i % 2 ? -90 : NAN);
    assert_true(leveller_gain(&leveller) == before);
}

static void test_the_first_seconds_are_left_alone_where_they_are_about_right(void **state)
{
    (void)state;
    static struct leveller leveller;
    leveller_init(&leveller, -23, 3);
    for (int i = 0; i < 49; i++)
        leveller_hear(&leveller, -29);
    assert_true(leveller_gain(&leveller) == 3);
    // 20 dB off is not: three seconds are enough.
    leveller_init(&leveller, -23, 3);
    for (int i = 0; i < 49; i++)
        leveller_hear(&leveller, -10);
    assert_true(leveller_gain(&leveller) < -8);
}

static void test_a_crescendo_is_turned_down_for_before_it_is_the_mean(void **state)
{
    (void)state;
    static struct leveller leveller;
    leveller_init(&leveller, -23, 0);
    for (int i = 0; i < 1200; i++)
        leveller_hear(&leveller, -20);
    assert_true(fabs(leveller_gain(&leveller) + 3) < 0.1);
    // Ten seconds change the mean of two minutes by 1 dB.
    for (int i = 0; i < 100; i++)
        leveller_hear(&leveller, -14);
    assert_true(leveller_gain(&leveller) < -5.5);
}

// -- compressor

static void test_the_curve_is_steady_and_keeps_what_is_soft_above_the_detector(void **state)
{
    (void)state;
    float before = -200;
    for (float level = -100; level <= 0; level += 0.5f) {
        float out = level + compressor_curve(level);
        assert_true(out >= before);
        before = out;
    }
    assert_true(fabsf(compressor_curve(COMPRESSOR_MIDDLE)) < 1e-5f);
    assert_true(fabsf(compressor_curve(-30) - 4) < 1e-5f);
    assert_true(-75 + compressor_curve(-75) > -40);
    assert_true(compressor_curve(-140) == COMPRESSOR_MOST);
}

static void test_a_stroke_is_met_with_the_gain_down(void **state)
{
    (void)state;
    struct compressor compressor;
    compressor_init(&compressor);
    for (int i = 0; i < 1000; i++)
        compressor_gain(&compressor, 1e-6f);
    float soft = compressor_gain(&compressor, 1e-6f);
    assert_true(fabsf(soft - compressor_curve(-60)) < 0.1f);
    // The block of the stroke itself comes out COMPRESSOR_AHEAD blocks later.
    float gain = 0;
    for (int i = 0; i < COMPRESSOR_AHEAD; i++)
        gain = compressor_gain(&compressor, 0.1f);
    assert_true(gain < -3);
    // And the gain comes back.
    for (int i = 0; i < 400; i++)
        gain = compressor_gain(&compressor, 1e-6f);
    assert_true(fabsf(gain - soft) < 0.5f);
}

// -- limiter

static void test_true_peaks_are_held_down(void **state)
{
    (void)state;
    ebur128_state *meter = ebur128_init(2, RATE, EBUR128_MODE_TRUE_PEAK);
    assert_non_null(meter);
    struct limiter limiter;
    limiter_init(&limiter, 0.86f, true);
    double samples = 0;
    for (int block = 0; block < 2000; block++) {
        float in[2 * LIMITER_BLOCK], out[2 * LIMITER_BLOCK];
        for (int i = 0; i < LIMITER_BLOCK; i++) {
            // A quarter of the rate, between whose samples the peaks lie: 3 dB above them; louder
            // and softer by turns.
            double loud = block % 100 < 30 ? 1.4 : 0.3;
            in[2 * i] = in[2 * i + 1] =
                (float)(loud * sin(M_PI / 2 * i + M_PI / 4 + (block % 7) * 0.1));
            samples = fmax(samples, fabs((double)in[2 * i]));
        }
        limiter_process(&limiter, in, out);
        assert_int_equal(ebur128_add_frames_float(meter, out, LIMITER_BLOCK), 0);
    }
    double peak = 0;
    ebur128_true_peak(meter, 0, &peak);
    ebur128_destroy(&meter);
    assert_true(peak < 0.891);
    assert_true(peak > 0.7);
}

// -- profile

#define ROUND (6 * RATE)

/** A piano of a kind: strokes of some partials that die away, twice a second, of the loudness
 * `level` where they begin; a rest of 2 s after each eighth. */
static void play(float *interleaved, uint32_t frames, uint64_t from, double level)
{
    static const double partials[] = {130.8, 261.6, 659.3, 1318.5, 5200};
    static float around[ROUND];
    static bool known;
    for (int i = 0; !known && i < ROUND; i++) {
        int stroke = i / (RATE / 2) < 7 ? i / (RATE / 2) : 7;
        int begun = stroke * (RATE / 2);
        double since = (double)(i - begun) / RATE;
        for (size_t k = 0; k < sizeof partials / sizeof *partials; k++)
            around[i] += (float)(sin(2 * M_PI * partials[k] * since) * exp(-since / 0.45) / 5);
    }
    known = true;
    for (uint32_t i = 0; i < frames; i++) {
        interleaved[2 * i] = (float)level * around[(from + i) % ROUND];
        interleaved[2 * i + 1] = 0.7f * interleaved[2 * i];
    }
}

struct heard {
    double lufs, true_peak, peak, rms, softest;
    bool mono;
};

/** `seconds` of music through a profile; what is measured begins at `from`. */
static struct heard listen(struct profile *profile, int seconds, int from, double level)
{
    ebur128_state *meter = ebur128_init(2, RATE, EBUR128_MODE_I | EBUR128_MODE_TRUE_PEAK);
    assert_non_null(meter);
    struct heard heard = {.softest = 1, .mono = true};
    double sum = 0, tenth = 0, before = 1;
    uint64_t counted = 0;
    for (uint64_t done = 0; done < (uint64_t)seconds * RATE; done += 320) {
        float sound[2 * 320];
        play(sound, 320, done, level);
        profile_process(profile, sound, 320);
        if (done < (uint64_t)from * RATE)
            continue;
        ebur128_add_frames_float(meter, sound, 320);
        for (int i = 0; i < 320; i++) {
            double value = sound[2 * i];
            assert_true(isfinite(value));
            heard.mono = heard.mono && sound[2 * i] == sound[2 * i + 1];
            heard.peak = fmax(heard.peak, fabs(value));
            sum += value * value;
            tenth += value * value / 4800;
        }
        counted += 320;
        if (counted % 4800 == 0) {
            heard.softest = fmin(heard.softest, (tenth + before) / 2);
            before = tenth;
            tenth = 0;
        }
    }
    ebur128_loudness_global(meter, &heard.lufs);
    ebur128_true_peak(meter, 0, &heard.true_peak);
    ebur128_destroy(&meter);
    heard.true_peak = decibels(heard.true_peak);
    heard.peak = decibels(heard.peak);
    heard.rms = decibels(sqrt(sum / (double)counted));
    heard.softest = decibels(sqrt(heard.softest));
    return heard;
}

static void test_the_room_has_its_loudness(void **state)
{
    (void)state;
    static const double levels[] = {0.04, 0.25, 1.5};
    for (size_t i = 0; i < 3; i++) {
        struct profile *profile;
        assert_int_equal(profile_new(PROFILE_ROOM, &profile), 0);
        struct heard heard = listen(profile, 240, 60, levels[i]);
        profile_free(profile);
        assert_true(fabs(heard.lufs + 23) < 1);
        assert_true(heard.true_peak <= -1);
        assert_false(heard.mono);
        // The rests stay rests.
        assert_true(heard.softest < heard.rms - 25);
    }
}

static void test_the_telephone_hears_every_window(void **state)
{
    (void)state;
    static const double levels[] = {0.04, 0.25, 1.5};
    for (size_t i = 0; i < 3; i++) {
        struct profile *profile;
        assert_int_equal(profile_new(PROFILE_TELEPHONE, &profile), 0);
        struct heard heard = listen(profile, 120, 15, levels[i]);
        profile_free(profile);
        assert_true(heard.rms > -27 && heard.rms < -19);
        assert_true(heard.peak <= -6);
        assert_true(heard.softest > -41);
        assert_true(heard.mono);
    }
}

static void test_raw_is_what_the_synth_gave(void **state)
{
    (void)state;
    struct profile *profile;
    assert_int_equal(profile_new(PROFILE_RAW, &profile), 0);
    static float in[2 * 9600], out[2 * 9600];
    play(in, 9600, 0, 0.25);
    memcpy(out, in, sizeof out);
    profile_process(profile, out, 9600);
    assert_memory_equal(out + 2 * (size_t)PROFILE_DELAY, in,
                        sizeof in - 2 * PROFILE_DELAY * sizeof *in);
    profile_free(profile);
}

/** A tone that is turned over to the telephone at some moment. */
static void hear_the_change(int moment)
{
    struct profile *profile;
    assert_int_equal(profile_new(PROFILE_ROOM, &profile), 0);
    float before = 0;
    bool narrow = false;
    for (int block = 0; block < 200; block++) {
        float sound[2 * PROFILE_BLOCK];
        for (int i = 0; i < PROFILE_BLOCK; i++) {
            double at = (double)(block * PROFILE_BLOCK + i) / RATE;
            sound[2 * i] = (float)(0.1 * sin(2 * M_PI * 500 * at));
            sound[2 * i + 1] = (float)(0.1 * sin(2 * M_PI * 550 * at));
        }
        if (block == moment)
            profile_set(profile, PROFILE_TELEPHONE);
        profile_process(profile, sound, PROFILE_BLOCK);
        for (int i = 0; i < PROFILE_BLOCK; i++) {
            // At full level a tone of 500 Hz goes up by a fifteenth of its peak in a sample.
            if (block > 20)
                assert_true(fabsf(sound[2 * i] - before) < 0.03f);
            before = sound[2 * i];
            narrow = sound[2 * i] == sound[2 * i + 1];
        }
    }
    assert_true(narrow);
    profile_free(profile);
}

static void test_another_profile_comes_without_a_click(void **state)
{
    (void)state;
    for (int moment = 40; moment < 60; moment++)
        hear_the_change(moment);
}

static void test_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < PROFILE_KINDS; kind++) {
        enum profile_kind found = PROFILE_KINDS;
        assert_int_equal(profile_find(profile_name((enum profile_kind)kind), &found), 0);
        assert_int_equal(found, kind);
    }
    enum profile_kind untouched = PROFILE_RAW;
    assert_int_equal(profile_find("phone", &untouched), -ENOENT);
    assert_int_equal(profile_find("", &untouched), -ENOENT);
    assert_int_equal(untouched, PROFILE_RAW);
    profile_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_band_is_the_telephones),
        cmocka_unit_test(test_the_band_comes_to_rest),
        cmocka_unit_test(test_the_level_is_reached_and_no_step_is_heard),
        cmocka_unit_test(test_the_first_seconds_are_left_alone_where_they_are_about_right),
        cmocka_unit_test(test_a_crescendo_is_turned_down_for_before_it_is_the_mean),
        cmocka_unit_test(test_the_curve_is_steady_and_keeps_what_is_soft_above_the_detector),
        cmocka_unit_test(test_a_stroke_is_met_with_the_gain_down),
        cmocka_unit_test(test_true_peaks_are_held_down),
        cmocka_unit_test(test_the_room_has_its_loudness),
        cmocka_unit_test(test_the_telephone_hears_every_window),
        cmocka_unit_test(test_raw_is_what_the_synth_gave),
        cmocka_unit_test(test_another_profile_comes_without_a_click),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
