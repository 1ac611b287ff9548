// SPDX-License-Identifier: MIT
// The score against a naive model, with random calls; and from three threads at once.
#include "music/score.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS (NOTE_SECOND / 1000)

/*
 * The naive model: a list without order, searched through for everything. What it does is written
 * down from score.h, not from score.c.
 */
#define MODEL_ROOM 4000
struct model_note {
    struct note note;
    bool struck, released;
    int64_t end; ///< where it ends as things stand
};
struct model {
    struct model_note notes[MODEL_ROOM];
    int count;
    int64_t position, horizon, cut;
};

static int64_t model_end(const struct note *note)
{
    int64_t end = note_end(note), last = note->onset + SCORE_LONGEST_NOTE;
    return end < last ? end : last;
}

static void model_add(struct model *model, const struct note *note)
{
    for (int i = 0; i < model->count; i++) {
        struct model_note *twin = &model->notes[i];
        if (twin->note.onset == note->onset && twin->note.pitch == note->pitch) {
            if (twin->note.duration == NOTE_OPEN && note->duration != NOTE_OPEN) {
                twin->note.duration = note->duration;
                twin->end = model_end(&twin->note);
            }
            return;
        }
    }
    if (note->onset < model->cut || note->onset < model->position)
        return;
    assert_in_range(model->count, 0, MODEL_ROOM - 1);
    model->notes[model->count++] = (struct model_note){.note = *note, .end = model_end(note)};
}

static int model_cut(struct model *model, int64_t at)
{
    if (at < model->position)
        return -ESTALE;
    model->horizon = at < model->horizon ? at : model->horizon;
    model->cut = model->horizon;
    int kept = 0;
    for (int i = 0; i < model->count; i++) {
        struct model_note *note = &model->notes[i];
        if (!note->struck && note->note.onset >= at)
            continue;
        if (note->end > at) {
            note->end = at;
            note->note.duration = at - note->note.onset;
        }
        model->notes[kept++] = *note;
    }
    model->count = kept;
    return 0;
}

static bool model_take(struct model *model, int64_t until, struct score_event *ret_event)
{
    int64_t limit = until < model->horizon ? until : model->horizon;
    struct model_note *on = NULL, *off = NULL;
    for (int i = 0; i < model->count; i++) {
        struct model_note *note = &model->notes[i];
        if (!note->struck && (!on || note->note.onset < on->note.onset))
            on = note;
        bool sounds = note->struck && !note->released;
        if (sounds && (!off || note->end < off->end ||
                       (note->end == off->end && note->note.pitch < off->note.pitch)))
            off = note;
    }
    int64_t off_time = !off ? INT64_MAX : off->end > model->position ? off->end : model->position;
    if (on && on->note.onset < limit && !(off && off_time <= on->note.onset))
        for (int i = 0; i < model->count; i++) // the same pitch sounds: it is released first
            if (model->notes[i].struck && !model->notes[i].released &&
                model->notes[i].note.pitch == on->note.pitch) {
                off = &model->notes[i];
                off_time = on->note.onset;
            }
    if (off && off_time < limit && (!on || off_time <= on->note.onset)) {
        off->released = true;
        model->position = off_time;
        *ret_event = (struct score_event){.time = off_time, .pitch = off->note.pitch};
        return true;
    }
    if (on && on->note.onset < limit) {
        on->struck = true;
        model->position = on->note.onset;
        *ret_event = (struct score_event){
            .time = on->note.onset,
            .duration = on->note.duration == NOTE_OPEN ? 0 : on->end - on->note.onset,
            .pitch = on->note.pitch,
            .velocity = on->note.velocity};
        return true;
    }
    model->position = limit > model->position ? limit : model->position;
    return false;
}

static void same_next_event(struct score *score, struct model *model, int64_t until)
{
    struct score_event got = {0}, want = {0};
    bool some = model_take(model, until, &want);
    assert_int_equal(score_take(score, until, &got), some);
    assert_int_equal(got.time, want.time);
    assert_int_equal(got.pitch, want.pitch);
    assert_int_equal(got.velocity, want.velocity);
    assert_int_equal(got.duration, want.duration);
    assert_int_equal(score_position(score), model->position);
    assert_int_equal(score_horizon(score), model->horizon);
}

static struct note random_note(const struct model *model)
{
    struct note note = {
        .onset = model->position + (rand() % 80 - 10) * 50 * MS,
        .duration = rand() % 3 == 0 ? NOTE_OPEN : (1 + rand() % 400) * 50 * MS,
        .pitch = (uint8_t)(60 + rand() % 6),
        .velocity = (uint8_t)(1 + rand() % 127),
    };
    // Often the end of one that is there already.
    if (model->count > 0 && rand() % 2) {
        const struct note *open = &model->notes[rand() % model->count].note;
        note.onset = open->onset;
        note.pitch = open->pitch;
    }
    return note;
}

static void does_what_the_naive_model_does(void **state)
{
    static struct model model;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct score *score;
        assert_int_equal(score_new(&score), 0);
        memset(&model, 0, sizeof model);
        srand(seed);
        for (int step = 0; step < 1500; step++) {
            int die = rand() % 100;
            int64_t time = model.position + (rand() % 100 - 10) * 50 * MS;
            if (die < 45) {
                struct note note = random_note(&model);
                if (note.onset < 0)
                    continue;
                assert_int_equal(score_add(score, &note), 0);
                model_add(&model, &note);
            } else if (die < 60) {
                score_extend(score, time);
                model.horizon = time > model.horizon ? time : model.horizon;
            } else if (die < 63) {
                assert_int_equal(score_cut(score, time), model_cut(&model, time));
            } else {
                same_next_event(score, &model, time);
            }
        }
        // In the end everything that was struck is released.
        model_cut(&model, model.position);
        assert_int_equal(score_cut(score, score_position(score)), 0);
        model.horizon = model.position + 60 * NOTE_SECOND;
        score_extend(score, model.horizon);
        int64_t before;
        do {
            before = model.position;
            same_next_event(score, &model, INT64_MAX);
        } while (model.position < model.horizon || before < model.position);
        for (int i = 0; i < model.count; i++)
            assert_true(model.notes[i].struck && model.notes[i].released);
        score_free(score);
    }
}

/** Two threads work on the score as generator and performer do, while this one asks. */
struct pair {
    struct score *score;
    atomic_bool composed;
    int struck, released;
};

static void *perform(void *data)
{
    struct pair *pair = data;
    struct score_event event;
    int64_t last = 0;
    for (bool done = false; !done;) {
        done = atomic_load(&pair->composed);
        while (score_take(pair->score, INT64_MAX, &event)) {
            if (event.time < last)
                abort();
            last = event.time;
            pair->struck += event.velocity > 0;
            pair->released += event.velocity == 0;
        }
    }
    return NULL;
}

static void add(struct score *score, int64_t onset, int64_t duration, int pitch)
{
    score_add(score, &(struct note){onset, duration, (uint8_t)pitch, 64});
}

static void *compose(void *data)
{
    struct pair *pair = data;
    for (int64_t second = 0; second < 1000; second++) {
        int64_t from = second * NOTE_SECOND;
        // As far ahead as the generator goes.
        while (from - score_position(pair->score) > 30 * NOTE_SECOND)
            sched_yield();
        for (int i = 0; i < 16; i++)
            add(pair->score, from + i * 50 * MS, NOTE_OPEN, 40 + i);
        for (int i = 0; i < 16; i++)
            add(pair->score, from + i * 50 * MS, 50 * MS, 40 + i);
        score_extend(pair->score, from + NOTE_SECOND);
        if (second % 10 == 9)
            score_cut(pair->score, from + NOTE_SECOND - 25 * MS);
        score_extend(pair->score, from + NOTE_SECOND);
    }
    atomic_store(&pair->composed, true);
    return NULL;
}

static void threads_may_meet(void **state)
{
    struct pair pair = {0};
    assert_int_equal(score_new(&pair.score), 0);
    pthread_t composer, performer;
    struct note notes[64];
    assert_int_equal(pthread_create(&performer, NULL, perform, &pair), 0);
    assert_int_equal(pthread_create(&composer, NULL, compose, &pair), 0);
    int64_t position = 0;
    while (!atomic_load(&pair.composed)) {
        // Read one after the other, so only the horizon can have moved on in between.
        int64_t now = score_position(pair.score);
        assert_true(now >= position);
        position = now;
        assert_true(score_copy_sounding(pair.score, now - NOTE_SECOND, now, notes, 64) <= 64);
    }
    pthread_join(composer, NULL);
    pthread_join(performer, NULL);
    assert_int_equal(score_position(pair.score), 1000 * NOTE_SECOND);
    assert_int_equal(pair.struck, 16000);
    assert_int_equal(pair.released, 16000);
    score_free(pair.score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(does_what_the_naive_model_does),
        cmocka_unit_test(threads_may_meet),
    };
    return cmocka_run_group_tests_name("score_model", tests, NULL, NULL);
}
