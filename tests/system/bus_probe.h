// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_BUS_PROBE_H
#define FERMATA_TESTS_BUS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/channel.h"
#include "control/manager.h"
#include "control/schedule.h"
#include "control/settings.h"
#include "music/ending.h"

/**
 * bus_probe: channels in memory: bus_probe_channel.c is one of them, bus_probe.c the manager.
 */
struct channel {
    char name[SETTINGS_NAME_ROOM];
    struct manager *manager;
    enum channel_state state;
    bool midi;
    char composer[32], net[64], sampling[8], profile[16], output[8], target[256],
        piece_length[ENDING_LENGTH_ROOM], rtp[40], title[128];
    unsigned pieces;
    double threshold, volume;
    uint32_t reseed_interval;
    uint64_t reseeds, notes;
    int64_t time; // microseconds
    struct feed *feed;
    struct schedule schedule;
};

struct manager {
    struct manager_listener listener;
    struct channel *channels[MANAGER_CHANNELS];
    size_t count;
};

/** What the nets in memory offer. */
extern const char *const probe_nets[3];
extern const char *const probe_composers[4]; ///< ends with NULL

bool probe_knows(const char *const *names, size_t count, const char *name);

#endif
