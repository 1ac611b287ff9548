// SPDX-License-Identifier: MIT
#include "audio/true_peak.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define PHASES 4
#define MOST_FRAMES 64
/** The sum of the magnitudes of the filter's taps, at most: no peak is further above the samples.
 */
#define MOST_GROWTH 2.03f

// ITU-R BS.1770-4, Annex 2, table of the order 48, 4-phase FIR filter.
static const float taps[PHASES][TRUE_PEAK_TAPS] = {
    {0.0017089843750f, 0.0109863281250f, -0.0196533203125f, 0.0332031250000f, -0.0594482421875f,
     0.1373291015625f, 0.9721679687500f, -0.1022949218750f, 0.0476074218750f, -0.0266113281250f,
     0.0148925781250f, -0.0083007812500f},
    {-0.0291748046875f, 0.0292968750000f, -0.0517578125000f, 0.0891113281250f, -0.1665039062500f,
     0.4650878906250f, 0.7797851562500f, -0.2003173828125f, 0.1015625000000f, -0.0582275390625f,
     0.0330810546875f, -0.0189208984375f},
    {-0.0189208984375f, 0.0330810546875f, -0.0582275390625f, 0.1015625000000f, -0.2003173828125f,
     0.7797851562500f, 0.4650878906250f, -0.1665039062500f, 0.0891113281250f, -0.0517578125000f,
     0.0292968750000f, -0.0291748046875f},
    {-0.0083007812500f, 0.0148925781250f, -0.0266113281250f, 0.0476074218750f, -0.1022949218750f,
     0.9721679687500f, 0.1373291015625f, -0.0594482421875f, 0.0332031250000f, -0.0196533203125f,
     0.0109863281250f, 0.0017089843750f},
};

void true_peak_init(struct true_peak *true_peak)
{
    *true_peak = (struct true_peak){0};
}

static float between(const float *samples, uint32_t frames)
{
    float peak = 0.0f;
    for (uint32_t i = 0; i < frames; i++) {
        for (int phase = 0; phase < PHASES; phase++) {
            float sum = 0.0f;
            for (int tap = 0; tap < TRUE_PEAK_TAPS; tap++)
                sum += taps[phase][tap] * samples[i + (uint32_t)tap];
            peak = fmaxf(peak, fabsf(sum));
        }
    }
    return peak;
}

static float peak_of_part(struct true_peak *true_peak, const float *interleaved, uint32_t frames,
                          float least)
{
    float peak = 0.0f;
    float tail = 0.0f;
    for (uint32_t i = 0; i < 2 * frames; i++) {
        peak = fmaxf(peak, fabsf(interleaved[i]));
        if (i + 2 * (TRUE_PEAK_TAPS - 1) >= 2 * frames)
            tail = fmaxf(tail, fabsf(interleaved[i]));
    }
    bool low = fmaxf(peak, true_peak->latest_peak) * MOST_GROWTH < least;
    for (int channel = 0; channel < 2; channel++) {
        float samples[TRUE_PEAK_TAPS - 1 + MOST_FRAMES];
        memcpy(samples, true_peak->latest[channel], sizeof true_peak->latest[channel]);
        for (uint32_t i = 0; i < frames; i++)
            samples[TRUE_PEAK_TAPS - 1 + i] = interleaved[2 * i + (uint32_t)channel];
        if (!low)
            peak = fmaxf(peak, between(samples, frames));
        memcpy(true_peak->latest[channel], samples + frames, sizeof true_peak->latest[channel]);
    }
    true_peak->latest_peak =
        frames < TRUE_PEAK_TAPS - 1 ? fmaxf(tail, true_peak->latest_peak) : tail;
    return peak;
}

float true_peak_of(struct true_peak *true_peak, const float *interleaved, uint32_t frames,
                   float least)
{
    float peak = 0.0f;
    while (frames > 0) {
        uint32_t part = frames < MOST_FRAMES ? frames : MOST_FRAMES;
        peak = fmaxf(peak, peak_of_part(true_peak, interleaved, part, least));
        interleaved += 2 * (size_t)part;
        frames -= part;
    }
    return peak;
}
