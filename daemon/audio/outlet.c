// SPDX-License-Identifier: MIT
#include "audio/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "audio/converter.h"
#include "audio/fader.h"
#include "audio/fan.h"
#include "audio/pace.h"
#include "audio/ring.h"
#include "audio/synth.h"
#include "log.h"

/** Room for a chunk, the fade out behind it and what somebody else renders at once. */
#define RING_FRAMES 4096
/** Kept for a fade out: 5 ms, for a pipe is early enough anyway. */
#define GUARD 240
#define CHUNK_FRAMES (SYNTH_RATE / 1000 * OUTLET_CHUNK_MS)
#define PAGE 4096

/** Beside others, whose music comes when they want it, so much may wait beyond the chunks that are
 * to be in the pipe: it is more than one of them gives at once while another chunk is due. Where it
 * is more still, a chunk is left out. */
#define WAITING_FRAMES (SYNTH_RATE / 1000 * 60)
#define LEFT_OUT_FRAMES CHUNK_FRAMES

/** How long music may be late before there is silence: at first, and then. */
#define FIRST_PATIENCE_US 500000
#define PATIENCE_US 80000
#define STALLED_US 1000000

/** A full pipe is looked at on this grid, which all outlets share, so that they wake nobody twice.
 */
#define GRID_US 20000
#define GRID_STALLED_US 100000
/** A reader that takes more than is heard, beyond so many frames, is looked after more often, and
 * has no clock of its own that silence would help. */
#define QUICK_US 1000
#define QUICK_BURST (SYNTH_RATE / 2)

struct outlet {
    struct outlet_config config;
    struct tap *tap;
    struct converter *converter;
    int fd;
    uint32_t chunk; // bytes
    atomic_bool playing;
    atomic_int state;
    atomic_uint needed; // frames in the ring that the pump waits for; 0: it does not

    // The pump's.
    struct fader fader;
    struct pace silence;
    int64_t late_since; // when music should have been there, or 0
    int64_t took_us;    // when the reader was last seen to have taken some
    struct pace reading;
    bool quick;
    uint32_t queued; // bytes in the pipe when it was last looked at
    uint32_t filled; // of `bytes`
    uint8_t bytes[];
};

static void on_music(void *user)
{
    struct outlet *outlet = user;
    uint32_t needed = atomic_load(&outlet->needed);
    if (needed > 0 && ring_readable(tap_ring(outlet->tap)) >= needed)
        outlet->config.on_music(outlet->config.user);
}

/** A small pipe: the kernel's memory is not for music that nobody wants yet. */
static int open_pipe(struct outlet *outlet, int *ret_fd)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno == EMFILE ? -ENFILE : -errno; // -EMFILE has its own meaning to the channel
    // Only our end: the reader's reads block, as programs expect.
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    // A chunk never shares a page that it does not fit in, and one page may be half read.
    uint32_t chunks_a_page = outlet->chunk < PAGE ? PAGE / outlet->chunk : 1;
    uint32_t pages_a_chunk = (outlet->chunk + PAGE - 1) / PAGE;
    uint32_t pages =
        (outlet->config.chunks + chunks_a_page - 1) / chunks_a_page * pages_a_chunk + 1;
    // Where a user has too many pipes it stays as it is, and as full as we make it.
    if (fcntl(ends[1], F_SETPIPE_SZ, (int)(pages * PAGE)) < 0)
        log_debug("cannot size a pipe: %s", strerror(errno));
    outlet->fd = ends[1];
    *ret_fd = ends[0];
    return 0;
}

int outlet_new(const struct outlet_config *config, struct outlet **ret_outlet, int *ret_fd)
{
    struct converter *converter;
    int r = converter_new(config->format, config->rate, config->channels, &converter);
    if (r < 0)
        return r;
    uint32_t chunk = converter_bytes(converter, config->rate / (1000 / OUTLET_CHUNK_MS));
    struct outlet *outlet = calloc(1, sizeof *outlet + chunk + converter_room(converter));
    if (!outlet) {
        converter_free(converter);
        return -ENOMEM;
    }
    outlet->config = *config;
    outlet->converter = converter;
    outlet->chunk = chunk;
    outlet->fd = -1;
    outlet->took_us = pace_now_us();
    atomic_init(&outlet->playing, false);
    atomic_init(&outlet->state, OUTLET_FLOWING);
    atomic_init(&outlet->needed, 0);
    pace_init(&outlet->silence, SYNTH_RATE / 2, outlet->took_us);
    pace_init(&outlet->reading, QUICK_BURST, outlet->took_us);
    r = fan_add(config->fan, RING_FRAMES, on_music, outlet, &outlet->tap);
    if (r == 0) {
        tap_want(outlet->tap, 0);
        fader_init(&outlet->fader, tap_ring(outlet->tap));
        outlet->fader.guard = GUARD;
        r = open_pipe(outlet, ret_fd);
    }
    if (r < 0) {
        outlet_free(outlet);
        return r;
    }
    *ret_outlet = outlet;
    return 0;
}

void outlet_free(struct outlet *outlet)
{
    if (!outlet)
        return;
    fan_remove(outlet->config.fan, outlet->tap);
    converter_free(outlet->converter);
    if (outlet->fd >= 0)
        close(outlet->fd);
    free(outlet);
}

static void update_tap(struct outlet *outlet)
{
    tap_set_active(outlet->tap,
                   atomic_load(&outlet->playing) && atomic_load(&outlet->state) == OUTLET_FLOWING);
}

void outlet_set_playing(struct outlet *outlet, bool playing)
{
    atomic_store(&outlet->playing, playing);
    fader_set_playing(&outlet->fader, playing);
    update_tap(outlet);
}

void outlet_set_volume(struct outlet *outlet, double volume)
{
    double clamped = fmin(fmax(volume, 0.0), 1.0);
    fader_set_volume(&outlet->fader, (float)(clamped * clamped * clamped));
}

enum outlet_state outlet_state(const struct outlet *outlet)
{
    return (enum outlet_state)atomic_load(&outlet->state);
}

uint64_t outlet_underruns(const struct outlet *outlet)
{
    return fader_underruns(&outlet->fader);
}

static void set_state(struct outlet *outlet, enum outlet_state state)
{
    if (atomic_exchange(&outlet->state, state) == (int)state)
        return;
    update_tap(outlet);
    outlet->config.on_state(outlet->config.user);
}

/** Frames that make the rest of the chunk, in whole blocks. */
static uint32_t frames_left(const struct outlet *outlet)
{
    uint64_t frames = (uint64_t)(outlet->chunk - outlet->filled) * CHUNK_FRAMES / outlet->chunk;
    return (uint32_t)(frames + CONVERTER_BLOCK - 1) / CONVERTER_BLOCK * CONVERTER_BLOCK;
}

/** Whether there is music for the next block; asks for that of the whole chunk where there is not.
 */
static bool has_music(struct outlet *outlet, int64_t now_us)
{
    struct ring *ring = tap_ring(outlet->tap);
    uint32_t needed = frames_left(outlet) + GUARD;
    if (outlet->fader.starving && needed < RING_FRAMES / 2)
        needed = RING_FRAMES / 2;
    ring_settle(ring, CONVERTER_BLOCK + GUARD);
    // What is rendered comes in blocks, so ask for one more than is waited for.
    tap_want(outlet->tap, needed + SYNTH_BLOCK);
    atomic_store(&outlet->needed, needed);
    uint32_t enough = outlet->fader.starving ? needed : CONVERTER_BLOCK + GUARD;
    if (ring_readable(ring) >= enough) {
        atomic_store(&outlet->needed, 0);
        outlet->late_since = 0;
        return true;
    }
    if (!outlet->late_since)
        outlet->late_since = now_us;
    outlet->config.on_room(outlet->config.user);
    return false;
}

/** One block into the chunk. Returns false where the reader has to wait for it. */
static bool add_block(struct outlet *outlet, int64_t now_us)
{
    bool flows = atomic_load(&outlet->playing) && has_music(outlet, now_us);
    if (!flows) {
        bool urgent = outlet->fader.begun && !outlet->quick;
        int64_t patience = urgent ? PATIENCE_US : FIRST_PATIENCE_US;
        if (atomic_load(&outlet->playing) && now_us - outlet->late_since < patience)
            return false;
        if (pace_allows(&outlet->silence, now_us) < CONVERTER_BLOCK)
            return false;
        pace_use(&outlet->silence, CONVERTER_BLOCK * 4 / 5);
    }
    float block[2 * CONVERTER_BLOCK];
    fader_process(&outlet->fader, block, CONVERTER_BLOCK);
    outlet->filled += (uint32_t)converter_process(outlet->converter, block, CONVERTER_BLOCK,
                                                  outlet->bytes + outlet->filled);
    return true;
}

/** Returns false where the pipe does not take it. */
static bool write_chunk(struct outlet *outlet)
{
    ssize_t written = write(outlet->fd, outlet->bytes, outlet->chunk);
    if (written <= 0) {
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            set_state(outlet, OUTLET_CLOSED);
        return false;
    }
    // It is less than the chunk only where somebody has made the pipe smaller.
    outlet->filled -= (uint32_t)written;
    memmove(outlet->bytes, outlet->bytes + written, outlet->filled);
    outlet->queued += (uint32_t)written;
    return written == outlet->chunk;
}

static void watch_reader(struct outlet *outlet, int64_t now_us)
{
    // A full pipe is not written to, so no write tells that its reader has gone.
    struct pollfd poller = {.fd = outlet->fd};
    if (poll(&poller, 1, 0) > 0 && (poller.revents & POLLERR)) {
        set_state(outlet, OUTLET_CLOSED);
        return;
    }
    int queued = 0;
    if (ioctl(outlet->fd, FIONREAD, &queued) < 0)
        queued = 0;
    bool took = (uint32_t)queued < outlet->queued;
    int64_t allowed = pace_allows(&outlet->reading, now_us);
    if (took) {
        outlet->took_us = now_us;
        pace_use(&outlet->reading,
                 (int64_t)(outlet->queued - (uint32_t)queued) * CHUNK_FRAMES / outlet->chunk);
    }
    outlet->quick = allowed < QUICK_BURST / 2 && (outlet->quick || allowed < CHUNK_FRAMES);
    outlet->queued = (uint32_t)queued;
    bool full = outlet->queued + outlet->chunk > outlet->chunk * outlet->config.chunks;
    bool stalled = full && now_us - outlet->took_us > STALLED_US;
    if (!full && !took)
        outlet->took_us = now_us; // it has nothing to take yet
    set_state(outlet, stalled ? OUTLET_STALLED : OUTLET_FLOWING);
}

/** Leaves out what would be heard too late. */
static void keep_fresh(struct outlet *outlet)
{
    uint32_t piped = (outlet->queued + outlet->filled) * CHUNK_FRAMES / outlet->chunk;
    uint32_t all = outlet->config.chunks * CHUNK_FRAMES + WAITING_FRAMES;
    uint32_t most = all > piped ? all - piped : 0;
    if (most < WAITING_FRAMES)
        most = WAITING_FRAMES;
    ring_limit(tap_ring(outlet->tap), most, most - LEFT_OUT_FRAMES);
}

int64_t outlet_step(struct outlet *outlet, int64_t now_us)
{
    if (outlet_state(outlet) == OUTLET_CLOSED)
        return INT64_MAX;
    watch_reader(outlet, now_us);
    bool waits = outlet_state(outlet) == OUTLET_CLOSED;
    if (!outlet->fader.starving)
        keep_fresh(outlet);
    while (!waits && outlet->queued + outlet->chunk <= outlet->chunk * outlet->config.chunks) {
        while (!waits && outlet->filled < outlet->chunk)
            waits = !add_block(outlet, now_us);
        if (!waits && !write_chunk(outlet))
            break;
    }
    if (outlet_state(outlet) == OUTLET_CLOSED)
        return INT64_MAX;
    if (!waits)
        tap_want(outlet->tap, 0);
    if (outlet->quick && !waits)
        return QUICK_US;
    int64_t grid = outlet_state(outlet) == OUTLET_STALLED ? GRID_STALLED_US : GRID_US;
    return grid - now_us % grid;
}

int outlet_poll_fd(const struct outlet *outlet)
{
    return outlet_state(outlet) == OUTLET_CLOSED ? -1 : outlet->fd;
}
