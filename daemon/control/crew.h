// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_CREW_H
#define FERMATA_CONTROL_CREW_H

#include <stddef.h>
#include <stdint.h>

struct generator_config;
struct lane;

/**
 * crew: generators that compose for files, side by side. Where the device is a CPU, whose driver
 * runs all in one thread, there is one for each core, with a device and nets of its own, and each
 * takes up a few lanes at a time until none is left; elsewhere there is one for all. A lane's music
 * is the same whoever composes it, and beside whom.
 */
struct crew;

/** What a lane has composed is to be taken. Called in the thread of the lane's generator, of one
 * lane at a time there, until so much was taken as is wanted of each. Returns how much music was
 * taken so far, microseconds, or -errno. */
typedef int64_t crew_take_func(void *user, size_t index);

/** In the thread that waits: how far they have come, microseconds: that lane of those begun which
 * is the furthest behind, and all together. */
typedef void crew_tell_func(void *user, int64_t least, int64_t whole);

struct crew_work {
    int64_t length; ///< of music that is wanted of each lane
    crew_take_func *take;
    crew_tell_func *tell;
    void *user;
};

/** Opens the first generator; `config->lanes` are those of all together, and what it points to
 * outlives the crew. On a CPU a generator has `seats` of them in work at once, at most. Returns
 * what generator_new() returns. */
int crew_new(const struct generator_config *config, size_t seats, struct crew **ret_crew);

/** The lanes outlive it. */
void crew_free(struct crew *crew);

/** See generator_device(). */
const char *crew_device(const struct crew *crew);

/** Bytes by which the process has grown in those steps of its generators in which a net became
 * resident, which happens once for each; what others of it did meanwhile is among them. */
int64_t crew_grown(struct crew *crew);

/** Before crew_run(). The first lane has index 0. Returns 0, or -ENOSPC beyond config->lanes. */
int crew_add(struct crew *crew, struct lane *lane);

/** Has all composed, or as much as there is when an interrupt comes (interrupt.h), and waits.
 * Returns 0, what take() has failed with, or -errno of a device that cannot be opened or fails
 * (logged); the others then leave off, too. */
int crew_run(struct crew *crew, const struct crew_work *work);

#endif
