// SPDX-License-Identifier: MIT
#include "audio/leveller.h"

#include <math.h>
#include <stddef.h>

// How it goes on, by how much music is known, in blocks. At first the estimate may be far off (a
// SoundFont of another kind), but a piece that begins softly is no reason to turn up: so what is
// within the tolerance is left alone. Later no step is heard: 1 dB in 10 s up, in 3 s down.
static const struct {
    uint32_t until;
    float tolerance; ///< dB
    float up, down;  ///< dB a block
} phases[] = {
    {5 * LEVELLER_PER_SECOND, 4.0f, 0.3f, 0.3f},
    {30 * LEVELLER_PER_SECOND, 2.0f, 0.05f, 0.05f},
    {UINT32_MAX, 0.0f, 0.01f, 0.033f},
};
/** Of less music than 1 s nothing is concluded. */
#define FEWEST_BLOCKS LEVELLER_PER_SECOND
/** Where the last 10 s would be more than this over the target, it is turned down for them. */
#define RECENT_BLOCKS (10 * LEVELLER_PER_SECOND)
#define RECENT_MARGIN 2.5f
/** 10 dB under the mean, as a share of its power. */
#define RELATIVE_GATE 0.1f

void leveller_init(struct leveller *leveller, float target, float gain)
{
    *leveller = (struct leveller){.target = target, .first = gain, .gain = gain};
}

struct mean {
    float sum;
    uint32_t count;
};

static void add(struct mean *mean, float power, float gate)
{
    if (power > gate) {
        mean->sum += power;
        mean->count++;
    }
}

/** Level of the latest `count` blocks, gated. */
static float level_of(const struct leveller *leveller, uint32_t count)
{
    struct mean all = {0}, loud = {0};
    for (uint32_t i = 1; i <= count; i++)
        add(&all, leveller->powers[(leveller->count - i) % LEVELLER_BLOCKS], 0.0f);
    float gate = RELATIVE_GATE * all.sum / (float)all.count;
    for (uint32_t i = 1; i <= count; i++)
        add(&loud, leveller->powers[(leveller->count - i) % LEVELLER_BLOCKS], gate);
    return 10.0f * log10f(loud.sum / (float)loud.count);
}

static uint32_t at_most(uint32_t number, uint32_t most)
{
    return number < most ? number : most;
}

void leveller_hear(struct leveller *leveller, float level)
{
    // Not a number is no level either.
    if (!(level > LEVELLER_SILENCE))
        return;
    leveller->powers[leveller->count++ % LEVELLER_BLOCKS] = powf(10.0f, level / 10.0f);
    if (leveller->count < FEWEST_BLOCKS)
        return;
    float wanted = leveller->target - level_of(leveller, at_most(leveller->count, LEVELLER_BLOCKS));
    float recent = leveller->target + RECENT_MARGIN -
                   level_of(leveller, at_most(leveller->count, RECENT_BLOCKS));
    wanted = fminf(wanted, recent);
    wanted =
        fminf(fmaxf(wanted, leveller->first - LEVELLER_REACH), leveller->first + LEVELLER_REACH);
    size_t phase = 0;
    while (leveller->count > phases[phase].until)
        phase++;
    float tolerance = phases[phase].tolerance;
    float error = wanted - leveller->gain;
    error = error > 0 ? fmaxf(error - tolerance, 0.0f) : fminf(error + tolerance, 0.0f);
    leveller->gain += fminf(fmaxf(error, -phases[phase].down), phases[phase].up);
}

float leveller_gain(const struct leveller *leveller)
{
    return leveller->gain;
}
