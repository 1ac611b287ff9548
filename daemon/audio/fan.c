// SPDX-License-Identifier: MIT
#include "audio/fan.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "audio/pace.h"
#include "audio/ring.h"

/** So much may somebody take at once before he is hasty; the first filling of a pipe is less. */
#define BURST 48000
/** One who has taken nothing for so long sets no pace: longer than the cycle of any graph. */
#define STALLED_US 250000
/** What is rendered for a hasty one beside others, at least, and how long that takes. */
#define HASTY_FRAMES 960
#define HASTY_WAIT_US 20000
/** What one with slack gets while others set the pace, until his clock is no more behind theirs: a
 * tenth of real time, which no clock is wrong by. */
#define NUDGE_FRAMES 64
#define NUDGE_EVERY_US 10000

struct tap {
    struct tap *next;
    struct ring *ring;
    void (*on_music)(void *user);
    void *user;
    atomic_bool active;
    atomic_uint want;
    atomic_uint slack;

    // The performer's.
    struct pace pace;
    uint32_t taken;  // of its ring, when it was last looked at
    int64_t took_us; // when it was last seen to have taken some
    bool hasty;
    int64_t nudged_us;
};

struct fan {
    pthread_mutex_t lock; // of the list
    struct tap *taps;
};

int fan_new(struct fan **ret_fan)
{
    struct fan *fan = calloc(1, sizeof *fan);
    if (!fan)
        return -ENOMEM;
    pthread_mutex_init(&fan->lock, NULL);
    *ret_fan = fan;
    return 0;
}

void fan_free(struct fan *fan)
{
    if (!fan)
        return;
    pthread_mutex_destroy(&fan->lock);
    free(fan);
}

int fan_add(struct fan *fan, uint32_t frames, void (*on_music)(void *user), void *user,
            struct tap **ret_tap)
{
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return -ENOMEM;
    int r = ring_new(frames, &tap->ring);
    if (r < 0) {
        free(tap);
        return r;
    }
    tap->on_music = on_music;
    tap->user = user;
    atomic_init(&tap->active, false);
    atomic_init(&tap->want, ring_writable(tap->ring));
    atomic_init(&tap->slack, 0);
    pace_init(&tap->pace, BURST, pace_now_us());

    pthread_mutex_lock(&fan->lock);
    struct tap **end = &fan->taps;
    while (*end)
        end = &(*end)->next;
    *end = tap;
    pthread_mutex_unlock(&fan->lock);
    *ret_tap = tap;
    return 0;
}

void fan_remove(struct fan *fan, struct tap *tap)
{
    if (!tap)
        return;
    pthread_mutex_lock(&fan->lock);
    struct tap **link = &fan->taps;
    while (*link && *link != tap)
        link = &(*link)->next;
    if (*link)
        *link = tap->next;
    pthread_mutex_unlock(&fan->lock);
    ring_free(tap->ring);
    free(tap);
}

struct ring *tap_ring(const struct tap *tap)
{
    return tap->ring;
}

void tap_set_active(struct tap *tap, bool active)
{
    atomic_store(&tap->active, active);
}

void tap_want(struct tap *tap, uint32_t frames)
{
    atomic_store(&tap->want, frames);
}

void tap_set_slack(struct tap *tap, uint32_t frames)
{
    atomic_store(&tap->slack, frames);
}

static uint32_t lack(struct tap *tap)
{
    uint32_t want = atomic_load(&tap->want);
    uint32_t readable = ring_readable(tap->ring);
    return want > readable ? want - readable : 0;
}

static void observe(struct tap *tap, int64_t now_us)
{
    uint32_t taken = ring_taken(tap->ring) - tap->taken;
    int64_t allowed = pace_allows(&tap->pace, now_us);
    if (taken > 0) {
        pace_use(&tap->pace, taken);
        tap->took_us = now_us;
        tap->hasty = tap->hasty || allowed < (int64_t)taken;
    }
    tap->taken += taken;
    // He has let his ring be full, which a file never does.
    if (tap->hasty && allowed >= BURST / 2 && lack(tap) == 0)
        tap->hasty = false;
}

/** Whether somebody else, with so much slack at most, takes the music as it is heard. */
static bool has_partner(const struct fan *fan, const struct tap *tap, uint32_t slack,
                        int64_t now_us)
{
    for (const struct tap *other = fan->taps; other; other = other->next)
        if (other != tap && atomic_load(&other->active) && !other->hasty &&
            atomic_load(&other->slack) <= slack && now_us - other->took_us < STALLED_US)
            return true;
    return false;
}

/** What one who takes music as it is heard wants rendered. */
static uint32_t calm_room(const struct fan *fan, struct tap *tap, int64_t now_us)
{
    uint32_t room = lack(tap);
    uint32_t slack = atomic_load(&tap->slack);
    if (slack == 0 || room > 2 * slack || !has_partner(fan, tap, 0, now_us))
        return room;
    if (room <= slack || now_us - tap->nudged_us < NUDGE_EVERY_US)
        return 0;
    tap->nudged_us = now_us;
    return NUDGE_FRAMES;
}

static uint32_t hasty_room(const struct fan *fan, struct tap *tap, int64_t now_us)
{
    // What is still in the ring is used as soon as it is taken.
    int64_t allowed = pace_allows(&tap->pace, now_us) - ring_readable(tap->ring);
    if (has_partner(fan, tap, UINT32_MAX, now_us) || allowed < HASTY_FRAMES)
        return 0;
    uint32_t room = lack(tap);
    return room < HASTY_FRAMES ? room : HASTY_FRAMES;
}

uint32_t fan_room(struct fan *fan, int64_t now_us, bool plenty, uint32_t *ret_wait_us)
{
    uint32_t room = 0;
    unsigned active = 0;
    pthread_mutex_lock(&fan->lock);
    for (struct tap *tap = fan->taps; tap; tap = tap->next) {
        if (atomic_load(&tap->active)) {
            observe(tap, now_us);
            active++;
        }
    }
    for (struct tap *tap = fan->taps; tap; tap = tap->next) {
        if (!atomic_load(&tap->active))
            continue;
        bool waits = tap->hasty && !(active == 1 && plenty);
        uint32_t wanted = waits ? hasty_room(fan, tap, now_us) : calm_room(fan, tap, now_us);
        if (waits && wanted == 0 && lack(tap) > 0 && *ret_wait_us > HASTY_WAIT_US)
            *ret_wait_us = HASTY_WAIT_US;
        room = wanted > room ? wanted : room;
    }
    pthread_mutex_unlock(&fan->lock);
    return room;
}

void fan_push(struct fan *fan, const float *interleaved, uint32_t frames)
{
    pthread_mutex_lock(&fan->lock);
    for (struct tap *tap = fan->taps; tap; tap = tap->next) {
        if (!atomic_load(&tap->active)) {
            ring_miss(tap->ring);
            continue;
        }
        ring_push(tap->ring, interleaved, frames);
        if (tap->on_music)
            tap->on_music(tap->user);
    }
    pthread_mutex_unlock(&fan->lock);
}

static struct tap *first_active(const struct fan *fan)
{
    struct tap *tap = fan->taps;
    while (tap && !atomic_load(&tap->active))
        tap = tap->next;
    return tap ? tap : fan->taps;
}

uint32_t fan_ahead(struct fan *fan)
{
    pthread_mutex_lock(&fan->lock);
    const struct tap *tap = first_active(fan);
    uint32_t ahead = tap ? ring_readable(tap->ring) : 0;
    pthread_mutex_unlock(&fan->lock);
    return ahead;
}

bool fan_lacks(struct fan *fan)
{
    bool lacks = false;
    pthread_mutex_lock(&fan->lock);
    for (struct tap *tap = fan->taps; tap && !lacks; tap = tap->next)
        lacks = atomic_load(&tap->active) && lack(tap) > atomic_load(&tap->want) / 4;
    pthread_mutex_unlock(&fan->lock);
    return lacks;
}
