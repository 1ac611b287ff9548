// SPDX-License-Identifier: MIT
#include "audio/compressor.h"

#include <math.h>
#include <string.h>

// Shares of the way in a block of 1.3 ms: up in some 4 ms; down with a time constant of 22 ms, so
// that the beats of a chord are not ironed out, and yet faster than the highest strings die away.
#define ATTACK 0.3f
#define RELEASE 0.058f
#define FAINTEST 1e-10f ///< -100 dBFS

void compressor_init(struct compressor *compressor)
{
    *compressor = (struct compressor){0};
    compressor->envelope = FAINTEST;
    for (int i = 0; i < COMPRESSOR_AHEAD; i++)
        compressor->ahead[i] = FAINTEST;
}

float compressor_curve(float level)
{
    float gain = (COMPRESSOR_MIDDLE - level) / 2.0f;
    if (level < COMPRESSOR_LOW)
        gain += (COMPRESSOR_LOW - level) / 4.0f;
    return fminf(gain, COMPRESSOR_MOST);
}

float compressor_gain(struct compressor *compressor, float power)
{
    float way = power > compressor->envelope ? ATTACK : RELEASE;
    compressor->envelope += way * (power - compressor->envelope);
    compressor->envelope = fmaxf(compressor->envelope, FAINTEST);
    memmove(compressor->ahead, compressor->ahead + 1,
            (COMPRESSOR_AHEAD - 1) * sizeof *compressor->ahead);
    compressor->ahead[COMPRESSOR_AHEAD - 1] = compressor->envelope;
    float loudest = FAINTEST;
    for (int i = 0; i < COMPRESSOR_AHEAD; i++)
        loudest = fmaxf(loudest, compressor->ahead[i]);
    return compressor_curve(10.0f * log10f(loudest));
}
