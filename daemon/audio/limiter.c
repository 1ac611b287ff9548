// SPDX-License-Identifier: MIT
#include "audio/limiter.h"

#include <math.h>
#include <string.h>

// The way back to full gain covers 1 - 1/e of itself in 250 ms at 48 kHz.
#define RELEASE_PER_BLOCK (LIMITER_BLOCK / (0.25f * 48000.0f))

void limiter_init(struct limiter *limiter, float ceiling, bool between)
{
    *limiter = (struct limiter){
        .ceiling = ceiling, .between = between, .gain = 1.0f, .pending_allows = 1.0f};
    true_peak_init(&limiter->true_peak);
}

static float block_allows(struct limiter *limiter, const float *block)
{
    float peak = 0.0f;
    if (limiter->between)
        peak = true_peak_of(&limiter->true_peak, block, LIMITER_BLOCK, limiter->ceiling);
    else
        for (int i = 0; i < 2 * LIMITER_BLOCK; i++)
            peak = fmaxf(peak, fabsf(block[i]));
    return peak > limiter->ceiling ? limiter->ceiling / peak : 1.0f;
}

void limiter_process(struct limiter *limiter, const float *block, float *ret_block)
{
    float next_allows = block_allows(limiter, block);
    float released = limiter->gain + (1.0f - limiter->gain) * RELEASE_PER_BLOCK;
    // Both ends of the ramp bear the pending block, so all of it does; and the end bears the next
    // block, which is therefore met with the gain already low enough.
    float end = fminf(released, fminf(limiter->pending_allows, next_allows));
    float slope = (end - limiter->gain) / LIMITER_BLOCK;

    for (int i = 0; i < LIMITER_BLOCK; i++) {
        float gain = limiter->gain + slope * (float)i;
        ret_block[2 * i] = limiter->pending[2 * i] * gain;
        ret_block[2 * i + 1] = limiter->pending[2 * i + 1] * gain;
    }
    memcpy(limiter->pending, block, sizeof limiter->pending);
    limiter->gain = end;
    limiter->pending_allows = next_allows;
}
