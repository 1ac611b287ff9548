// SPDX-License-Identifier: MIT
#include "control/generator_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/hand.h"
#include "control/lane.h"
#include "control/repertoire.h"
#include "log.h"
#include "music/note.h"
#include "nets/net.h"

/** Between two tries to open a lost device: at first, and at last. */
#define REOPEN_FIRST_SECONDS 2
#define REOPEN_LAST_SECONDS 60
/** Tries after which the CPU has to do. */
#define REOPEN_TRIES 3
/** The thread looks no more often than this of its own accord. */
#define IDLE_LEAST_US 250000
/** A score that is shorter is filled with what is there already, while no net can do it. */
#define RELIEF_US (3 * NOTE_SECOND)
/** A call of the device that takes so long is one to be relieved from; before the first music of
 * all, when nets are loaded, it may take longer. Nets that are made later may as well, before that
 * is called a trouble. */
#define STALL_US (2 * NOTE_SECOND)
/** Who wants the generator to end waits so long. */
#define STOP_SECONDS 1
/** Until a net that could not be loaded is tried again. */
#define RETRY_SECONDS 60
/** Where there is always work, whether files are others now is looked at so often. */
#define LOOK_SECONDS 1

/** Why nothing is open, for generator_trouble(). */
static const char *why_closed(int r)
{
    if (r == -EBADMSG || r == -ENOENT)
        return "weights: no net can be read; they are tried again and again";
    return "device: there is nothing to compute on; it is looked for again and again";
}

int generator_new(const struct generator_config *config, struct generator **ret_generator)
{
    if (config->lanes < 1 || config->lanes > GENERATOR_LANES)
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
    generator->retry_seconds = config->retry_seconds > 0 ? config->retry_seconds : RETRY_SECONDS;
    generator->on_trouble = config->on_trouble;
    generator->user = config->user;
    snprintf(generator->want, sizeof generator->want, "%s", config->device ? config->device : "");

    generator->repertoire = config->repertoire;
    snprintf(generator->first, sizeof generator->first, "%s", config->net);
    generator->first_width = (uint32_t)config->lanes;
    generator_take_nets(generator);

    int r = -ENOMEM;
    generator->tokens = malloc((size_t)GENERATOR_LANES * NET_MAX_RUN_BYTES);
    if (generator->tokens)
        r = generator_open(generator, generator->want);
    if (r < 0 && (r == -ENOMEM || !config->patient))
        goto fail;
    if (r < 0)
        atomic_store(&generator->trouble, why_closed(r));
    generator_take_names(generator);
    *ret_generator = generator;
    return 0;
fail:
    generator_free(generator);
    return r;
}

static void ask_to_quit(struct generator *generator)
{
    pthread_mutex_lock(&generator->mutex);
    generator->quit = true;
    pthread_cond_signal(&generator->condition);
    pthread_mutex_unlock(&generator->mutex);
}

bool generator_stop(struct generator *generator)
{
    struct timespec until;
    if (!generator->running)
        return true;
    ask_to_quit(generator);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_SECONDS;
    generator->running = pthread_timedjoin_np(generator->thread, NULL, &until) != 0;
    if (generator->running)
        pthread_detach(generator->thread); // it ends with the process
    return !generator->running;
}

void generator_free(struct generator *generator)
{
    if (!generator)
        return;
    if (generator->running) {
        ask_to_quit(generator);
        pthread_join(generator->thread, NULL);
    }
    hand_free(generator->hand);
    generator_close(generator);
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

void generator_wake(struct generator *generator)
{
    pthread_mutex_lock(&generator->mutex);
    generator->woken = true;
    pthread_cond_signal(&generator->condition);
    pthread_mutex_unlock(&generator->mutex);
}

const char *generator_trouble(const struct generator *generator)
{
    return atomic_load(&generator->trouble);
}

uint64_t generator_progress(const struct generator *generator)
{
    return atomic_load(&generator->progress);
}

/** The net that a lane is to play on; NULL where none can be loaded. */
static struct entry *entry_for(struct generator *generator, struct lane *lane)
{
    const struct repertoire_net *known[NETS];
    struct entry *entries[NETS];
    size_t count = 0;
    for (size_t i = 0; i < generator->net_count; i++) {
        struct entry *entry = &generator->nets[i];
        if (entry->broken > generator_now())
            continue;
        entries[count] = entry;
        known[count++] = entry->known;
    }
    size_t choice = lane_choose(lane, known, count);
    return choice < count ? entries[choice] : NULL;
}

/** One run of one net for the lanes that play on it; the lanes are locked. */
static int step_net(struct generator *generator, struct entry *entry, struct entry *const *entries)
{
    struct net_lane inputs[GENERATOR_LANES] = {0};
    int active = 0;
    int r = entry->net ? 0 : generator_load(generator, entry);
    if (entry->broken > 0)
        return 1; // there is work left for another one
    if (r == 0)
        r = generator_seat(generator, entry, entries);
    if (r < 0)
        return r;
    bool hungry = false;
    for (uint32_t i = 0; i < entry->width; i++)
        hungry = hungry || (entry->seats[i] && lane_idle_us(entry->seats[i]) == 0);
    for (uint32_t i = 0; i < entry->width; i++) {
        struct lane *lane = entry->seats[i];
        if (!lane)
            continue;
        if (hungry)
            lane_join(lane);
        lane_allow_sketches(lane, !entry->no_sketches);
        active += lane_plan(lane, entry->net, entry->known, i, &inputs[i]);
    }
    if (!active)
        return 0;
    entry->played = true;
    r = generator_run(generator, entry->net, inputs);
    if (r < 0)
        return r;
    atomic_fetch_add(&generator->progress, 1);
    const struct net_info *info = net_info(entry->net);
    for (uint32_t i = 0; i < entry->width; i++)
        if (inputs[i].active)
            lane_take(entry->seats[i], generator->tokens + i * info->steps * info->token_bytes);
    for (uint32_t i = 0; i < entry->width; i++)
        if (inputs[i].active && lane_doubts(entry->seats[i]))
            entry->doubted = true;
    return active;
}

static void set_trouble(struct generator *generator, const char *trouble)
{
    if (atomic_exchange(&generator->trouble, trouble) != trouble && generator->on_trouble)
        generator->on_trouble(generator->user);
}

static bool relieve_lane(struct generator *generator, struct lane *lane)
{
    lane_lend(lane, generator->repertoire);
    return lane_relieve(lane, RELIEF_US);
}

/** Fills the scores that are played and about to run dry; returns how many there were. The lanes
 * are locked. */
static int relieve(struct generator *generator)
{
    struct lane *playing[GENERATOR_LANES];
    int relieved = 0;
    if (!generator->locked)
        generator_take_arrivals(generator);
    pthread_mutex_lock(&generator->mutex);
    memcpy(playing, generator->playing, sizeof playing);
    pthread_mutex_unlock(&generator->mutex);
    // None of them goes meanwhile: that takes the lanes' lock.
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        if (playing[i])
            relieved += relieve_lane(generator, playing[i]);
    return relieved;
}

int generator_relieve(struct generator *generator)
{
    if (!generator->locked)
        pthread_mutex_lock(&generator->lanes_mutex);
    int relieved = relieve(generator);
    if (!generator->locked)
        pthread_mutex_unlock(&generator->lanes_mutex);
    return relieved;
}

static bool any(struct lane *const *list)
{
    size_t i = 0;
    while (i < GENERATOR_LANES && !list[i])
        i++;
    return i < GENERATOR_LANES;
}

static bool is_playing(struct generator *generator)
{
    pthread_mutex_lock(&generator->mutex);
    bool playing = any(generator->playing);
    pthread_mutex_unlock(&generator->mutex);
    return playing;
}

/** While the hand is busy. */
void generator_look(void *user, int64_t waited_us)
{
    struct generator *generator = user;
    bool first = atomic_load(&generator->progress) == 0;
    if (waited_us < (first ? 5 : 1) * STALL_US || !is_playing(generator))
        return;
    bool slow = generator->making && waited_us < 5 * STALL_US;
    if (generator_relieve(generator) && !slow && !generator_trouble(generator)) {
        log_warning("%s does not answer; what is there already is played meanwhile",
                    generator_device(generator));
        set_trouble(generator, "stalled: the device does not answer");
    }
}

int generator_step(struct generator *generator)
{
    struct entry *entries[GENERATOR_LANES] = {0};
    int total = 0;
    if (!generator->device)
        return -ENODEV;
    pthread_mutex_lock(&generator->lanes_mutex);
    generator->locked = true;
    generator_take_arrivals(generator);
    for (size_t i = 0; i < GENERATOR_LANES; i++) {
        if (generator->lanes[i])
            entries[i] = entry_for(generator, generator->lanes[i]);
        if (generator->lanes[i] && !entries[i])
            relieve_lane(generator, generator->lanes[i]);
    }
    for (size_t i = 0; i < generator->net_count && total >= 0; i++) {
        struct entry *entry = &generator->nets[i];
        bool wanted = generator_unseat(generator, entry, entries) > 0;
        int active = !wanted || generator_waits_for_sketches(generator, entry)
                         ? 0
                         : step_net(generator, entry, entries);
        int drawn = active < 0 ? active : generator_step_sketches(generator, entry);
        total = drawn < 0 ? drawn : total + active + drawn;
    }
    generator->locked = false;
    pthread_mutex_unlock(&generator->lanes_mutex);
    // The device has come back from a call that took too long.
    if (total >= 0)
        set_trouble(generator, NULL);
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

/** Sleeps whatever wakes others, with an eye on the scores; returns true when the generator is to
 * end. */
static bool sleep_or_quit(struct generator *generator, int seconds)
{
    double until = generator_now() + seconds;
    bool quit = false;
    while (!quit && generator_now() < until) {
        if (is_playing(generator))
            generator_relieve(generator);
        pthread_mutex_lock(&generator->mutex);
        wait_for(generator, IDLE_LEAST_US);
        quit = generator->quit;
        pthread_mutex_unlock(&generator->mutex);
    }
    return quit;
}

/** Opens everything, again and again. */
static void reopen(struct generator *generator)
{
    bool lost = generator->device;
    if (lost) {
        log_error("the device %s was lost; opening it anew while the composed music plays on",
                  generator_device(generator));
        set_trouble(generator, "device: the GPU was lost and is being opened anew");
        generator_close_gently(generator);
    } else {
        log_warning("nothing can compose; human phrases are played until it can");
        if (sleep_or_quit(generator, REOPEN_FIRST_SECONDS))
            return;
    }
    int wait = REOPEN_FIRST_SECONDS;
    bool any = !generator->want[0] || !strcmp(generator->want, "auto");
    for (int tries = 0;; tries++) {
        int r = generator_open(generator, any && tries >= REOPEN_TRIES ? "cpu" : generator->want);
        if (r == 0)
            break;
        if (!lost || r == -EBADMSG || r == -ENOENT)
            set_trouble(generator, why_closed(r));
        if (sleep_or_quit(generator, wait))
            return;
        if (tries >= REOPEN_TRIES && wait < REOPEN_LAST_SECONDS)
            wait *= 2;
    }
    generator_take_names(generator);
    pthread_mutex_lock(&generator->lanes_mutex);
    for (size_t i = 0; i < GENERATOR_LANES; i++)
        if (generator->lanes[i])
            lane_forget(generator->lanes[i], "device");
    pthread_mutex_unlock(&generator->lanes_mutex);
    set_trouble(generator, NULL);
    log_notice("composing again, on %s", generator_device(generator));
}

/** How long the thread may sleep, in microseconds; -1: until it is woken. */
static int64_t idle_us(struct generator *generator)
{
    int64_t idle = -1;
    pthread_mutex_lock(&generator->lanes_mutex);
    pthread_mutex_lock(&generator->mutex);
    for (size_t i = 0; i < GENERATOR_LANES; i++) {
        if (!generator->playing[i])
            continue;
        int64_t us = lane_idle_us(generator->playing[i]);
        if (idle < 0 || us < idle)
            idle = us;
    }
    pthread_mutex_unlock(&generator->mutex);
    pthread_mutex_unlock(&generator->lanes_mutex);
    return idle < 0 || idle > IDLE_LEAST_US ? idle : IDLE_LEAST_US;
}

/** After a step that returned `r`: takes in what can be read or played now. */
static int look(struct generator *generator, int r)
{
    if (r < 0 || (r > 0 && generator_now() < generator->next_look))
        return r;
    generator->next_look = generator_now() + LOOK_SECONDS;
    int found = generator_look_next(generator);
    if (found == 0)
        found = generator_renew_next(generator);
    return found < 0 || r == 0 ? found : r;
}

static void *run(void *data)
{
    struct generator *generator = data;
    pthread_setname_np(pthread_self(), "generator");
    bool quit = false;
    while (!quit) {
        int r = generator_step(generator);
        r = look(generator, r);
        if (r == 0)
            r = generator_load_next(generator);
        if (r == 0)
            r = generator_tune_next(generator);
        if (r < 0)
            reopen(generator);
        int64_t idle = r == 0 ? idle_us(generator) : 0;
        pthread_mutex_lock(&generator->mutex);
        if (r == 0)
            wait_for(generator, idle);
        quit = generator->quit;
        pthread_mutex_unlock(&generator->mutex);
    }
    return NULL;
}

int generator_start(struct generator *generator)
{
    int r = hand_new(&generator->hand);
    if (r < 0)
        return r;
    r = -pthread_create(&generator->thread, NULL, run, generator);
    generator->running = r == 0;
    if (r < 0)
        log_error("cannot start the generator's thread: %s", strerror(-r));
    return r;
}
