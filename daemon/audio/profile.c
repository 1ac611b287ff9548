// SPDX-License-Identifier: MIT
#include "audio/profile.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ebur128.h>

#include "audio/band.h"
#include "audio/compressor.h"
#include "audio/leveller.h"
#include "audio/limiter.h"

#define RATE 48000
#define SAMPLES (2 * PROFILE_BLOCK)
/** Blocks from one measure of the level to the next: 100 ms. */
#define MEASURE_BLOCKS (RATE / LEVELLER_PER_SECOND / PROFILE_BLOCK)
#define MEASURES 4 ///< in 400 ms
/** The fade to another profile, and from it: 20 ms each. */
#define FADE_STEP (1.0f / 15)

_Static_assert(PROFILE_BLOCK == LIMITER_BLOCK, "the limiter works block by block");
_Static_assert(PROFILE_DELAY == (COMPRESSOR_AHEAD + 1) * PROFILE_BLOCK,
               "the compressor hears ahead, and the limiter");
_Static_assert(RATE % (LEVELLER_PER_SECOND * PROFILE_BLOCK) == 0, "measures are whole blocks");

/** The gate counts what is loud, which the compressor turns down: so much is given back, dB. */
#define MAKE_UP 1.2f

/** What each profile comes to. */
static const struct {
    const char *name;
    float target;  ///< LUFS, or dBFS RMS
    float first;   ///< gain that the synth needs for it with TimGM6mb and most music, dB
    float ceiling; ///< of the peaks
} kinds[PROFILE_KINDS] = {
    // The estimate of true peaks errs by some tenths of a dB.
    [PROFILE_ROOM] = {"room", -23.0f, 3.0f, 0.86f},
    [PROFILE_TELEPHONE] = {"telephone", -22.0f, 4.4f, 0.47f},
    [PROFILE_RAW] = {"raw", -26.0f, 0.0f, LIMITER_CEILING},
};

struct profile {
    _Atomic enum profile_kind wanted;
    enum profile_kind kind;
    float fade; ///< 1: heard in full
    ebur128_state *meter;
    float powers[MEASURES]; ///< mean ones of the latest measures of 100 ms
    float power;            ///< sum over the blocks of the measure in work
    uint32_t blocks;        ///< in all
    struct leveller leveller;
    struct band band;
    struct compressor compressor;
    struct limiter limiter;
    float gain; ///< at the end of the latest block, as a factor
    float waiting[COMPRESSOR_AHEAD][SAMPLES];
};

const char *profile_name(enum profile_kind kind)
{
    return kinds[kind].name;
}

int profile_find(const char *name, enum profile_kind *ret_kind)
{
    for (int kind = 0; kind < PROFILE_KINDS; kind++) {
        if (!strcmp(kinds[kind].name, name)) {
            *ret_kind = (enum profile_kind)kind;
            return 0;
        }
    }
    return -ENOENT;
}

float profile_target(enum profile_kind kind)
{
    return kinds[kind].target;
}

float profile_ceiling(enum profile_kind kind)
{
    return kinds[kind].ceiling;
}

enum profile_kind profile_heard(const struct profile *profile)
{
    return profile->kind;
}

static float factor(float decibels)
{
    return powf(10.0f, decibels / 20.0f);
}

static void begin(struct profile *profile, enum profile_kind kind)
{
    profile->kind = kind;
    memset(profile->powers, 0, sizeof profile->powers);
    profile->power = 0.0f;
    leveller_init(&profile->leveller, kinds[kind].target, kinds[kind].first);
    band_init(&profile->band);
    compressor_init(&profile->compressor);
    limiter_init(&profile->limiter, kinds[kind].ceiling, kind == PROFILE_ROOM);
    profile->gain = factor(kinds[kind].first);
    memset(profile->waiting, 0, sizeof profile->waiting);
}

int profile_new(enum profile_kind kind, struct profile **ret_profile)
{
    struct profile *profile = calloc(1, sizeof *profile);
    if (!profile)
        return -ENOMEM;
    profile->meter = ebur128_init(2, RATE, EBUR128_MODE_M);
    if (!profile->meter) {
        free(profile);
        return -ENOMEM;
    }
    atomic_init(&profile->wanted, kind);
    profile->fade = 1.0f;
    begin(profile, kind);
    *ret_profile = profile;
    return 0;
}

void profile_free(struct profile *profile)
{
    if (!profile)
        return;
    ebur128_destroy(&profile->meter);
    free(profile);
}

void profile_set(struct profile *profile, enum profile_kind kind)
{
    atomic_store_explicit(&profile->wanted, kind, memory_order_relaxed);
}

/** In the telephone's band and mono. Returns the mean power. */
static float narrow(struct profile *profile, float *block)
{
    float mono[PROFILE_BLOCK];
    float power = 0.0f;
    for (int i = 0; i < PROFILE_BLOCK; i++)
        mono[i] = (block[2 * i] + block[2 * i + 1]) / 2.0f;
    band_process(&profile->band, mono, PROFILE_BLOCK);
    for (int i = 0; i < PROFILE_BLOCK; i++) {
        block[2 * i] = block[2 * i + 1] = mono[i];
        power += mono[i] * mono[i];
    }
    return power / PROFILE_BLOCK;
}

/** Level of the last 400 ms, in dBFS. */
static float measure_power(struct profile *profile)
{
    const int blocks = MEASURE_BLOCKS;
    memmove(profile->powers, profile->powers + 1, (MEASURES - 1) * sizeof *profile->powers);
    profile->powers[MEASURES - 1] = profile->power / (float)blocks;
    profile->power = 0.0f;
    float sum = 0.0f;
    for (int i = 0; i < MEASURES; i++)
        sum += profile->powers[i];
    return 10.0f * log10f(sum / MEASURES);
}

/** The gain for the end of the block that comes out next. */
static float find_gain(struct profile *profile, float *block)
{
    if (profile->kind == PROFILE_RAW)
        return 1.0f;
    bool measured = ++profile->blocks % MEASURE_BLOCKS == 0;
    if (profile->kind == PROFILE_ROOM) {
        double loudness = 0;
        ebur128_add_frames_float(profile->meter, block, PROFILE_BLOCK);
        if (measured && ebur128_loudness_momentary(profile->meter, &loudness) == EBUR128_SUCCESS)
            leveller_hear(&profile->leveller, (float)loudness);
        return factor(leveller_gain(&profile->leveller));
    }
    float power = narrow(profile, block);
    profile->power += power;
    if (measured)
        leveller_hear(&profile->leveller, measure_power(profile));
    float gain = leveller_gain(&profile->leveller);
    return factor(gain + MAKE_UP +
                  compressor_gain(&profile->compressor, power * factor(2.0f * gain)));
}

/** Of the way to another profile; 1 where none is wanted. */
static float find_fade(struct profile *profile)
{
    enum profile_kind wanted = atomic_load_explicit(&profile->wanted, memory_order_relaxed);
    if (wanted == profile->kind)
        return fminf(profile->fade + FADE_STEP, 1.0f);
    if (profile->fade <= 0.0f) {
        begin(profile, wanted);
        profile->gain = 0.0f;
    }
    return fmaxf(profile->fade - FADE_STEP, 0.0f);
}

static void process(struct profile *profile, float *block)
{
    float fade = find_fade(profile);
    float gain = find_gain(profile, block) * fade;
    float turned[SAMPLES];
    float slope = (gain - profile->gain) / PROFILE_BLOCK;
    for (int i = 0; i < PROFILE_BLOCK; i++) {
        float now = profile->gain + slope * (float)i;
        turned[2 * i] = profile->waiting[0][2 * i] * now;
        turned[2 * i + 1] = profile->waiting[0][2 * i + 1] * now;
    }
    profile->gain = gain;
    profile->fade = fade;
    memmove(profile->waiting[0], profile->waiting[1],
            sizeof profile->waiting[0] * (COMPRESSOR_AHEAD - 1));
    memcpy(profile->waiting[COMPRESSOR_AHEAD - 1], block, sizeof profile->waiting[0]);
    limiter_process(&profile->limiter, turned, block);
}

void profile_process(struct profile *profile, float *interleaved, uint32_t frames)
{
    for (uint32_t done = 0; done < frames; done += PROFILE_BLOCK)
        process(profile, interleaved + 2 * (size_t)done);
}
