// SPDX-License-Identifier: MIT
#include "audio/performer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "audio/announcer.h"
#include "audio/fan.h"
#include "audio/pace.h"
#include "audio/profile.h"
#include "audio/synth.h"
#include "log.h"

// Parts take turns by so many frames, so that none has to wait for another to be served.
#define TURN (16 * SYNTH_BLOCK)
// So many turns a step: one who takes all there is would else keep parts from coming and going.
#define TURNS 32
#define HUNGRY_EVERY (SYNTH_RATE / 4)

struct slot {
    struct performer_part *part;
    int64_t base;          // channel time at which the part was added
    int64_t played;        // frames of channel time since then
    uint64_t written;      // frames given to the fan since then
    uint64_t hungry_again; // count of `written` from which on_hungry() may be called again
    bool begun;            // there has been music
};

struct performer {
    pthread_mutex_t lock; // of the slots and what hangs on them
    struct slot *slots;
    size_t slot_count;

    pthread_t thread;
    bool started;
    int wake_fd;
    atomic_bool stop;
    atomic_uint_fast64_t starved;
    atomic_uint_fast64_t progress;
    uint32_t wait_us; // until somebody is to be asked again; UINT32_MAX: he wakes us

    float scratch[2 * TURN];
};

int performer_new(struct performer **ret_performer)
{
    struct performer *performer = calloc(1, sizeof *performer);
    if (!performer)
        return -ENOMEM;
    performer->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (performer->wake_fd < 0) {
        int res = -errno;
        log_error("cannot make an eventfd for the performer: %s; raise the limit of open files",
                  strerror(errno));
        free(performer);
        return res;
    }
    pthread_mutex_init(&performer->lock, NULL);
    performer->wait_us = UINT32_MAX;
    *ret_performer = performer;
    return 0;
}

void performer_free(struct performer *performer)
{
    if (!performer)
        return;
    if (performer->started) {
        atomic_store(&performer->stop, true);
        performer_wake(performer);
        pthread_join(performer->thread, NULL);
    }
    pthread_mutex_destroy(&performer->lock);
    close(performer->wake_fd);
    free(performer->slots);
    free(performer);
}

int performer_add(struct performer *performer, struct performer_part *part)
{
    int res = 0;
    pthread_mutex_lock(&performer->lock);
    struct slot *slots =
        realloc(performer->slots, (performer->slot_count + 1) * sizeof *performer->slots);
    if (slots) {
        performer->slots = slots;
        slots[performer->slot_count++] =
            (struct slot){.part = part, .base = score_position(part->score)};
    } else {
        res = -ENOMEM;
    }
    pthread_mutex_unlock(&performer->lock);
    if (res == 0)
        performer_wake(performer);
    return res;
}

void performer_remove(struct performer *performer, struct performer_part *part)
{
    pthread_mutex_lock(&performer->lock);
    for (size_t i = 0; i < performer->slot_count; i++) {
        if (performer->slots[i].part == part) {
            performer->slots[i] = performer->slots[--performer->slot_count];
            break;
        }
    }
    pthread_mutex_unlock(&performer->lock);
}

// 48 frames last 1000 microseconds; 6 / 125 is that fraction in its lowest terms.
static int64_t time_of(const struct slot *slot, int64_t played)
{
    return slot->base + played * 125 / 6;
}

/** Frames from what is played up to `time`, to the nearest block or, for `down`, the one before. */
static uint32_t frames_until(const struct slot *slot, int64_t time, uint32_t most, bool down)
{
    int64_t frames = (time - slot->base) * 6 / 125 - slot->played;
    if (!down)
        frames += SYNTH_BLOCK / 2;
    if (frames < SYNTH_BLOCK)
        return 0;
    return frames > most ? most : (uint32_t)frames / SYNTH_BLOCK * SYNTH_BLOCK;
}

static void render(struct performer *performer, struct slot *slot, uint32_t frames)
{
    if (frames == 0)
        return;
    synth_render(slot->part->synth, performer->scratch, frames);
    if (slot->part->profile)
        profile_process(slot->part->profile, performer->scratch, frames);
    if (slot->part->profile && slot->part->announcer)
        announcer_process(slot->part->announcer, profile_heard(slot->part->profile),
                          slot->part->score, performer->scratch, frames);
    meter_hear(&slot->part->meter, performer->scratch, frames);
    fan_push(slot->part->fan, performer->scratch, frames);
    slot->written += frames;
    atomic_fetch_add_explicit(&performer->progress, frames / SYNTH_BLOCK, memory_order_relaxed);
}

uint32_t performer_delay(const struct performer_part *part)
{
    return SYNTH_DELAY + (part->profile ? PROFILE_DELAY : 0);
}

static void perform(struct slot *slot, const struct score_event *event)
{
    struct performer_part *part = slot->part;
    uint32_t delay = performer_delay(part);
    if (event->velocity > 0)
        synth_note_on(part->synth, event->pitch, event->velocity);
    else
        synth_note_off(part->synth, event->pitch);
    if (part->on_event)
        part->on_event(part->user, event, slot->written + delay, fan_ahead(part->fan) + delay);
}

static void ask_for_more(struct slot *slot)
{
    struct performer_part *part = slot->part;
    if (!part->on_hungry || slot->written < slot->hungry_again)
        return;
    if (score_horizon(part->score) - score_position(part->score) >= PERFORMER_LOW)
        return;
    slot->hungry_again = slot->written + HUNGRY_EVERY;
    part->on_hungry(part->user);
}

/** Renders `frames` frames from where the score stands; the events within come in their places. */
static void play(struct performer *performer, struct slot *slot, uint32_t frames)
{
    struct score *score = slot->part->score;
    while (frames > 0) {
        int64_t until = time_of(slot, slot->played + frames);
        struct score_event event;
        bool taken = score_take(score, until, &event);
        uint32_t due = frames;
        if (taken)
            due = frames_until(slot, event.time, frames, false);
        else if (score_position(score) < until)
            due = frames_until(slot, score_position(score), frames, true);
        render(performer, slot, due);
        slot->played += due;
        frames -= due;
        if (taken) {
            perform(slot, &event);
        } else if (frames > 0) {
            // Composing has fallen behind: channel time stands still.
            atomic_fetch_add_explicit(&performer->starved, frames, memory_order_relaxed);
            render(performer, slot, frames);
            frames = 0;
        }
    }
}

static uint32_t take_turn(struct performer *performer, struct slot *slot)
{
    struct performer_part *part = slot->part;
    if (!slot->begun)
        slot->begun = score_horizon(part->score) > score_position(part->score);
    uint32_t frames = 0;
    if (slot->begun) {
        bool plenty = score_horizon(part->score) - score_position(part->score) > PERFORMER_PLENTY;
        frames = fan_room(part->fan, pace_now_us(), plenty, &performer->wait_us);
        frames = frames / SYNTH_BLOCK * SYNTH_BLOCK;
        frames = frames < TURN ? frames : TURN;
        play(performer, slot, frames);
    }
    ask_for_more(slot);
    return frames;
}

uint32_t performer_step(struct performer *performer)
{
    uint32_t all = 0;
    uint32_t turns = 1;
    pthread_mutex_lock(&performer->lock);
    for (int i = 0; i < TURNS && turns > 0 && !atomic_load(&performer->stop); i++) {
        turns = 0;
        performer->wait_us = UINT32_MAX;
        for (size_t k = 0; k < performer->slot_count; k++)
            turns += take_turn(performer, &performer->slots[k]);
        all += turns;
    }
    if (turns > 0)
        performer->wait_us = 0;
    pthread_mutex_unlock(&performer->lock);
    return all;
}

static void *run(void *data)
{
    struct performer *performer = data;
    pthread_setname_np(pthread_self(), "performer");
    struct pollfd poller = {.fd = performer->wake_fd, .events = POLLIN};
    while (!atomic_load(&performer->stop)) {
        uint32_t wait = performer->wait_us;
        uint64_t wakes;
        if (poll(&poller, 1, wait == UINT32_MAX ? -1 : (int)(wait / 1000)) > 0 &&
            read(performer->wake_fd, &wakes, sizeof wakes) < 0)
            continue;
        performer_step(performer);
    }
    return NULL;
}

int performer_start(struct performer *performer)
{
    // Signals are the main loop's business.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int res = -pthread_create(&performer->thread, NULL, run, performer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (res < 0) {
        log_error("cannot start the performer's thread: %s; raise the limit of threads",
                  strerror(-res));
        return res;
    }
    performer->started = true;
    performer_wake(performer);
    return 0;
}

void performer_wake(struct performer *performer)
{
    uint64_t one = 1;
    // It fails only where 2^64 wakes are waiting.
    ssize_t written = write(performer->wake_fd, &one, sizeof one);
    (void)written;
}

uint64_t performer_starved(const struct performer *performer)
{
    return atomic_load_explicit(&performer->starved, memory_order_relaxed);
}

uint64_t performer_progress(const struct performer *performer)
{
    return atomic_load_explicit(&performer->progress, memory_order_relaxed);
}

uint64_t performer_cpu_ns(const struct performer *performer)
{
    clockid_t clock;
    struct timespec used;
    if (!performer->started || pthread_getcpuclockid(performer->thread, &clock) != 0 ||
        clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}
