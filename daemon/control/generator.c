// SPDX-License-Identifier: MIT
#include "control/generator.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compute/device.h"
#include "control/lane.h"
#include "control/repertoire.h"
#include "log.h"
#include "nets/net.h"

#define NETS 16
#define LANES 64
/** Between two tries to open a lost device: at first, and at last. */
#define REOPEN_FIRST_SECONDS 2
#define REOPEN_LAST_SECONDS 60
/** Tries after which the CPU has to do. */
#define REOPEN_TRIES 3
/** The thread looks no more often than this of its own accord. */
#define IDLE_LEAST_US 250000

struct entry {
    const struct repertoire_net *known;
    struct net *net; ///< NULL: not resident
    /** The same once more, for what is drawn again; NULL: not resident. */
    struct net *sketches;
    struct lane *sketcher; ///< whom it is lent to
    bool no_sketches;      ///< there is no room for it
    bool played;           ///< some lane has played on it
    bool wanted;           ///< resident once, so it will be again after a reopening
    bool broken;           ///< cannot be loaded
};

struct generator {
    char want[128];
    size_t capacity;
    struct device *device;
    struct {
        char device[256];
        char driver[256];
    } names[2]; ///< the one of `name` is in use, the other of the device before
    _Atomic unsigned name;
    void (*on_trouble)(void *user);
    void *user;
    const struct repertoire *repertoire;
    struct entry nets[NETS];
    size_t net_count;
    uint8_t *tokens; ///< of a run

    pthread_mutex_t lanes_mutex; ///< guards the list; held during a step
    struct lane *lanes[LANES];

    pthread_mutex_t mutex; ///< guards the flags below; never held for long
    pthread_cond_t condition;
    bool woken;
    bool playing;
    bool quit;
    bool running;
    pthread_t thread;

    _Atomic(const char *) trouble;
    _Atomic uint64_t progress;
};

static void close_all(struct generator *generator)
{
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        net_free(entry->net);
        net_free(entry->sketches);
        entry->net = entry->sketches = NULL;
        entry->sketcher = NULL;
        entry->no_sketches = false;
    }
    device_free(generator->device);
    generator->device = NULL;
}

/** Loads a net. What is wrong with the file, not with the device, marks it as broken. */
static int load(struct generator *generator, struct entry *entry)
{
    int r =
        net_new(generator->device, entry->known->path, (uint32_t)generator->capacity, &entry->net);
    entry->wanted = r == 0;
    entry->broken = r == -EBADMSG || r == -ENOENT;
    return r;
}

/** Loads a net once more, for what is drawn again. What is wrong with it, not with the device, is
 * done without it. */
static int load_sketches(struct generator *generator, struct entry *entry)
{
    int r = net_new(generator->device, entry->known->path, LANE_SKETCH_LANES, &entry->sketches);
    entry->no_sketches = r == -EBADMSG || r == -ENOENT || r == -ENOMEM;
    if (entry->no_sketches)
        log_warning("net %s cannot be loaded twice: refused drafts are drawn again one by one",
                    entry->known->name);
    return entry->no_sketches ? 0 : r;
}

static int open_all(struct generator *generator, const char *want)
{
    int r = device_new(want, &generator->device);
    for (size_t i = 0; r == 0 && i < generator->net_count; i++)
        if (generator->nets[i].wanted)
            r = net_new(generator->device, generator->nets[i].known->path,
                        (uint32_t)generator->capacity, &generator->nets[i].net);
    if (r < 0)
        close_all(generator);
    return r;
}

static void take_names(struct generator *generator)
{
    const struct device_info *info = device_info(generator->device);
    unsigned next = !generator->name;
    snprintf(generator->names[next].device, sizeof generator->names[next].device, "%s", info->name);
    snprintf(generator->names[next].driver, sizeof generator->names[next].driver, "%s",
             info->driver);
    atomic_store(&generator->name, next);
}

int generator_new(const struct generator_config *config, struct generator **ret_generator)
{
    if (config->lanes < 1 || config->lanes > LANES)
        return -EINVAL;
    struct generator *generator = calloc(1, sizeof *generator);
    if (!generator)
        return -ENOMEM;
    pthread_mutex_init(&generator->lanes_mutex, NULL);
    pthread_mutex_init(&generator->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&generator->condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
    generator->capacity = config->lanes;
    generator->on_trouble = config->on_trouble;
    generator->user = config->user;
    snprintf(generator->want, sizeof generator->want, "%s", config->device ? config->device : "");

    generator->repertoire = config->repertoire;
    for (size_t i = 0; i < repertoire_count(config->repertoire) && i < NETS; i++) {
        struct entry *entry = &generator->nets[generator->net_count++];
        entry->known = repertoire_net(config->repertoire, i);
        entry->wanted = !strcmp(entry->known->name, config->net);
    }

    int r = -ENOMEM;
    size_t widest = config->lanes > LANE_SKETCH_LANES ? config->lanes : LANE_SKETCH_LANES;
    generator->tokens = malloc(widest * NET_MAX_RUN_BYTES);
    if (generator->tokens)
        r = open_all(generator, generator->want);
    if (r < 0)
        goto fail;
    take_names(generator);
    *ret_generator = generator;
    return 0;
fail:
    generator_free(generator);
    return r;
}

void generator_free(struct generator *generator)
{
    if (!generator)
        return;
    if (generator->running) {
        pthread_mutex_lock(&generator->mutex);
        generator->quit = true;
        pthread_cond_signal(&generator->condition);
        pthread_mutex_unlock(&generator->mutex);
        pthread_join(generator->thread, NULL);
    }
    close_all(generator);
    free(generator->tokens);
    pthread_cond_destroy(&generator->condition);
    pthread_mutex_destroy(&generator->mutex);
    pthread_mutex_destroy(&generator->lanes_mutex);
    free(generator);
}

const char *generator_device(const struct generator *generator)
{
    return generator->names[atomic_load(&generator->name)].device;
}

const char *generator_driver(const struct generator *generator)
{
    return generator->names[atomic_load(&generator->name)].driver;
}

const struct repertoire *generator_repertoire(const struct generator *generator)
{
    return generator->repertoire;
}

int generator_add(struct generator *generator, struct lane *lane)
{
    int r = -ENOSPC;
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; r < 0 && i < generator->capacity; i++) {
        if (!generator->lanes[i]) {
            generator->lanes[i] = lane;
            r = 0;
        }
    }
    pthread_mutex_unlock(&generator->lanes_mutex);
    return r;
}

void generator_remove(struct generator *generator, struct lane *lane)
{
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < generator->capacity; i++)
        if (generator->lanes[i] == lane)
            generator->lanes[i] = NULL;
    pthread_mutex_unlock(&generator->lanes_mutex);
}

void generator_wake(struct generator *generator)
{
    pthread_mutex_lock(&generator->mutex);
    generator->woken = true;
    pthread_cond_signal(&generator->condition);
    pthread_mutex_unlock(&generator->mutex);
}

void generator_set_playing(struct generator *generator, bool playing)
{
    pthread_mutex_lock(&generator->mutex);
    generator->playing = playing;
    pthread_mutex_unlock(&generator->mutex);
    generator_wake(generator);
}

const char *generator_trouble(const struct generator *generator)
{
    return atomic_load(&generator->trouble);
}

uint64_t generator_progress(const struct generator *generator)
{
    return atomic_load(&generator->progress);
}

/** The net that a lane is to play on, or another where that one cannot be loaded. */
static struct entry *entry_for(struct generator *generator, struct lane *lane)
{
    const char *name = lane_listen(lane);
    struct entry *relief = NULL;
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (!strcmp(entry->known->name, name) && !entry->broken)
            return entry;
        if (entry->net && !relief)
            relief = entry;
    }
    return relief;
}

/** One run of one net for the lanes that play on it; the lanes are locked. */
static int step_net(struct generator *generator, struct entry *entry, struct entry *const *entries)
{
    struct net_lane inputs[LANES] = {0};
    int active = 0;
    for (size_t i = 0; i < generator->capacity; i++) {
        if (entries[i] != entry)
            continue;
        int r = entry->net ? 0 : load(generator, entry);
        if (r < 0 && entry->broken) {
            log_error("net %s cannot be loaded; playing on another one", entry->known->name);
            return 1; // there is work left for the other one
        }
        if (r < 0)
            return r;
        lane_allow_sketches(generator->lanes[i], !entry->no_sketches);
        active += lane_plan(generator->lanes[i], entry->net, entry->known, (uint32_t)i, &inputs[i]);
    }
    if (!active)
        return 0;
    entry->played = true;
    int r = net_run(entry->net, inputs, generator->tokens);
    if (r < 0)
        return r;
    atomic_fetch_add(&generator->progress, 1);
    const struct net_info *info = net_info(entry->net);
    for (size_t i = 0; i < generator->capacity; i++)
        if (inputs[i].active)
            lane_take(generator->lanes[i], generator->tokens + i * info->steps * info->token_bytes);
    return active;
}

/** Whom the net's sketches are for: one lane after the other, each until it has done. */
static struct lane *choose_sketcher(struct generator *generator, const struct entry *entry,
                                    struct entry *const *entries)
{
    struct lane *first = NULL;
    for (size_t i = 0; i < generator->capacity; i++) {
        struct lane *lane = generator->lanes[i];
        if (entries[i] != entry || !lane_wants_sketches(lane))
            continue;
        if (lane == entry->sketcher)
            return lane;
        if (!first)
            first = lane;
    }
    return first;
}

/** One run of what is drawn again. Returns how many lanes took part. */
static int step_sketches(struct generator *generator, struct entry *entry,
                         struct entry *const *entries)
{
    struct net_lane inputs[LANE_SKETCH_LANES];
    struct lane *lane = choose_sketcher(generator, entry, entries);
    entry->sketcher = lane;
    if (!lane)
        return 0;
    int r = entry->sketches ? 0 : load_sketches(generator, entry);
    if (r < 0)
        return r;
    if (!entry->sketches) {
        lane_allow_sketches(lane, false);
        return 1; // there is work left for the net itself
    }
    lane_sketch(lane, entry->sketches, inputs);
    r = net_run(entry->sketches, inputs, generator->tokens);
    if (r < 0)
        return r;
    atomic_fetch_add(&generator->progress, 1);
    lane_take_sketches(lane, net_info(entry->sketches), generator->tokens);
    return 1;
}

int generator_step(struct generator *generator)
{
    struct entry *entries[LANES] = {0};
    int total = 0;
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < generator->capacity; i++)
        if (generator->lanes[i])
            entries[i] = entry_for(generator, generator->lanes[i]);
    for (size_t i = 0; i < generator->net_count && total >= 0; i++) {
        int active = step_net(generator, &generator->nets[i], entries);
        int drawn = active < 0 ? active : step_sketches(generator, &generator->nets[i], entries);
        total = drawn < 0 ? drawn : total + active + drawn;
    }
    pthread_mutex_unlock(&generator->lanes_mutex);
    return total;
}

/** Loads one more net while there is time for it, at last those for what is drawn again. Returns 1,
 * 0 where all are there, or -errno of a device that fails. */
static int load_next(struct generator *generator)
{
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (entry->net || entry->broken)
            continue;
        int r = load(generator, entry);
        if (r < 0 && entry->broken)
            log_warning("net %s cannot be loaded and will not be played", entry->known->name);
        return r < 0 && !entry->broken ? r : 1;
    }
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (!entry->played || entry->sketches || entry->no_sketches)
            continue;
        int r = load_sketches(generator, entry);
        return r < 0 ? r : 1;
    }
    return 0;
}

/** Waits for `microseconds` (-1: for ever) or a wake; the mutex is held. */
static void wait_for(struct generator *generator, int64_t microseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += microseconds / 1000000;
    until.tv_nsec += microseconds % 1000000 * 1000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int r = 0;
    while (!generator->woken && !generator->quit && r != ETIMEDOUT)
        r = microseconds < 0
                ? pthread_cond_wait(&generator->condition, &generator->mutex)
                : pthread_cond_timedwait(&generator->condition, &generator->mutex, &until);
    generator->woken = false;
}

static void set_trouble(struct generator *generator, const char *trouble)
{
    atomic_store(&generator->trouble, trouble);
    if (generator->on_trouble)
        generator->on_trouble(generator->user);
}

/** Sleeps whatever wakes others; returns true when the generator is to end. */
static bool sleep_or_quit(struct generator *generator, int seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    int r = 0;
    pthread_mutex_lock(&generator->mutex);
    while (!generator->quit && r != ETIMEDOUT)
        r = pthread_cond_timedwait(&generator->condition, &generator->mutex, &until);
    bool quit = generator->quit;
    pthread_mutex_unlock(&generator->mutex);
    return quit;
}

/** Opens everything anew, again and again. */
static void reopen(struct generator *generator)
{
    log_error("the device %s was lost; opening it anew while the composed music plays on",
              generator_device(generator));
    set_trouble(generator, "the GPU was lost and is being opened anew");
    close_all(generator);
    int wait = REOPEN_FIRST_SECONDS;
    int tries = 0;
    bool any = !generator->want[0] || !strcmp(generator->want, "auto");
    while (open_all(generator, any && tries >= REOPEN_TRIES ? "cpu" : generator->want) < 0) {
        if (sleep_or_quit(generator, wait))
            return;
        tries++;
        if (tries > REOPEN_TRIES && wait < REOPEN_LAST_SECONDS)
            wait *= 2;
    }
    take_names(generator);
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < generator->capacity; i++)
        if (generator->lanes[i])
            lane_forget(generator->lanes[i]);
    pthread_mutex_unlock(&generator->lanes_mutex);
    set_trouble(generator, NULL);
    log_notice("composing again, on %s", generator_device(generator));
}

/** How long the thread may sleep, in microseconds; -1: until it is woken. */
static int64_t idle_us(struct generator *generator)
{
    int64_t idle = -1;
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < generator->capacity; i++) {
        if (!generator->lanes[i])
            continue;
        int64_t us = lane_idle_us(generator->lanes[i]);
        if (idle < 0 || us < idle)
            idle = us;
    }
    pthread_mutex_unlock(&generator->lanes_mutex);
    return idle < 0 || idle > IDLE_LEAST_US ? idle : IDLE_LEAST_US;
}

static void *run(void *data)
{
    struct generator *generator = data;
    pthread_setname_np(pthread_self(), "generator");
    bool quit = false;
    while (!quit) {
        int r = generator_step(generator);
        if (r == 0)
            r = load_next(generator);
        if (r < 0)
            reopen(generator);
        int64_t idle = r == 0 ? idle_us(generator) : 0;
        pthread_mutex_lock(&generator->mutex);
        if (r == 0)
            wait_for(generator, generator->playing ? idle : -1);
        quit = generator->quit;
        pthread_mutex_unlock(&generator->mutex);
    }
    return NULL;
}

int generator_start(struct generator *generator)
{
    int r = -pthread_create(&generator->thread, NULL, run, generator);
    generator->running = r == 0;
    if (r < 0)
        log_error("cannot start the generator's thread: %s", strerror(-r));
    return r;
}
