// SPDX-License-Identifier: MIT
#ifndef FERMATA_NETS_TUNE_H
#define FERMATA_NETS_TUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "nets/tuning.h"

struct device;

/**
 * tune: finds out, with the real kernels and weights of a net, how many lanes had best be
 * computed together on a device, and how many rows of a matrix by each invocation, and keeps it
 * (tuning.h) for the next net_new(). No choice changes a note: none changes the order in which
 * anything is added up.
 *
 * A machine that is shared has slow seconds, so before another layout takes the place of the usual
 * one, that one is measured once more; its least counts.
 *
 * One candidate at a time, so that the generator can do it between its steps. Belongs to its
 * thread; goes before the device.
 */
struct tune;

#define TUNE_MOST 7

struct tune_trial {
    struct tuning_layout layout;
    double step_us; ///< a step of all lanes, the least of some runs; see tune_next()
};

struct tune_report {
    struct tune_trial trials[TUNE_MOST]; ///< the usual layout first
    uint32_t count;
    uint32_t most;   ///< the largest tile that the lanes allow
    uint32_t chosen; ///< which of them; meaningful when all are there
    bool doubted;    ///< another one looked faster, so the usual one was measured once more
};

/** `path` must outlive it. Returns 0 or -ENOMEM. */
int tune_new(struct device *device, const char *path, uint32_t lanes, struct tune **ret_tune);
void tune_free(struct tune *tune);

/**
 * Opens the net in one more layout and measures it, for 0.2 s beside what it takes to open. Returns
 * 1 while there is more to do; 0 when the choice is kept (or cannot be: no cache folder), or where
 * the net's form leaves none; or what net_new() and net_run() return.
 */
int tune_next(struct tune *tune);

const struct tune_report *tune_report(const struct tune *tune);

#endif
