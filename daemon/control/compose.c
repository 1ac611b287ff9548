// SPDX-License-Identifier: MIT
#include "control/compose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/generator.h"
#include "control/lane.h"
#include "control/repertoire.h"
#include "control/settings.h"
#include "log.h"
#include "music/score.h"
#include "music/seedbook.h"

/** Notes are taken so far behind the horizon that their ends are composed. */
#define BEHIND_US (13 * NOTE_SECOND)

static void on_mark(void *user, const char *event, int64_t time, const char *text)
{
    // Nothing is cut where nobody asks for a change.
    fprintf(user, "{\"event\":\"%s\",\"time\":%.2f,\"text\":\"%s\"}\n", event,
            (double)time / NOTE_SECOND, text ? text : "");
}

static void write_event(FILE *out, const struct score_event *event)
{
    if (event->velocity)
        fprintf(out,
                "{\"event\":\"on\",\"time\":%.2f,\"pitch\":%u,\"velocity\":%u,\"duration\":%.2f}\n",
                (double)event->time / NOTE_SECOND, event->pitch, event->velocity,
                (double)event->duration / NOTE_SECOND);
}

static int write_music(struct generator *generator, struct score *score, int64_t length, FILE *out)
{
    while (score_position(score) < length) {
        int r = generator_step(generator);
        if (r < 0) {
            log_error("the device failed while composing: %s", strerror(-r));
            return r;
        }
        int64_t until = score_horizon(score) - BEHIND_US;
        struct score_event event;
        while (score_take(score, until < length ? until : length, &event))
            write_event(out, &event);
        if (ferror(out)) {
            log_error("cannot write the music: %s", strerror(errno));
            return -EIO;
        }
    }
    return 0;
}

int compose_write(struct settings *settings, double seconds, FILE *out)
{
    struct generator_config config = {
        .device = settings->device, .models = settings->models, .lanes = 1};
    struct generator *generator = NULL;
    struct seedbook *book = NULL;
    struct score *score = NULL;
    struct lane *lane = NULL;
    int r = generator_new(&config, &generator);
    if (r == 0)
        r = repertoire_settle(generator, settings, &book);
    if (r == 0)
        r = score_new(&score);
    if (r < 0)
        goto done;

    uint64_t seed = settings->seed ? settings->seed : (uint64_t)time(NULL);
    struct lane_style style = {
        .threshold = settings->threshold,
        .sampling = strcmp(settings->sampling, "hard") ? NET_SAMPLE : NET_HARD,
        .reseed_interval = settings->reseed_interval,
        .curator = settings->curator,
    };
    memcpy(style.net, settings->net, sizeof style.net);
    memcpy(style.composer, settings->composer, sizeof style.composer);
    r = lane_new(score, book, seed, &style, &lane);
    if (r == 0)
        r = generator_add(generator, lane);
    if (r < 0)
        goto done;
    fprintf(
        out,
        "{\"event\":\"composed\",\"time\":0,\"version\":\"%s\",\"device\":\"%s\",\"net\":\"%s\","
        "\"composer\":\"%s\",\"threshold\":%g,\"sampling\":\"%s\",\"curator\":%s,"
        "\"seed\":%llu}\n",
        FERMATA_VERSION, generator_device(generator), settings->net, settings->composer,
        settings->threshold, settings->sampling, settings->curator ? "true" : "false",
        (unsigned long long)seed);
    lane_set_mark(lane, on_mark, out);
    r = write_music(generator, score, (int64_t)(seconds * NOTE_SECOND), out);
done:
    if (lane)
        generator_remove(generator, lane);
    generator_free(generator);
    lane_free(lane);
    score_free(score);
    seedbook_free(book);
    return r;
}
