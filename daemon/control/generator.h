// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_GENERATOR_H
#define FERMATA_CONTROL_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lane;
struct repertoire;

/**
 * generator: one thread that composes for all channels. It owns the device and the nets, looks
 * which lanes run low, batches those that share a net into one submit, and sleeps. Nets become
 * resident when a lane asks for them, and the others of the repertoire one by one while there is
 * nothing to compose; they stay. A net has as many places as lanes play on it, or some more: when
 * they do not suffice it is made anew, wider, while the scores play on, and its lanes are primed
 * with their own music. Then it tunes them (nets/tune.h), once for each device, between
 * its steps: what it finds holds from the next opening on.
 *
 * When the device is lost it opens everything anew, again and again until that succeeds, while the
 * scores play on; generator_trouble() then says so. Where any device will do ("auto") it goes to
 * the CPU when the GPU does not come back. A net that cannot be loaded is tried again later.
 *
 * The thread itself waits for no device: a second one, the hand, makes those calls. So where one
 * does not come back, or no device is there, and a score runs low, lane_relieve() fills it.
 *
 * generator_step() is the same work without the thread, for tests and for composing to a file.
 */
struct generator;

/** Most lanes at once. */
#define GENERATOR_LANES 64

struct generator_config {
    const char *device;            ///< as device_new() takes it
    struct repertoire *repertoire; ///< outlives the generator; it alone looks again
    const char *net;               ///< to load at once; one of the repertoire
    size_t lanes;                  ///< it has room for at first, 1..GENERATOR_LANES
    /** Seconds until a net that could not be loaded is tried again; 0: a minute. */
    double retry_seconds;
    /** A device that is not there, or weights that cannot be read, are waited for, by the thread:
     * lanes play human phrases until then. Else generator_new() fails. */
    bool patient;
    /** Generator's thread: generator_trouble() or generator_device() has changed. May be NULL. */
    void (*on_trouble)(void *user);
    void *user;
};

/**
 * Opens the device and loads one net. Blocks: see net_new(). Returns 0, or, where it is not
 * patient, -ENODEV or what net_new() says, logged.
 */
int generator_new(const struct generator_config *config, struct generator **ret_generator);

/** Stops the thread and frees all. */
void generator_free(struct generator *generator);

/** What is open, "none" at first where nothing could be; strings are the generator's and outlive
 * one reopening. Any thread. */
const char *generator_device(const struct generator *generator);
const char *generator_driver(const struct generator *generator);
/** Whether what is open computes on the CPU. Generator's thread. */
bool generator_is_on_cpu(const struct generator *generator);
/** The nets there are, resident or not. */
const struct repertoire *generator_repertoire(const struct generator *generator);

/** How many nets are resident, with those for what is drawn again. For the thread that steps. */
size_t generator_resident(const struct generator *generator);

/** The lane takes part from the next step on. Any thread; returns at once, 0 or -ENOSPC. */
int generator_add(struct generator *generator, struct lane *lane);

/** The lane is known no more. generator_remove() waits for the end of the step in work, which may
 * take as long as the device; generator_try_remove() does not: where it would have to, the thread
 * lets go of the lane after that step, and it returns false until then: call it again. Any thread.
 */
void generator_remove(struct generator *generator, struct lane *lane);
bool generator_try_remove(struct generator *generator, struct lane *lane);

int generator_start(struct generator *generator);

/** Ends the thread. Returns false where it is busy with a device that does not answer within a
 * second, such as while kernels are compiled: then generator_free() would wait for it. */
bool generator_stop(struct generator *generator);

/** Looks at the lanes now. Any thread. */
void generator_wake(struct generator *generator);

/** Whether the lane's music is being played, so that the thread looks again by itself when it runs
 * low. Any thread. */
void generator_set_playing(struct generator *generator, struct lane *lane, bool playing);

/** One run for every net with work. Returns the number of lanes that took part (0: nothing to
 * do), or -errno of net_run(). */
int generator_step(struct generator *generator);

/** Fills the scores that are about to run dry without any net, as its thread does while the device
 * does not answer; for tests. Returns how many there were. Between steps. */
int generator_relieve(struct generator *generator);

/** NULL, or why it cannot compose now: one word and then plain ones. Any thread. */
const char *generator_trouble(const struct generator *generator);

/** Counts runs. For the watchdog. Any thread. */
uint64_t generator_progress(const struct generator *generator);

#endif
