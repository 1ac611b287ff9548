// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_FEED_H
#define FERMATA_CONTROL_FEED_H

#include <stdint.h>

#include "music/score.h"

/**
 * feed: what a channel plays, told live to any number of watchers, one JSON object a line on a pipe
 * each (whole lines or none, as they are shorter than PIPE_BUF).
 *
 * feed_open() is for the main thread, feed_event() and feed_mark() for any thread. A watcher that
 * does not read loses lines, never delays the music; one that has closed its end is forgotten. The
 * process must ignore SIGPIPE.
 */
struct feed;

#define FEED_WATCHERS 32

int feed_new(const char *channel, struct feed **ret_feed);
void feed_free(struct feed *feed);

/** A new watcher: *ret_fd is its end (CLOEXEC, blocking), the caller's to pass on and close. Its
 * first line is {"event":"hello","time":...,"heard":...,"text":"<channel>"}. Returns 0, -EMFILE
 * (FEED_WATCHERS are there already) or -errno (-ENFILE: no descriptors are left). */
int feed_open(struct feed *feed, int *ret_fd);

/**
 * An event as it is rendered. `frame` is its place in the channel's audio in frames of 48 kHz;
 * `ahead` how many frames later than now it will reach the output. As a line:
 *
 *     {"event":"on","time":12.35,"frame":592800,"heard":8123.456,"pitch":60,"velocity":72,"duration":0.4}
 *     {"event":"off","time":12.75,"frame":612000,"heard":8123.856,"pitch":60}
 *
 * time: channel time in seconds; heard: CLOCK_MONOTONIC seconds at which it is about to be heard;
 * duration: seconds, left out where the end is not yet composed.
 */
void feed_event(struct feed *feed, const struct score_event *event, uint64_t frame, uint32_t ahead);

/** Something other than a note that watchers show, told at once: {"event":"state"|..., "time":...,
 * "heard":..., "text":"..."}. `text` may be NULL. */
void feed_mark(struct feed *feed, const char *event, int64_t time, const char *text);

/** The same of something composed for later ("reseed", "piece"): told when the music gets there.
 * `event` and `text` must live as long as the feed. A piece has a title, told as "title"; else
 * NULL. At most FEED_PLANNED at a time: the earliest is told early then. */
void feed_plan(struct feed *feed, const char *event, int64_t time, const char *text,
               const char *title);
#define FEED_PLANNED 32

/** The music from channel time `at` on will not be played: forgets what was planned for it. */
void feed_cut(struct feed *feed, int64_t at);

#endif
