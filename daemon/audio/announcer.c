// SPDX-License-Identifier: MIT
#include "audio/announcer.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "audio/announcement.h"
#include "audio/band.h"
#include "audio/limiter.h"
#include "log.h"
#include "music/phrase.h"
#include "music/score.h"

#define RATE 48000
#define NOTES 1024
#define SAMPLES (2 * PROFILE_BLOCK)
#define DUCK_STEP (ANNOUNCER_DUCK * PROFILE_BLOCK / ANNOUNCER_DUCK_FRAMES)
#define RETURN_STEP (ANNOUNCER_DUCK * PROFILE_BLOCK / ANNOUNCER_RETURN_FRAMES)
#define HUSH_STEP (1.0f / 38) // 50 ms

enum doing {
    RESTS,
    WAITS,  ///< for the end of a phrase
    DUCKS,  ///< the music goes down
    SPEAKS, ///< until the end, and the limiter's block behind it
};

struct announcer {
    pthread_mutex_t lock;
    struct announcement *next;
    struct announcement *now;
    bool hushing;
    uint64_t said;

    enum doing doing;
    int64_t begin;   ///< channel time to begin at
    uint32_t waited; ///< frames
    uint32_t spoken; ///< frames of `now`
    float voice;     ///< how much of it is heard: 1, less while it is hushed
    float duck;      ///< by how much the music is down now, dB
    struct band band;
    struct limiter limiter;
    struct note notes[NOTES];
};

int announcer_new(struct announcer **ret_announcer)
{
    struct announcer *announcer = calloc(1, sizeof *announcer);
    if (!announcer)
        return -ENOMEM;
    pthread_mutex_init(&announcer->lock, NULL);
    *ret_announcer = announcer;
    return 0;
}

void announcer_free(struct announcer *announcer)
{
    if (!announcer)
        return;
    announcement_unref(announcer->next);
    announcement_unref(announcer->now);
    pthread_mutex_destroy(&announcer->lock);
    free(announcer);
}

void announcer_say(struct announcer *announcer, struct announcement *announcement)
{
    pthread_mutex_lock(&announcer->lock);
    announcement_unref(announcer->next);
    announcer->next = announcement_ref(announcement);
    pthread_mutex_unlock(&announcer->lock);
}

void announcer_hush(struct announcer *announcer)
{
    pthread_mutex_lock(&announcer->lock);
    announcement_unref(announcer->next);
    announcer->next = NULL;
    announcer->hushing = announcer->now != NULL;
    pthread_mutex_unlock(&announcer->lock);
}

bool announcer_is_busy(struct announcer *announcer)
{
    pthread_mutex_lock(&announcer->lock);
    bool busy = announcer->next || announcer->now;
    pthread_mutex_unlock(&announcer->lock);
    return busy;
}

uint64_t announcer_said(struct announcer *announcer)
{
    pthread_mutex_lock(&announcer->lock);
    uint64_t said = announcer->said;
    pthread_mutex_unlock(&announcer->lock);
    return said;
}

static float factor(float decibels)
{
    return powf(10.0f, decibels / 20.0f);
}

/** The next one is to be said. */
static void take_up(struct announcer *announcer, enum profile_kind kind, struct score *score)
{
    announcer->now = announcer->next;
    announcer->next = NULL;
    announcer->doing = WAITS;
    announcer->waited = 0;
    announcer->spoken = 0;
    announcer->voice = 1.0f;
    band_init(&announcer->band);
    // Beside it the music is still heard.
    float share = 1.0f - factor(-ANNOUNCER_DUCK);
    limiter_init(&announcer->limiter, share * profile_ceiling(kind), kind == PROFILE_ROOM);
    announcer->begin = 0;
    if (!score)
        return;
    int64_t from = score_position(score), to = from + ANNOUNCER_PATIENCE_US;
    size_t count = score_copy(score, from, to, announcer->notes, NOTES);
    announcer->begin = phrase_end(announcer->notes, count, from, to);
}

static void fall_silent(struct announcer *announcer)
{
    announcement_unref(announcer->now);
    announcer->now = NULL;
    announcer->hushing = false;
    announcer->doing = RESTS;
}

/** The next block of what is said, before the limiter. */
static void speak(struct announcer *announcer, enum profile_kind kind, float *ret_block)
{
    const struct announcement *now = announcer->now;
    float gain = factor(profile_target(kind) - now->level[kind]);
    for (uint32_t i = 0; i < PROFILE_BLOCK; i++) {
        uint32_t at = announcer->spoken + i;
        float left = 0, right = 0;
        if (at < now->frames) {
            left = now->samples[(size_t)at * now->channels];
            right = now->samples[(size_t)at * now->channels + now->channels - 1];
        }
        if (kind == PROFILE_TELEPHONE) {
            left = (left + right) / 2;
            band_process(&announcer->band, &left, 1);
            right = left;
        }
        ret_block[2 * i] = left * gain;
        ret_block[2 * i + 1] = right * gain;
    }
    announcer->spoken += PROFILE_BLOCK;
}

/** What is to be heard of the voice in this block. */
static void add_voice(struct announcer *announcer, enum profile_kind kind, float *block)
{
    float said[SAMPLES], held[SAMPLES];
    speak(announcer, kind, said);
    limiter_process(&announcer->limiter, said, held);
    for (int i = 0; i < SAMPLES; i++)
        block[i] += held[i] * announcer->voice;
    if (announcer->hushing)
        announcer->voice -= HUSH_STEP;
    bool whole = announcer->spoken >= announcer->now->frames + 2 * PROFILE_BLOCK;
    announcer->said += whole;
    if (whole || announcer->voice <= 0)
        fall_silent(announcer);
}

static void process(struct announcer *announcer, enum profile_kind kind, struct score *score,
                    float *block)
{
    if (announcer->doing == RESTS && announcer->next)
        take_up(announcer, kind, score);
    if (announcer->hushing && announcer->doing != SPEAKS && announcer->doing != RESTS)
        fall_silent(announcer);
    if (announcer->doing == WAITS) {
        announcer->waited += PROFILE_BLOCK;
        if (!score || score_position(score) >= announcer->begin ||
            announcer->waited >= (int64_t)RATE * ANNOUNCER_PATIENCE_US / NOTE_SECOND)
            announcer->doing = DUCKS;
    }
    float before = announcer->duck;
    if (announcer->doing >= DUCKS)
        announcer->duck = fminf(before + DUCK_STEP, ANNOUNCER_DUCK);
    else
        announcer->duck = fmaxf(before - RETURN_STEP, 0.0f);
    if (before > 0 || announcer->duck > 0) {
        float gain = factor(-before);
        float slope = (factor(-announcer->duck) - gain) / PROFILE_BLOCK;
        for (int i = 0; i < PROFILE_BLOCK; i++) {
            block[2 * i] *= gain + slope * (float)i;
            block[2 * i + 1] *= gain + slope * (float)i;
        }
    }
    if (announcer->doing == DUCKS && announcer->duck >= ANNOUNCER_DUCK)
        announcer->doing = SPEAKS;
    else if (announcer->doing == SPEAKS && announcer->now)
        add_voice(announcer, kind, block);
}

void announcer_process(struct announcer *announcer, enum profile_kind kind, struct score *score,
                       float *interleaved, uint32_t frames)
{
    pthread_mutex_lock(&announcer->lock);
    for (uint32_t done = 0; done < frames; done += PROFILE_BLOCK)
        if (announcer->next || announcer->now || announcer->duck > 0)
            process(announcer, kind, score, interleaved + 2 * (size_t)done);
    pthread_mutex_unlock(&announcer->lock);
}
