// SPDX-License-Identifier: MIT
#ifndef FERMATA_TESTS_GPU_STAGE_H
#define FERMATA_TESTS_GPU_STAGE_H

#include <stdint.h>

#include "nets/net.h"

/**
 * stage: the device and the net that a test's lanes play on. Called so often that their names are
 * short.
 */
struct device;

extern struct device *device;
extern struct net *net;

/** Opens both, of `lanes` lanes; 0, or what net_new() says. */
int stage_open(const char *path, uint32_t lanes);

/** Closes them; teardown of a group. */
int stage_close(void **state);

/** Every lane forgets; setup of a test. */
int stage_reset(void **state);

/** An active lane with a threshold of 0.5, told nothing of the music around it. */
struct net_lane lane(uint64_t seed, uint64_t step);

#endif
