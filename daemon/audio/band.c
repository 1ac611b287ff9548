// SPDX-License-Identifier: MIT
#include "audio/band.h"

#include <math.h>
#include <stdbool.h>

#define RATE 48000.0
#define HIGH_PASSES 2
#define LOW_PASSES 4

// Below it a float's arithmetic may become slow (denormal), and nobody hears it.
#define NOTHING 1e-20f

/** R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients". */
static struct band_section make_section(double hertz, double q, bool high)
{
    double w = 2.0 * M_PI * hertz / RATE;
    double alpha = sin(w) / (2.0 * q);
    double a0 = 1.0 + alpha;
    double edge = high ? 1.0 + cos(w) : 1.0 - cos(w);
    return (struct band_section){
        .b0 = (float)(edge / 2.0 / a0),
        .b1 = (float)((high ? -edge : edge) / a0),
        .b2 = (float)(edge / 2.0 / a0),
        .a1 = (float)(-2.0 * cos(w) / a0),
        .a2 = (float)((1.0 - alpha) / a0),
    };
}

/** Of pair `k` of a Butterworth filter's poles, of `pairs`. */
static double butterworth_q(int k, int pairs)
{
    return 1.0 / (2.0 * cos((2.0 * k + 1.0) * M_PI / (4.0 * pairs)));
}

void band_init(struct band *band)
{
    for (int k = 0; k < HIGH_PASSES; k++)
        band->sections[k] = make_section(BAND_LOWEST, butterworth_q(k, HIGH_PASSES), true);
    for (int k = 0; k < LOW_PASSES; k++)
        band->sections[HIGH_PASSES + k] =
            make_section(BAND_HIGHEST, butterworth_q(k, LOW_PASSES), false);
}

void band_process(struct band *band, float *samples, uint32_t count)
{
    for (int k = 0; k < BAND_SECTIONS; k++) {
        struct band_section s = band->sections[k];
        for (uint32_t i = 0; i < count; i++) {
            float in = samples[i];
            float out = s.b0 * in + s.z1;
            s.z1 = s.b1 * in - s.a1 * out + s.z2;
            s.z2 = s.b2 * in - s.a2 * out;
            samples[i] = out;
        }
        if (fabsf(s.z1) < NOTHING)
            s.z1 = 0.0f;
        if (fabsf(s.z2) < NOTHING)
            s.z2 = 0.0f;
        band->sections[k] = s;
    }
}
