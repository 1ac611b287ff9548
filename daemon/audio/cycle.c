// SPDX-License-Identifier: MIT
#include "audio/cycle.h"

#include <pipewire/stream.h>
#include <spa/node/io.h>

#include "audio/ring.h"

/** Frames of ours that the graph's resampler holds: what is given now is heard so much later. 0
 * where graph and music are of one rate. */
static uint32_t resampled_later(struct pw_stream *stream)
{
    struct pw_time time;
    return pw_stream_get_time_n(stream, &time, sizeof time) < 0 ? 0 : (uint32_t)time.buffered;
}

/** Writes the frames; returns true where a fade out has ended. */
static bool fill(struct cycle *cycle, float *interleaved, uint32_t frames)
{
    struct ring *ring = cycle->fader.ring;
    uint32_t taken = ring_taken(ring);
    bool silent = fader_process(&cycle->fader, interleaved, frames);
    taken = ring_taken(ring) - taken;
    if (cycle->playhead && cycle->position)
        playhead_add(cycle->playhead, &cycle->span, &cycle->position->clock,
                     ring_place(ring) - taken - resampled_later(cycle->stream), frames, taken);
    return silent;
}

void cycle_process(struct cycle *cycle)
{
    struct pw_buffer *buffer = pw_stream_dequeue_buffer(cycle->stream);
    if (!buffer)
        return;
    struct spa_data *datas = &buffer->buffer->datas[0];
    if (datas->data) {
        uint64_t frames = datas->maxsize / CYCLE_FRAME_BYTES;
        if (buffer->requested > 0 && buffer->requested < frames)
            frames = buffer->requested;
        // A graph with cycles as long as the ring would find it starving for ever.
        if (frames > cycle->fader.capacity / 2)
            frames = cycle->fader.capacity / 2;
        bool silent = fill(cycle, datas->data, (uint32_t)frames);
        datas->chunk->offset = 0;
        datas->chunk->stride = CYCLE_FRAME_BYTES;
        datas->chunk->size = (uint32_t)frames * CYCLE_FRAME_BYTES;
        if (silent)
            cycle->on_silence(cycle->owner);
        if (cycle->on_room && fader_wants_music(&cycle->fader))
            cycle->on_room(cycle->user);
    }
    pw_stream_queue_buffer(cycle->stream, buffer);
}
