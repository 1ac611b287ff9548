// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_ANNOUNCING_H
#define FERMATA_CONTROL_ANNOUNCING_H

#include <stdbool.h>
#include <stdint.h>

/**
 * announcing: the announcements of one channel: reads the files, on a thread of its own, says one
 * once, or again and again, and keeps a copy of that for the next start. Main thread.
 */
struct announcer;
struct announcing;
struct pw_loop;

/** Seconds from the end of one announcement to the next. */
#define ANNOUNCING_SHORTEST 5
#define ANNOUNCING_LONGEST 3600

struct announcing_config {
    struct pw_loop *loop;
    struct announcer *announcer;
    const char *channel; ///< for the log
    const char *copy;    ///< where what is repeated is kept, or "": nowhere; copied
    /** It is now said every so many seconds; 0: no more. */
    void (*on_every)(void *user, uint32_t seconds);
    void *user;
};

/** `every`: the copy is said so often; 0: nothing is. Returns 0 or -ENOMEM. */
int announcing_new(const struct announcing_config *config, uint32_t every,
                   struct announcing **ret_announcing);
/** Waits for the thread: some seconds at most. */
void announcing_free(struct announcing *announcing);

/**
 * Says the file soon, once it is read, and, where `every` is not 0, again that many seconds after
 * it has ended each time. `fd` stays the caller's. Returns 0 and the seconds it lasts, -ERANGE
 * (`every` is none), -EBUSY (another file is still being read), or what announcement_check() says,
 * with *ret_why, to be read after "the file".
 */
int announcing_say(struct announcing *announcing, int fd, uint32_t every, double *ret_seconds,
                   const char **ret_why);

/** Ends what is said, and nothing is said again. */
void announcing_stop(struct announcing *announcing);

/** Seconds; 0: nothing is repeated. */
uint32_t announcing_every(const struct announcing *announcing);

/** Nothing is begun while no music plays. */
void announcing_set_playing(struct announcing *announcing, bool playing);

#endif
