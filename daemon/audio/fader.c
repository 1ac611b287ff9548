// SPDX-License-Identifier: MIT
#include "audio/fader.h"

#include <math.h>
#include <string.h>

#include "audio/ring.h"

#define STEP (1.0f / FADER_FRAMES)

void fader_init(struct fader *fader, struct ring *ring)
{
    fader->ring = ring;
    fader->guard = FADER_FRAMES;
    fader->capacity = ring_readable(ring) + ring_writable(ring);
    atomic_init(&fader->volume, 1.0f);
    atomic_init(&fader->playing, false);
    atomic_init(&fader->restart, false);
    atomic_init(&fader->underruns, 0);
    fader->gain = 0.0f;
    fader->starving = true;
    fader->silent_calls = FADER_SILENT_CALLS;
    fader->begun = false;
}

void fader_set_playing(struct fader *fader, bool playing)
{
    atomic_store(&fader->playing, playing);
}

void fader_set_volume(struct fader *fader, float amplitude)
{
    atomic_store(&fader->volume, amplitude);
}

void fader_restart(struct fader *fader)
{
    atomic_store(&fader->restart, true);
}

uint64_t fader_underruns(const struct fader *fader)
{
    return atomic_load_explicit(&fader->underruns, memory_order_relaxed);
}

static void watch_ring(struct fader *fader, uint32_t frames)
{
    uint32_t readable = ring_readable(fader->ring);
    // Early enough that the fade out is still made of music.
    uint32_t enough = frames + fader->guard;
    if (!fader->starving) {
        fader->starving = readable < enough;
        return;
    }
    uint32_t resume = fader->capacity / 2 > enough ? fader->capacity / 2 : enough;
    fader->starving = readable < resume;
}

/** Frames to take from the ring in order to fade out, and how steeply. */
static uint32_t fade_out_length(struct fader *fader, uint32_t frames, float *ret_step)
{
    uint32_t readable = ring_readable(fader->ring);
    uint32_t length = (uint32_t)ceilf(fader->gain * FADER_FRAMES);
    *ret_step = STEP;
    if (length > readable) {
        length = readable;
        *ret_step = length > 0 ? fader->gain / (float)length : 1.0f;
    }
    return length < frames ? length : frames;
}

static void apply_gain(struct fader *fader, float *samples, uint32_t frames, float goal, float step)
{
    float gain = fader->gain;
    for (uint32_t i = 0; i < frames; i++) {
        if (gain < goal)
            gain = fminf(gain + step, goal);
        else if (gain > goal)
            gain = fmaxf(gain - step, goal);
        samples[2 * i] *= gain;
        samples[2 * i + 1] *= gain;
    }
    fader->gain = gain;
}

bool fader_process(struct fader *fader, float *ret_interleaved, uint32_t frames)
{
    if (atomic_exchange(&fader->restart, false)) {
        fader->gain = 0.0f;
        fader->begun = false;
    }
    bool playing = atomic_load(&fader->playing);
    ring_settle(fader->ring, frames + fader->guard);
    watch_ring(fader, frames);
    bool flows = playing && !fader->starving;

    float goal = 0.0f;
    float step = STEP;
    uint32_t taken = frames;
    if (flows)
        goal = atomic_load_explicit(&fader->volume, memory_order_relaxed);
    else
        taken = fade_out_length(fader, frames, &step);

    taken = ring_read(fader->ring, ret_interleaved, taken);
    apply_gain(fader, ret_interleaved, taken, goal, step);
    if (taken < frames) {
        memset(ret_interleaved + (size_t)2 * taken, 0, (frames - taken) * 2 * sizeof(float));
        fader->gain = 0.0f;
    }

    if (flows)
        fader->begun = true;
    else if (playing && fader->begun)
        atomic_fetch_add_explicit(&fader->underruns, frames - taken, memory_order_relaxed);
    if (playing || taken > 0) {
        fader->silent_calls = 0;
        return false;
    }
    fader->begun = false;
    if (fader->silent_calls == FADER_SILENT_CALLS)
        return false;
    return ++fader->silent_calls == FADER_SILENT_CALLS;
}

bool fader_wants_music(const struct fader *fader)
{
    return ring_writable(fader->ring) >= fader->capacity / 4;
}
