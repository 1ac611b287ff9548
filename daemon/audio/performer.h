// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_PERFORMER_H
#define FERMATA_AUDIO_PERFORMER_H

#include <stdbool.h>
#include <stdint.h>

#include "audio/meter.h"
#include "music/score.h"

struct fan;
struct announcer;
struct profile;
struct synth;

/**
 * performer: one thread that plays each channel's due notes on its synth into its fan, some tenths
 * of a second ahead of what takes the music. Sleeps without any timer while nobody wants more.
 *
 * performer_step() does the same work synchronously, for tests and for rendering to files.
 */
struct performer;

/** Music left in the score, in microseconds, below which on_hungry() is called. */
#define PERFORMER_LOW (20 * NOTE_SECOND)

/** A reader that takes music faster than it is heard gets it so while more than this is left. */
#define PERFORMER_PLENTY (12 * NOTE_SECOND)

/** One channel's instrument. All pointers outlive the part; the part is plain data of the owner,
 * handed over with performer_add() and given back by performer_remove(). */
struct performer_part {
    struct score *score;
    struct synth *synth;
    struct fan *fan;
    struct profile *profile;     ///< what is done to the synth's sound; NULL: nothing
    struct announcer *announcer; ///< speaks over it, where there is a profile; NULL: nobody does
    /** Called on the performer's thread for each event as it is rendered. `frame` counts the
     * frames given to the fan since the part was added: the event is heard when a reader gets
     * there; `ahead` is how many frames the first reader is behind it now. May be NULL. Neither
     * callback may call performer_add(), performer_remove() or performer_step(). */
    void (*on_event)(void *user, const struct score_event *event, uint64_t frame, uint32_t ahead);
    /** Called on the performer's thread when less than PERFORMER_LOW of music is left in the score,
     * at most four times per second of what is rendered. May be NULL. */
    void (*on_hungry)(void *user);
    void *user;
    struct meter meter; ///< of what is rendered
};

/** Frames between an event's taking effect and its being heard. */
uint32_t performer_delay(const struct performer_part *part);

/** Returns 0, -ENOMEM or -errno of eventfd(2). */
int performer_new(struct performer **ret_performer);
/** Stops the thread if it runs. All parts must have been removed. */
void performer_free(struct performer *performer);

/** Main thread; both wait for a step that is under way, some milliseconds. performer_add() returns
 * 0 or -ENOMEM; channel time begins at the score's position. performer_remove() returns once the
 * thread has let go of the part. */
int performer_add(struct performer *performer, struct performer_part *part);
void performer_remove(struct performer *performer, struct performer_part *part);

/** Starts the thread. Returns 0 or -errno of pthread_create(3). */
int performer_start(struct performer *performer);

/** Wakes the thread: somebody wants music, or a score has music. Real-time safe (an eventfd write).
 */
void performer_wake(struct performer *performer);

/** Renders what is wanted (fan_room()), as far as the scores allow, in blocks of SYNTH_BLOCK
 * frames: an event takes effect at the block boundary nearest to its time. Returns the frames
 * rendered in all; it may not be all that is wanted where a reader takes as fast as it is rendered.
 * Where a score has nothing due (not yet composed), channel time stands still: what sounds rings
 * out, the fan gets it, and `starved` counts the frames. But before the first music of a part its
 * fan is given nothing, so that the music is not put behind silence. */
uint32_t performer_step(struct performer *performer);

/** Frames rendered while a score was empty, over all parts since the start. Any thread. */
uint64_t performer_starved(const struct performer *performer);

/** Counts rendered blocks; grows while music plays. For the watchdog. Any thread. */
uint64_t performer_progress(const struct performer *performer);

/** CPU time of the performer's thread, nanoseconds (0 before start). Any thread. */
uint64_t performer_cpu_ns(const struct performer *performer);

#endif
