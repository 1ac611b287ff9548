// SPDX-License-Identifier: MIT
#include "control/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "control/footprint.h"
#include "control/generator.h"
#include "control/interrupt.h"
#include "log.h"

/** More would be opened for longer than they compose. */
#define MOST_WORKERS 16

struct worker {
    struct crew *crew;
    struct generator *generator;
    pthread_t thread;
    size_t mine[GENERATOR_LANES]; ///< lanes in work
    size_t count;
};

struct crew {
    struct generator_config config; ///< of a worker's generator
    struct lane *lanes[GENERATOR_LANES];
    size_t lane_count, lane_room;
    struct worker workers[MOST_WORKERS];
    size_t worker_count;
    size_t seats; ///< of a worker
    struct crew_work work;

    pthread_mutex_t mutex; ///< guards what follows
    pthread_cond_t condition;
    int64_t positions[GENERATOR_LANES];
    size_t begun;   ///< lanes that somebody has taken up: the first ones
    size_t working; ///< workers that have not ended
    int result;     ///< of the first that has failed
    int64_t grown;  ///< crew_grown()
};

static size_t cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) < 0 ? 1 : (size_t)CPU_COUNT(&set);
}

static size_t less(size_t a, size_t b)
{
    return a < b ? a : b;
}

int crew_new(const struct generator_config *config, size_t seats, struct crew **ret_crew)
{
    struct crew *crew = calloc(1, sizeof *crew);
    if (!crew)
        return -ENOMEM;
    pthread_mutex_init(&crew->mutex, NULL);
    pthread_cond_init(&crew->condition, NULL);
    crew->lane_room = config->lanes;
    crew->worker_count = less(less(cores(), MOST_WORKERS), config->lanes);
    crew->seats = (config->lanes + crew->worker_count - 1) / crew->worker_count;
    crew->seats = less(crew->seats, seats);
    crew->config = *config;
    crew->config.lanes = crew->seats;
    // The first is open before the others' threads begin: drivers set up what they share once.
    int r = generator_new(&crew->config, &crew->workers[0].generator);
    if (r < 0) {
        crew_free(crew);
        return r;
    }
    if (!generator_is_on_cpu(crew->workers[0].generator)) {
        // It makes its net wider when the lanes come.
        crew->worker_count = 1;
        crew->seats = config->lanes;
    }
    for (size_t i = 0; i < crew->worker_count; i++)
        crew->workers[i].crew = crew;
    *ret_crew = crew;
    return 0;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    for (size_t i = 0; i < MOST_WORKERS; i++)
        generator_free(crew->workers[i].generator);
    pthread_cond_destroy(&crew->condition);
    pthread_mutex_destroy(&crew->mutex);
    free(crew);
}

const char *crew_device(const struct crew *crew)
{
    return generator_device(crew->workers[0].generator);
}

int crew_add(struct crew *crew, struct lane *lane)
{
    if (crew->lane_count == crew->lane_room)
        return -ENOSPC;
    crew->lanes[crew->lane_count++] = lane;
    return 0;
}

/** Takes up lanes that nobody has begun, while there are seats. Returns 0 or -errno. */
static int take_up(struct worker *worker)
{
    struct crew *crew = worker->crew;
    int r = 0;
    pthread_mutex_lock(&crew->mutex);
    while (r == 0 && worker->count < crew->seats && crew->begun < crew->lane_count) {
        r = generator_add(worker->generator, crew->lanes[crew->begun]);
        worker->mine[worker->count++] = crew->begun++;
    }
    pthread_mutex_unlock(&crew->mutex);
    return r;
}

static void put_down(struct worker *worker, size_t place)
{
    generator_remove(worker->generator, worker->crew->lanes[worker->mine[place]]);
    worker->mine[place] = worker->mine[--worker->count];
}

/** Says how far a lane has come. */
static void report(struct worker *worker, size_t index, int64_t position)
{
    struct crew *crew = worker->crew;
    pthread_mutex_lock(&crew->mutex);
    crew->positions[index] = position;
    pthread_cond_signal(&crew->condition);
    pthread_mutex_unlock(&crew->mutex);
}

int64_t crew_grown(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    int64_t grown = crew->grown;
    pthread_mutex_unlock(&crew->mutex);
    return grown;
}

/** generator_step(), and what the process has grown by where a net became resident in it. */
static int step(struct worker *worker)
{
    struct crew *crew = worker->crew;
    size_t nets = generator_resident(worker->generator);
    int64_t size = footprint_resident();
    int r = generator_step(worker->generator);
    if (generator_resident(worker->generator) > nets) {
        pthread_mutex_lock(&crew->mutex);
        crew->grown += footprint_resident() - size;
        pthread_mutex_unlock(&crew->mutex);
    }
    return r;
}

/** Takes what a worker's lanes have composed. Returns 0 or -errno. */
static int take(struct worker *worker)
{
    struct crew *crew = worker->crew;
    for (size_t i = worker->count; i-- > 0;) {
        int64_t position = crew->work.take(crew->work.user, worker->mine[i]);
        if (position < 0)
            return (int)position;
        report(worker, worker->mine[i], position);
        if (position >= crew->work.length)
            put_down(worker, i);
    }
    return 0;
}

static bool all_well(struct crew *crew)
{
    pthread_mutex_lock(&crew->mutex);
    bool well = crew->result == 0;
    pthread_mutex_unlock(&crew->mutex);
    return well && !interrupt_came();
}

static int compose(struct worker *worker)
{
    struct crew *crew = worker->crew;
    int r = worker->generator ? 0 : generator_new(&crew->config, &worker->generator);
    if (r < 0)
        return r;
    r = take_up(worker);
    while (r == 0 && worker->count && all_well(crew)) {
        r = step(worker);
        if (r < 0)
            log_error("the device failed while composing: %s", strerror(-r));
        else
            r = take(worker);
        if (r == 0)
            r = take_up(worker);
    }
    while (worker->count)
        put_down(worker, 0);
    return r;
}

static void *work(void *user)
{
    struct worker *worker = user;
    struct crew *crew = worker->crew;
    int r = compose(worker);
    pthread_mutex_lock(&crew->mutex);
    if (crew->result == 0)
        crew->result = r;
    crew->working--;
    pthread_cond_signal(&crew->condition);
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

/** Tells how far they have come; the mutex is held, and let go meanwhile. */
static void tell(struct crew *crew)
{
    int64_t least = crew->work.length, whole = 0;
    for (size_t i = 0; i < crew->begun; i++) {
        least = crew->positions[i] < least ? crew->positions[i] : least;
        whole += crew->positions[i];
    }
    pthread_mutex_unlock(&crew->mutex);
    crew->work.tell(crew->work.user, least, whole);
    pthread_mutex_lock(&crew->mutex);
}

int crew_run(struct crew *crew, const struct crew_work *how)
{
    size_t started = 0;
    crew->work = *how;
    pthread_mutex_lock(&crew->mutex);
    while (started < crew->worker_count && crew->result == 0) {
        struct worker *worker = &crew->workers[started];
        int r = pthread_create(&worker->thread, NULL, work, worker);
        if (r) {
            log_error("cannot start a thread to compose: %s", strerror(r));
            crew->result = -r;
        } else {
            crew->working++;
            started++;
        }
    }
    while (crew->working) {
        pthread_cond_wait(&crew->condition, &crew->mutex);
        tell(crew);
    }
    tell(crew); // some may have ended while it was told of others
    pthread_mutex_unlock(&crew->mutex);
    for (size_t i = 0; i < started; i++)
        pthread_join(crew->workers[i].thread, NULL);
    return crew->result;
}
