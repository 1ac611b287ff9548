// SPDX-License-Identifier: MIT
#include "audio/meter.h"

#include <math.h>

static void end_step(struct meter *meter)
{
    meter->powers[meter->count++ % METER_STEPS] = meter->sum / (2.0 * METER_STEP);
    meter->sum = 0;
    meter->frames = 0;
    uint32_t steps = meter->count < METER_STEPS ? meter->count : METER_STEPS;
    double power = 0;
    for (uint32_t i = 0; i < steps; i++)
        power += meter->powers[i] / steps;
    // Never 0, which means that nothing was heard.
    double level = fmin(fmax(10 * log10(power), METER_SILENCE), -1e-3);
    atomic_store_explicit(&meter->level, (float)level, memory_order_relaxed);
}

void meter_hear(struct meter *meter, const float *interleaved, uint32_t frames)
{
    for (uint32_t i = 0; i < frames; i++) {
        float left = interleaved[2 * i], right = interleaved[2 * i + 1];
        meter->sum += (double)(left * left + right * right);
        if (++meter->frames == METER_STEP)
            end_step(meter);
    }
}

double meter_level(const struct meter *meter)
{
    float level = atomic_load_explicit(&meter->level, memory_order_relaxed);
    return level < 0 ? (double)level : METER_SILENCE;
}
