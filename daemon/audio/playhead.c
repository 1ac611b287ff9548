// SPDX-License-Identifier: MIT
#include "audio/playhead.h"

#include <spa/node/io.h>

/** In today's PipeWire writer and reader take turns on one thread, and the first try does. */
#define TRIES 8

void playhead_write(struct playhead *playhead, const struct playhead_cycle *cycle)
{
    atomic_fetch_add(&playhead->turn, 1);
    atomic_store(&playhead->cycle, cycle->position);
    atomic_store(&playhead->duration, cycle->duration);
    atomic_store(&playhead->index, cycle->index);
    atomic_store(&playhead->given, cycle->given);
    atomic_store(&playhead->taken, cycle->taken);
    atomic_fetch_add(&playhead->turn, 1);
}

bool playhead_read(struct playhead *playhead, struct playhead_cycle *ret_cycle)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned turn = atomic_load(&playhead->turn);
        struct playhead_cycle cycle = {
            .position = atomic_load(&playhead->cycle),
            .duration = atomic_load(&playhead->duration),
            .index = atomic_load(&playhead->index),
            .given = atomic_load(&playhead->given),
            .taken = atomic_load(&playhead->taken),
        };
        if (turn % 2 == 0 && atomic_load(&playhead->turn) == turn) {
            *ret_cycle = cycle;
            return true;
        }
    }
    return false;
}

void playhead_add(struct playhead *playhead, struct playhead_cycle *cycle,
                  const struct spa_io_clock *clock, uint32_t place, uint32_t frames, uint32_t taken)
{
    bool again = cycle->duration > 0 && clock->position == cycle->position;
    if (!again)
        *cycle = (struct playhead_cycle){.index = place};
    cycle->position = clock->position;
    cycle->duration = (uint32_t)clock->duration;
    cycle->given += frames;
    cycle->taken += taken;
    playhead_write(playhead, cycle);
}
