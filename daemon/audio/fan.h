// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_FAN_H
#define FERMATA_AUDIO_FAN_H

#include <stdbool.h>
#include <stdint.h>

struct ring;

/**
 * fan: hands the music of one channel to all who take it. Each of them has a *tap*: a ring and how
 * much music it wants in it.
 *
 * Who wants music first sets the pace, by nothing but what it takes; the others get the same, and
 * one who is late leaves some out (ring.h). So nobody holds up anybody, and two sound cards whose
 * clocks differ do no harm. One who has plenty in his ring (PipeWire's third of a second) leaves
 * the pace to one who has not. Only where somebody takes music faster than it is heard, as a file
 * does, he is *hasty*: beside others he gets it at their pace, or at that of the clock where they
 * take none; alone as fast as he likes while plenty is composed.
 *
 * Making and removing taps is for the main thread, fan_room() and fan_push() for the performer's;
 * what is set of a tap, for any thread, the real-time one too.
 */
struct fan;
struct tap;

int fan_new(struct fan **ret_fan);
/** All taps must have been removed. */
void fan_free(struct fan *fan);

/** A tap for `frames` frames, rounded up to a power of two; it begins inactive, wants all that fits
 * and gets music from now on. `on_music` is called on the performer's thread when there is more of
 * it; NULL: it is not. Both wait for a push that is under way. Returns 0 or -ENOMEM. */
int fan_add(struct fan *fan, uint32_t frames, void (*on_music)(void *user), void *user,
            struct tap **ret_tap);
void fan_remove(struct fan *fan, struct tap *tap);

/** For its reader. */
struct ring *tap_ring(const struct tap *tap);

/** An inactive tap gets and wants nothing; what is in its ring stays, and what it misses is crossed
 * over when it is active again. */
void tap_set_active(struct tap *tap, bool active);

/** So many frames should be in the ring; the performer is to be woken then. */
void tap_want(struct tap *tap, uint32_t frames);

/** So many of the frames it wants it can do without for a while (0: none). Beside one who can not
 * it leaves the pace to him, so that he gets no more at once than he takes: music that waits for
 * him would be late. */
void tap_set_slack(struct tap *tap, uint32_t frames);

/** How many frames should be rendered now. `plenty`: enough is composed even for a hasty one.
 * *ret_wait_us is set to how long to wait before asking again, where a hasty one has to; else it is
 * left as it is. */
uint32_t fan_room(struct fan *fan, int64_t now_us, bool plenty, uint32_t *ret_wait_us);

/** Gives frames to all active taps. */
void fan_push(struct fan *fan, const float *interleaved, uint32_t frames);

/** Frames that the first active tap, or else the first one, has not read yet. Any thread. */
uint32_t fan_ahead(struct fan *fan);

/** Whether an active tap has less than three quarters of what it wants. Any thread. */
bool fan_lacks(struct fan *fan);

#endif
