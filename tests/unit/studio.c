// SPDX-License-Identifier: MIT
#include "studio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((double)NOTE_SECOND)

static void on_mark(void *user, const char *event, int64_t time, const char *text)
{
    struct studio_channel *channel = user;
    size_t used = strlen(channel->marks);
    snprintf(channel->marks + used, sizeof channel->marks - used, "%s%s%s%s", used ? ", " : "",
             event, *text ? " " : "", text);
}

struct studio *studio_new(const char *const *names, bool phrases, size_t count, uint64_t seed)
{
    struct studio *studio = calloc(1, sizeof *studio);
    assert_non_null(studio);
    studio->repertoire = fake_repertoire(names, phrases);
    struct generator_config config = {
        .repertoire = studio->repertoire,
        .net = names[0],
        .lanes = count,
        .retry_seconds = 0.1,
        .patient = true,
    };
    assert_int_equal(generator_new(&config, &studio->generator), 0);
    struct lane_style style = {.composer = "bach", .threshold = 0.5, .curator = true};
    snprintf(style.net, sizeof style.net, "%s", names[0]);
    for (studio->count = 0; studio->count < count; studio->count++) {
        struct studio_channel *channel = &studio->channels[studio->count];
        assert_int_equal(score_new(&channel->score), 0);
        assert_int_equal(lane_new(channel->score, seed + studio->count, &style, &channel->lane), 0);
        lane_set_mark(channel->lane, on_mark, channel);
        assert_int_equal(generator_add(studio->generator, channel->lane), 0);
    }
    return studio;
}

void studio_free(struct studio *studio)
{
    generator_free(studio->generator);
    for (size_t i = 0; i < studio->count; i++) {
        lane_free(studio->channels[i].lane);
        score_free(studio->channels[i].score);
    }
    repertoire_free(studio->repertoire);
    free(studio);
}

double studio_listen(struct studio *studio, size_t channel, double seconds)
{
    struct score *score = studio->channels[channel].score;
    int64_t from = score_position(score);
    struct score_event event;
    while (score_take(score, from + (int64_t)(seconds * SECOND), &event))
        ;
    return (double)(score_position(score) - from) / SECOND;
}

void studio_compose(struct studio *studio)
{
    int r;
    while ((r = generator_step(studio->generator)) > 0)
        ;
    assert_int_equal(r, 0);
}

void studio_play(struct studio *studio, double seconds)
{
    for (double played = 0; played < seconds; played++) {
        studio_compose(studio);
        for (size_t i = 0; i < studio->count; i++)
            assert_true(studio_listen(studio, i, 1) == 1);
    }
}

size_t studio_notes(struct studio *studio, size_t channel, double from, double to)
{
    return score_copy(studio->channels[channel].score, (int64_t)(from * SECOND),
                      (int64_t)(to * SECOND), studio->notes, STUDIO_NOTES);
}

double studio_longest_gap(struct studio *studio, size_t channel)
{
    double horizon = (double)score_horizon(studio->channels[channel].score) / SECOND;
    size_t count = studio_notes(studio, channel, 0, horizon);
    int64_t last = 0, longest = 0;
    // After an hour and more the score has forgotten the beginning.
    if (horizon > 3600 && count)
        last = studio->notes[0].onset;
    for (size_t i = 0; i < count; i++) {
        int64_t gap = studio->notes[i].onset - last;
        longest = gap > longest ? gap : longest;
        last = studio->notes[i].onset;
    }
    return (double)longest / SECOND;
}

const char *studio_rung(struct studio *studio, size_t channel)
{
    static char word[32];
    const char *trouble = lane_trouble(studio->channels[channel].lane);
    snprintf(word, sizeof word, "%.*s", trouble ? (int)strcspn(trouble, ":") : 0,
             trouble ? trouble : "");
    return word;
}

uint64_t studio_decision(struct studio *studio, size_t channel, const char *name)
{
    struct decision list[DECISION_ROOM];
    size_t count = lane_decisions(studio->channels[channel].lane, list);
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i].name, name))
            return list[i].value;
    fail_msg("nothing is counted as %s", name);
    return 0;
}

void studio_assert_same(struct studio *one, size_t a, struct studio *other, size_t b,
                        double seconds)
{
    size_t count = studio_notes(one, a, 0, seconds);
    assert_true(count > (size_t)seconds);
    assert_int_equal(studio_notes(other, b, 0, seconds), count);
    for (size_t i = 0; i < count; i++) {
        const struct note *left = &one->notes[i], *right = &other->notes[i];
        assert_int_equal(left->onset, right->onset);
        assert_int_equal(left->duration, right->duration);
        assert_int_equal(left->pitch, right->pitch);
        assert_int_equal(left->velocity, right->velocity);
    }
}
