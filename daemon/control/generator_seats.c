// SPDX-License-Identifier: MIT
// Who takes part, and where they sit in a net's batch.
#include "control/generator_private.h"

#include <errno.h>
#include <string.h>

#include "control/lane.h"
#include "control/repertoire.h"
#include "log.h"
#include "music/note.h"

/** Who finds no seat is played something that is there already, when so little is left. */
#define RELIEF_US (3 * NOTE_SECOND)

/** Puts a lane into a list, or takes it out: `from` NULL, or `to` NULL. Returns whether there was a
 * place. */
static bool change(struct lane **list, const struct lane *from, struct lane *to)
{
    for (size_t i = 0; i < GENERATOR_LANES; i++) {
        if (list[i] == from) {
            list[i] = to;
            return true;
        }
    }
    return false;
}

int generator_add(struct generator *generator, struct lane *lane)
{
    pthread_mutex_lock(&generator->mutex);
    bool room = generator->count < GENERATOR_LANES && change(generator->arriving, NULL, lane);
    generator->count += room;
    generator->woken = true;
    pthread_cond_signal(&generator->condition);
    pthread_mutex_unlock(&generator->mutex);
    return room ? 0 : -ENOSPC;
}

/** The lanes are locked. */
static void let_go(struct generator *generator, struct lane *lane)
{
    pthread_mutex_lock(&generator->mutex);
    bool known = change(generator->arriving, lane, NULL);
    known = change(generator->lanes, lane, NULL) || known;
    change(generator->playing, lane, NULL);
    change(generator->leaving, lane, NULL);
    generator->count -= known;
    pthread_mutex_unlock(&generator->mutex);
    for (size_t i = 0; i < generator->net_count; i++) {
        change(generator->nets[i].seats, lane, NULL);
        if (generator->nets[i].sketcher == lane)
            generator->nets[i].sketcher = NULL;
    }
}

void generator_take_arrivals(struct generator *generator)
{
    struct lane *leaving[GENERATOR_LANES];
    pthread_mutex_lock(&generator->mutex);
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        if (generator->arriving[i] && change(generator->lanes, NULL, generator->arriving[i]))
            generator->arriving[i] = NULL;
    memcpy(leaving, generator->leaving, sizeof leaving);
    pthread_mutex_unlock(&generator->mutex);
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        if (leaving[i])
            let_go(generator, leaving[i]);
}

static bool is_among(struct lane *const *list, const struct lane *lane)
{
    size_t i = 0;
    while (i < GENERATOR_LANES && list[i] != lane)
        i++;
    return i < GENERATOR_LANES;
}

void generator_remove(struct generator *generator, struct lane *lane)
{
    pthread_mutex_lock(&generator->lanes_mutex);
    let_go(generator, lane);
    pthread_mutex_unlock(&generator->lanes_mutex);
}

bool generator_try_remove(struct generator *generator, struct lane *lane)
{
    if (pthread_mutex_trylock(&generator->lanes_mutex) == 0) {
        let_go(generator, lane);
        pthread_mutex_unlock(&generator->lanes_mutex);
        return true;
    }
    // One that composes step by step is hardly ever met between two.
    pthread_mutex_lock(&generator->mutex);
    bool known = is_among(generator->lanes, lane) || is_among(generator->arriving, lane);
    if (known && !is_among(generator->leaving, lane))
        change(generator->leaving, NULL, lane);
    pthread_mutex_unlock(&generator->mutex);
    return !known;
}

void generator_set_playing(struct generator *generator, struct lane *lane, bool playing)
{
    pthread_mutex_lock(&generator->mutex);
    change(generator->playing, lane, NULL);
    if (playing)
        change(generator->playing, NULL, lane);
    pthread_mutex_unlock(&generator->mutex);
    generator_wake(generator);
}

/** A net stays too wide for so long. */
#define LOOSE_SECONDS 60

/** Seats for `lanes`: on a CPU idle ones cost as much as busy ones, so there are not many more;
 * but making a net anew takes its time. */
static uint32_t wide_enough(uint32_t lanes)
{
    uint32_t width = 1;
    while (width < lanes)
        width = width < 4 ? width + 1 : (width & (width - 1)) ? width / 3 * 4 : width / 2 * 3;
    return width < GENERATOR_LANES ? width : GENERATOR_LANES;
}

static uint32_t seat_of(const struct entry *entry, const struct lane *lane)
{
    uint32_t seat = 0;
    while (seat < GENERATOR_LANES && entry->seats[seat] != lane)
        seat++;
    return seat;
}

uint32_t generator_unseat(struct generator *generator, struct entry *entry,
                          struct entry *const *entries)
{
    struct lane *before[GENERATOR_LANES];
    uint32_t wanted = 0;
    memcpy(before, entry->seats, sizeof before);
    memset(entry->seats, 0, sizeof entry->seats);
    for (size_t i = 0; i < GENERATOR_LANES; i++) {
        if (!generator->lanes[i] || entries[i] != entry)
            continue;
        wanted++;
        for (size_t seat = 0; seat < GENERATOR_LANES; seat++)
            if (before[seat] == generator->lanes[i])
                entry->seats[seat] = generator->lanes[i];
    }
    if (!entry->net && wanted > entry->width)
        entry->width = wide_enough(wanted);
    return wanted;
}

/** A net that is twice as wide as it would have to be costs more than making it anew, where that
 * lasts. Files are composed without a thread, and are to be the same whoever ends sooner. */
static bool is_too_wide(const struct generator *generator, struct entry *entry, uint32_t wanted)
{
    if (!generator->hand || wide_enough(wanted) > entry->width / 2)
        entry->loose = 0;
    else if (entry->loose == 0)
        entry->loose = generator_now();
    return entry->loose > 0 && generator_now() - entry->loose > LOOSE_SECONDS;
}

/** The net has to be made anew. Returns 0, or -errno of a device that fails. */
static int remake(struct generator *generator, struct entry *entry, uint32_t wanted)
{
    if (entry->narrow > generator_now())
        return 0;
    int r = generator_widen(generator, entry, wide_enough(wanted));
    if (r == -ENOMEM || r == -EBADMSG || r == -ENOENT) {
        entry->narrow = generator_now() + generator->retry_seconds;
        log_error("net %s cannot be had for %u channels: %s; those without a place are played what "
                  "is there already until it can",
                  entry->known->name, wanted, strerror(-r));
        return 0;
    }
    for (size_t seat = 0; r == 0 && seat < GENERATOR_LANES; seat++) {
        if (entry->seats[seat])
            lane_forget(entry->seats[seat], "room");
        entry->seats[seat] = NULL;
    }
    entry->loose = 0;
    return r;
}

int generator_seat(struct generator *generator, struct entry *entry, struct entry *const *entries)
{
    uint32_t wanted = 0;
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        wanted += generator->lanes[i] && entries[i] == entry;
    int r = 0;
    if (wanted > entry->width || is_too_wide(generator, entry, wanted))
        r = remake(generator, entry, wanted);
    for (size_t i = 0; r == 0 && i < GENERATOR_LANES; i++) {
        struct lane *lane = generator->lanes[i];
        if (!lane || entries[i] != entry || seat_of(entry, lane) < GENERATOR_LANES)
            continue;
        uint32_t seat = seat_of(entry, NULL);
        if (seat < entry->width) {
            lane_seat(lane, entry->known);
            entry->seats[seat] = lane;
        } else {
            lane_relieve(lane, RELIEF_US);
        }
    }
    return r;
}
