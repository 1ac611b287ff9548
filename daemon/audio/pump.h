// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_PUMP_H
#define FERMATA_AUDIO_PUMP_H

#include <stdint.h>

struct outlet;
struct rtp_outlet;

/**
 * pump: the one thread that keeps the pipes of all channels full and sends their RTP. Sleeps
 * without any timer while there are none, and looks at all of them fifty times a second while they
 * are read.
 */
struct pump;

/** Returns 0, -ENOMEM or -errno of eventfd(2). */
int pump_new(struct pump **ret_pump);
/** Stops the thread if it runs. All outlets of both kinds must have been removed. */
void pump_free(struct pump *pump);

/** Main thread; both wait for a step that is under way, a millisecond or so. Adding returns 0 or
 * -ENOMEM. */
int pump_add(struct pump *pump, struct outlet *outlet);
void pump_remove(struct pump *pump, struct outlet *outlet);
int pump_add_rtp(struct pump *pump, struct rtp_outlet *outlet);
void pump_remove_rtp(struct pump *pump, struct rtp_outlet *outlet);

/** Starts the thread. Returns 0 or -errno of pthread_create(3). */
int pump_start(struct pump *pump);

/** There is music, or something has changed. Any thread. */
void pump_wake(struct pump *pump);

/** CPU time of the thread, nanoseconds (0 before start). Any thread. */
uint64_t pump_cpu_ns(const struct pump *pump);

#endif
