// SPDX-License-Identifier: MIT
#include "control/hand.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"

struct hand {
    pthread_t thread;
    pthread_mutex_t mutex; ///< guards all below
    pthread_cond_t asked, done;
    int (*call)(void *user); ///< NULL: nothing to do
    void *user;
    int result;
    bool quit;
};

static void *run(void *data)
{
    struct hand *hand = data;
    pthread_setname_np(pthread_self(), "hand");
    pthread_mutex_lock(&hand->mutex);
    while (!hand->quit) {
        if (!hand->call) {
            pthread_cond_wait(&hand->asked, &hand->mutex);
            continue;
        }
        int (*call)(void *) = hand->call;
        void *user = hand->user;
        pthread_mutex_unlock(&hand->mutex);
        int result = call(user);
        pthread_mutex_lock(&hand->mutex);
        hand->result = result;
        hand->call = NULL;
        pthread_cond_signal(&hand->done);
    }
    pthread_mutex_unlock(&hand->mutex);
    return NULL;
}

int hand_new(struct hand **ret_hand)
{
    struct hand *hand = calloc(1, sizeof *hand);
    if (!hand)
        return -ENOMEM;
    pthread_mutex_init(&hand->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hand->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&hand->asked, NULL);
    int r = -pthread_create(&hand->thread, NULL, run, hand);
    if (r < 0) {
        log_error("cannot start the device's thread: %s; raise the limit of threads", strerror(-r));
        pthread_cond_destroy(&hand->done);
        pthread_cond_destroy(&hand->asked);
        pthread_mutex_destroy(&hand->mutex);
        free(hand);
        return r;
    }
    *ret_hand = hand;
    return 0;
}

void hand_free(struct hand *hand)
{
    if (!hand)
        return;
    pthread_mutex_lock(&hand->mutex);
    hand->quit = true;
    pthread_cond_signal(&hand->asked);
    pthread_mutex_unlock(&hand->mutex);
    pthread_join(hand->thread, NULL);
    pthread_cond_destroy(&hand->done);
    pthread_cond_destroy(&hand->asked);
    pthread_mutex_destroy(&hand->mutex);
    free(hand);
}

static void later(struct timespec *time, int64_t microseconds)
{
    time->tv_nsec += microseconds % 1000000 * 1000;
    time->tv_sec += microseconds / 1000000 + time->tv_nsec / 1000000000;
    time->tv_nsec %= 1000000000;
}

int hand_do(struct hand *hand, int (*call)(void *user), void *user,
            void (*look)(void *look_user, int64_t waited_us), void *look_user)
{
    struct timespec until;
    int64_t waited = 0;
    pthread_mutex_lock(&hand->mutex);
    hand->call = call;
    hand->user = user;
    pthread_cond_signal(&hand->asked);
    clock_gettime(CLOCK_MONOTONIC, &until);
    later(&until, HAND_LOOK_US);
    while (hand->call) {
        if (pthread_cond_timedwait(&hand->done, &hand->mutex, &until) != ETIMEDOUT)
            continue;
        later(&until, HAND_LOOK_US);
        waited += HAND_LOOK_US;
        pthread_mutex_unlock(&hand->mutex);
        look(look_user, waited);
        pthread_mutex_lock(&hand->mutex);
    }
    int result = hand->result;
    pthread_mutex_unlock(&hand->mutex);
    return result;
}
