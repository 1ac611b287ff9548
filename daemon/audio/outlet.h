// SPDX-License-Identifier: MIT
#ifndef FERMATA_AUDIO_OUTLET_H
#define FERMATA_AUDIO_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

struct converter_format;
struct fan;

/**
 * outlet: a pipe in which a reader (a PBX, an encoder) finds a channel's music, in the format it
 * asked for.
 *
 * What the reader takes is what paces it. So much music as `ahead` says is kept in the pipe, in
 * whole chunks of 40 ms, each written whole; beyond that nothing is rendered for it, so it hears a
 * change soon. While the channel is stopped, or no music comes, it gets silence, at most a quarter
 * faster than it is heard; a reader never has to wait for long.
 *
 * Setters and getters are for the main thread, outlet_step() and outlet_poll_fd() for the pump's.
 */
struct outlet;

#define OUTLET_CHUNK_MS 40
#define OUTLET_MOST_CHUNKS 25

struct outlet_config {
    struct fan *fan;
    const struct converter_format *format;
    uint32_t rate;
    uint32_t channels;
    uint32_t chunks; ///< to be kept in the pipe, 1 to OUTLET_MOST_CHUNKS
    /** Pump's thread: the tap wants music (performer_wake). */
    void (*on_room)(void *user);
    /** Performer's thread: there is some (pump_wake). */
    void (*on_music)(void *user);
    /** Pump's thread: the reader has gone, or has begun or ceased to read. */
    void (*on_state)(void *user);
    void *user;
};

enum outlet_state {
    OUTLET_FLOWING, ///< the reader takes what it gets
    OUTLET_STALLED, ///< it has taken nothing for a second
    OUTLET_CLOSED,  ///< it has gone: to be freed
};

/** *ret_fd is the reader's end (CLOEXEC, blocking), the caller's to pass on and close. Begins
 * stopped, at full volume. Returns 0, -EINVAL (rate or channels, see converter.h) or -errno. */
int outlet_new(const struct outlet_config *config, struct outlet **ret_outlet, int *ret_fd);
/** The pump must have let go of it. */
void outlet_free(struct outlet *outlet);

/** Fades in or out within 30 ms of music. Wake the pump. */
void outlet_set_playing(struct outlet *outlet, bool playing);
/** 0 to 1; see output_set_volume(). */
void outlet_set_volume(struct outlet *outlet, double volume);

enum outlet_state outlet_state(const struct outlet *outlet);
/** Frames of 48 kHz of silence between music, because it came too late. */
uint64_t outlet_underruns(const struct outlet *outlet);

/** Fills the pipe as far as music and reader allow. Returns after how many microseconds it wants
 * to be called again if nothing wakes it; INT64_MAX when the reader has gone. */
int64_t outlet_step(struct outlet *outlet, int64_t now_us);

/** To poll(2) for POLLERR, the reader's end; -1 when it has come. */
int outlet_poll_fd(const struct outlet *outlet);

#endif
