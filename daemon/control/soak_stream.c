// SPDX-License-Identifier: MIT
#include "control/soak_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/footprint.h"
#include "control/lane.h"
#include "log.h"
#include "music/gauge.h"
#include "music/midi_file.h"
#include "music/score.h"

#define MINUTE (60 * NOTE_SECOND)
#define HOUR (60 * MINUTE)
/** Notes are taken so far behind the horizon that their ends are composed. */
#define BEHIND_US (13 * NOTE_SECOND)

struct soak_stream {
    struct piece_origin origin;
    char folder[1024];
    int64_t length;
    FILE *lines;
    struct score *score;
    struct lane *lane;
    struct gauge *gauge;
    struct soak_figures figures;
    uint64_t block_notes; ///< of the block of the trend in work
    uint64_t hour_notes;
    struct note *notes; ///< of the hour, from its beginning on
    size_t count, room;
    bool ended;
};

static void on_mark(void *user, const char *event, int64_t time, const char *text)
{
    struct soak_figures *figures = user;
    for (size_t i = 0; i < figures->done_count; i++) {
        if (!strcmp(figures->done[i].event, event) && !strcmp(figures->done[i].text, text)) {
            figures->done[i].count++;
            return;
        }
    }
    if (figures->done_count == SOAK_DEEDS)
        return;
    size_t place = figures->done_count++;
    figures->done[place].event = event;
    figures->done[place].text = text;
    figures->done[place].count = 1;
}

static int open_lines(struct soak_stream *stream)
{
    char path[sizeof stream->folder + 32];
    snprintf(path, sizeof path, "%s/minutes.jsonl", stream->folder);
    if (mkdir(stream->folder, 0777) == 0 || errno == EEXIST)
        stream->lines = fopen(path, "we");
    if (stream->lines)
        return 0;
    int r = -errno;
    log_error("cannot write %s: %s; give a folder that may be written to", path, strerror(-r));
    return r;
}

int soak_stream_new(const struct piece_origin *origin, const double band[3],
                    const struct lane_style *style, const char *folder, int64_t length,
                    struct soak_stream **ret_stream)
{
    struct soak_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return -ENOMEM;
    stream->origin = *origin;
    stream->length = length;
    memcpy(stream->figures.band, band, sizeof stream->figures.band);
    snprintf(stream->folder, sizeof stream->folder, "%s", folder);
    int r = open_lines(stream);
    if (r == 0)
        r = score_new(&stream->score);
    if (r == 0)
        r = gauge_new(&stream->gauge);
    if (r == 0)
        r = lane_new(stream->score, origin->seed, style, &stream->lane);
    if (r < 0) {
        soak_stream_free(stream);
        return r;
    }
    lane_set_mark(stream->lane, on_mark, &stream->figures);
    *ret_stream = stream;
    return 0;
}

void soak_stream_free(struct soak_stream *stream)
{
    if (!stream)
        return;
    lane_free(stream->lane);
    gauge_free(stream->gauge);
    score_free(stream->score);
    if (stream->lines)
        fclose(stream->lines);
    free(stream->notes);
    free(stream);
}

struct lane *soak_stream_lane(const struct soak_stream *stream)
{
    return stream->lane;
}

const struct soak_figures *soak_stream_figures(const struct soak_stream *stream)
{
    return &stream->figures;
}

int64_t soak_stream_position(const struct soak_stream *stream)
{
    int64_t position = score_position(stream->score);
    return position < stream->length ? position : stream->length;
}

void soak_stream_write_done(const struct soak_figures *figures, FILE *out)
{
    fputc('{', out);
    for (size_t i = 0; i < figures->done_count; i++)
        fprintf(out, "%s\"%s %s\":%u", i ? "," : "", figures->done[i].event, figures->done[i].text,
                figures->done[i].count);
    fputc('}', out);
}

uint64_t soak_stream_decision(const struct soak_figures *figures, const char *name)
{
    for (size_t i = 0; i < figures->decision_count; i++)
        if (!strcmp(figures->decisions[i].name, name))
            return figures->decisions[i].value;
    return 0;
}

void soak_stream_write_decided(const struct soak_figures *figures, FILE *out)
{
    fputc('{', out);
    for (size_t i = 0; i < figures->decision_count; i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i ? "," : "", figures->decisions[i].name,
                figures->decisions[i].value);
    fputc('}', out);
}

/** Takes a reading of [from, to) into the figures. */
static void count_reading(struct soak_stream *stream, const struct gauge_reading *reading,
                          int64_t from, int64_t to)
{
    struct soak_figures *figures = &stream->figures;
    figures->length = to;
    figures->decision_count = lane_decisions(stream->lane, figures->decisions);
    figures->notes += reading->notes;
    figures->runs += reading->runs;
    figures->repeated += reading->repeated;
    if (to - from == MINUTE) {
        if (from == 0 || reading->notes < figures->least)
            figures->least = reading->notes;
        if (reading->notes > figures->most)
            figures->most = reading->notes;
    }
    if (reading->onset_gap > figures->onset_gap)
        figures->onset_gap = reading->onset_gap;
    if (reading->silence > figures->silence) {
        figures->silence = reading->silence;
        figures->silence_at = reading->silence_at;
    }
    stream->block_notes += reading->notes;
    stream->hour_notes += reading->notes;
    if (to % (SOAK_BLOCK * NOTE_SECOND) == 0) {
        double middle = (double)to / NOTE_SECOND - SOAK_BLOCK / 2.0;
        trend_add(&figures->trend, middle / 3600, (double)stream->block_notes * 60 / SOAK_BLOCK);
        stream->block_notes = 0;
    }
    if (to % HOUR == 0 && figures->hour_count < SOAK_HOURS) {
        figures->hours[figures->hour_count++] = (double)stream->hour_notes / 60;
        stream->hour_notes = 0;
    }
}

static int write_reading(struct soak_stream *stream, const struct gauge_reading *reading,
                         int64_t from, int64_t to)
{
    fprintf(stream->lines,
            "{\"minute\":%" PRId64 ",\"seconds\":%.3f,\"notes\":%u,\"onset_gap\":%.3f,"
            "\"silence\":%.3f,\"register\":%.2f,\"velocity\":%.1f,\"sounding\":%.2f,"
            "\"entropy\":%.3f,\"runs\":%u,\"repeated\":%u,\"done\":",
            from / MINUTE, (double)(to - from) / NOTE_SECOND, reading->notes, reading->onset_gap,
            reading->silence, reading->register_, reading->velocity, reading->sounding,
            reading->entropy, reading->runs, reading->repeated);
    soak_stream_write_done(&stream->figures, stream->lines);
    fputs(",\"decided\":", stream->lines);
    soak_stream_write_decided(&stream->figures, stream->lines);
    fprintf(stream->lines, ",\"resident\":%" PRId64 "}\n", footprint_resident());
    if (fflush(stream->lines) == 0)
        return 0;
    log_error("cannot write %s/minutes.jsonl: %s", stream->folder, strerror(errno));
    return -EIO;
}

/** Puts the score's notes of [from, to) to those of the hour. */
static int keep_notes(struct soak_stream *stream, int64_t from, int64_t to)
{
    if (stream->room < stream->count + SCORE_ROOM) {
        size_t more = stream->room + 4 * (size_t)SCORE_ROOM;
        struct note *larger = realloc(stream->notes, more * sizeof *larger);
        if (!larger)
            return -ENOMEM;
        stream->notes = larger;
        stream->room = more;
    }
    struct note *fresh = stream->notes + stream->count;
    size_t count = score_copy(stream->score, from, to, fresh, SCORE_ROOM);
    for (size_t i = 0; i < count; i++)
        fresh[i].onset -= from / HOUR * HOUR;
    stream->count += count;
    return 0;
}

/** As it was heard: a key that is struck again was let go first. */
static void part_notes(struct soak_stream *stream)
{
    struct note *last[128] = {NULL};
    for (size_t i = 0; i < stream->count; i++) {
        struct note *note = &stream->notes[i];
        struct note *before = last[note->pitch & 127];
        if (before && note_end(before) > note->onset)
            before->duration = note->onset - before->onset;
        last[note->pitch & 127] = note;
    }
}

/** Writes the notes of the hour that ends at `to`, or in which it lies. */
static int write_hour(struct soak_stream *stream, int64_t to)
{
    int hour = (int)((to - 1) / HOUR);
    char path[sizeof stream->folder + 32], title[PIECE_TITLE_ROOM];
    snprintf(path, sizeof path, "%s/hour-%02d.mid", stream->folder, hour);
    snprintf(title, sizeof title, "Fermata: %s, by %s, seed %" PRIu64 ", hour %d",
             stream->origin.composer, stream->origin.net, stream->origin.seed, hour + 1);
    part_notes(stream);
    FILE *out = fopen(path, "we");
    int r =
        out ? midi_file_write(out, stream->notes, stream->count, to - hour * HOUR, title) : -errno;
    if (out && fclose(out) != 0 && r == 0)
        r = -EIO;
    if (r < 0)
        log_error("cannot write %s: %s", path, strerror(r == -EIO ? errno : -r));
    stream->count = 0;
    return r;
}

/** The music up to `to` is there, and what of it is not measured yet, a minute or less, is. */
static int measure(struct soak_stream *stream, int64_t to)
{
    int64_t from = stream->figures.length;
    struct gauge_reading reading;
    gauge_read(stream->gauge, to, &reading);
    count_reading(stream, &reading, from, to);
    int r = write_reading(stream, &reading, from, to);
    if (r == 0)
        r = keep_notes(stream, from, to);
    if (r == 0 && to % HOUR == 0)
        r = write_hour(stream, to);
    return r;
}

int soak_stream_take(struct soak_stream *stream)
{
    int64_t until = score_horizon(stream->score) - BEHIND_US;
    if (until > stream->length)
        until = stream->length;
    int r = 0;
    while (r == 0) {
        int64_t minute = stream->figures.length + MINUTE;
        struct score_event event;
        while (score_take(stream->score, until < minute ? until : minute, &event))
            gauge_hear(stream->gauge, &event);
        if (until < minute)
            break;
        r = measure(stream, minute);
    }
    return r;
}

int soak_stream_end(struct soak_stream *stream)
{
    int r = 0;
    int64_t position = soak_stream_position(stream);
    if (stream->ended)
        return 0;
    stream->ended = true;
    if (position > stream->figures.length)
        r = measure(stream, position);
    if (r == 0 && position % HOUR)
        r = write_hour(stream, position);
    return r;
}
