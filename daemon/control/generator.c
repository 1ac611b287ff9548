// SPDX-License-Identifier: MIT
#include "control/generator.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compute/device.h"
#include "control/lane.h"
#include "log.h"
#include "nets/net.h"

#define NETS 16
#define LANES 64
#define FRAME_BYTES ((size_t)NET_RUN_STEPS * NET_FRAME_CELLS)
/** Between two tries to open a lost device: at first, and at last. */
#define REOPEN_FIRST_SECONDS 2
#define REOPEN_LAST_SECONDS 60
/** Tries after which the CPU has to do. */
#define REOPEN_TRIES 3
/** The thread looks no more often than this of its own accord. */
#define IDLE_LEAST_US 250000

struct entry {
    char name[64];
    char path[768];
    const char **composers; ///< NULL-terminated; a copy, because it outlives a reopening
    struct net *net;
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
    struct entry nets[NETS];
    size_t net_count;
    uint8_t *frames;

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
        net_free(generator->nets[i].net);
        generator->nets[i].net = NULL;
    }
    device_free(generator->device);
    generator->device = NULL;
}

static int open_all(struct generator *generator, const char *want)
{
    int r = device_new(want, &generator->device);
    for (size_t i = 0; r == 0 && i < generator->net_count; i++)
        r = net_new(generator->device, generator->nets[i].path, (uint32_t)generator->capacity,
                    &generator->nets[i].net);
    if (r < 0)
        close_all(generator);
    return r;
}

static int copy_composers(struct entry *entry)
{
    const struct net_info *info = net_info(entry->net);
    entry->composers = calloc(info->offered_count + 1, sizeof *entry->composers);
    if (!entry->composers)
        return -ENOMEM;
    for (uint32_t i = 0; i < info->offered_count; i++) {
        entry->composers[i] = strdup(info->offered[i]);
        if (!entry->composers[i])
            return -ENOMEM;
    }
    return 0;
}

static int is_net(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && dot != entry->d_name && !strcmp(dot, ".safetensors");
}

static int find_nets(struct generator *generator, const char *folder)
{
    struct dirent **found;
    int n = scandir(folder, &found, is_net, alphasort);
    if (n < 0) {
        int r = -errno;
        log_error("cannot read the folder of nets %s: %s; set `models` to the right one", folder,
                  strerror(errno));
        return r;
    }
    for (int i = 0; i < n; i++) {
        struct entry *entry = &generator->nets[generator->net_count];
        int name = (int)strlen(found[i]->d_name) - (int)strlen(".safetensors");
        if (generator->net_count == NETS || name >= (int)sizeof entry->name) {
            log_warning("left out net %s: more than %d nets, or too long a name", found[i]->d_name,
                        NETS);
        } else {
            snprintf(entry->name, sizeof entry->name, "%.*s", name, found[i]->d_name);
            snprintf(entry->path, sizeof entry->path, "%s/%s", folder, found[i]->d_name);
            generator->net_count++;
        }
        free(found[i]);
    }
    free(found);
    if (!generator->net_count) {
        log_error("no net (*.safetensors) in %s; set `models` to the folder that holds them",
                  folder);
        return -ENOENT;
    }
    return 0;
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

    int r = -ENOMEM;
    generator->frames = malloc(config->lanes * FRAME_BYTES);
    if (!generator->frames)
        goto fail;
    r = find_nets(generator, config->models);
    if (r == 0)
        r = open_all(generator, generator->want);
    for (size_t i = 0; r == 0 && i < generator->net_count; i++)
        r = copy_composers(&generator->nets[i]);
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
    for (size_t i = 0; i < generator->net_count; i++) {
        const char **composers = generator->nets[i].composers;
        for (size_t k = 0; composers && composers[k]; k++)
            free((char *)composers[k]);
        free(composers);
    }
    free(generator->frames);
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

size_t generator_net_count(const struct generator *generator)
{
    return generator->net_count;
}

const char *generator_net_name(const struct generator *generator, size_t index)
{
    return generator->nets[index].name;
}

static const struct entry *find_entry(const struct generator *generator, const char *name)
{
    for (size_t i = 0; i < generator->net_count; i++)
        if (!strcmp(generator->nets[i].name, name))
            return &generator->nets[i];
    return NULL;
}

const char *const *generator_composers(const struct generator *generator, const char *net)
{
    const struct entry *entry = find_entry(generator, net);
    return entry ? (const char *const *)entry->composers : NULL;
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

/** One run of one net for the lanes that play on it; the lanes are locked. */
static int step_net(struct generator *generator, const struct entry *entry)
{
    struct net_lane inputs[LANES] = {0};
    int active = 0;
    for (size_t i = 0; i < generator->capacity; i++) {
        struct lane *lane = generator->lanes[i];
        if (!lane)
            continue;
        const struct entry *wanted = find_entry(generator, lane_listen(lane));
        if ((wanted ? wanted : &generator->nets[0]) == entry)
            active += lane_plan(lane, entry->net, (uint32_t)i, &inputs[i]);
    }
    if (!active)
        return 0;
    int r = net_run(entry->net, inputs, generator->frames);
    if (r < 0)
        return r;
    atomic_fetch_add(&generator->progress, 1);
    for (size_t i = 0; i < generator->capacity; i++)
        if (inputs[i].active)
            lane_take(generator->lanes[i], generator->frames + i * FRAME_BYTES);
    return active;
}

int generator_step(struct generator *generator)
{
    int total = 0;
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < generator->net_count && total >= 0; i++) {
        int active = step_net(generator, &generator->nets[i]);
        total = active < 0 ? active : total + active;
    }
    pthread_mutex_unlock(&generator->lanes_mutex);
    return total;
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
