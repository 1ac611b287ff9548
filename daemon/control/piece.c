// SPDX-License-Identifier: MIT
#include "control/piece.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/json.h"
#include "music/score.h"

#define MS (NOTE_SECOND / 1000)

void piece_init(struct piece *piece, const struct piece_origin *origin, int64_t length)
{
    *piece = (struct piece){.origin = *origin, .length = length};
}

void piece_finish(struct piece *piece)
{
    free(piece->notes);
    free(piece->marks);
    *piece = (struct piece){0};
}

/** Makes room for one more. */
static int grow(void **array, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return 0;
    size_t more = *room ? 2 * *room : 256;
    void *larger = realloc(*array, more * size);
    if (!larger)
        return -ENOMEM;
    *array = larger;
    *room = more;
    return 0;
}

static int take(struct piece *piece, const struct score_event *event)
{
    size_t last = piece->last[event->pitch & 127];
    if (event->velocity == 0) {
        // The score knows when a key is let go, whatever was thought when it was struck.
        if (last && event->time > piece->notes[last - 1].onset)
            piece->notes[last - 1].duration = event->time - piece->notes[last - 1].onset;
        return 0;
    }
    if (grow((void **)&piece->notes, piece->count, &piece->room, sizeof *piece->notes) < 0)
        return -ENOMEM;
    piece->notes[piece->count++] = (struct note){
        .onset = event->time,
        .duration = event->duration ? event->duration : SCORE_LONGEST_NOTE,
        .pitch = event->pitch,
        .velocity = event->velocity,
    };
    piece->last[event->pitch & 127] = piece->count;
    return 0;
}

int piece_take(struct piece *piece, struct score *score, int64_t until)
{
    struct score_event event;
    int r = piece->short_of_memory ? -ENOMEM : 0;
    while (r == 0 && score_take(score, until < piece->length ? until : piece->length, &event))
        r = take(piece, &event);
    return r;
}

int piece_take_past(struct piece *piece, struct score *score, int64_t from, int64_t to)
{
    free(piece->notes);
    piece->room = SCORE_PAST;
    piece->count = 0;
    piece->notes = malloc(piece->room * sizeof *piece->notes);
    if (!piece->notes)
        return -ENOMEM;
    piece->length = to - from;
    piece->count = score_copy_sounding(score, from, to, piece->notes, piece->room);
    size_t last[128] = {0};
    for (size_t i = 0; i < piece->count; i++) {
        struct note *note = &piece->notes[i];
        int64_t end = note->duration == NOTE_OPEN || note_end(note) > to ? to : note_end(note);
        note->onset = note->onset < from ? 0 : note->onset - from;
        note->duration = end - from - note->onset;
        if (last[note->pitch]) {
            struct note *before = &piece->notes[last[note->pitch] - 1];
            if (note_end(before) > note->onset && before->onset < note->onset)
                before->duration = note->onset - before->onset;
        }
        last[note->pitch] = i + 1;
    }
    return 0;
}

void piece_add_mark(struct piece *piece, const char *event, int64_t time, const char *text,
                    const char *title)
{
    if (time >= piece->length)
        return;
    if (grow((void **)&piece->marks, piece->mark_count, &piece->mark_room, sizeof *piece->marks) <
        0) {
        piece->short_of_memory = true;
        return;
    }
    struct piece_mark *mark = &piece->marks[piece->mark_count++];
    *mark = (struct piece_mark){time, event, text ? text : "", ""};
    snprintf(mark->title, sizeof mark->title, "%s", title ? title : "");
}

void piece_cut(struct piece *piece, int64_t length)
{
    if (length < piece->length)
        piece->length = length;
    while (piece->count && piece->notes[piece->count - 1].onset >= piece->length)
        piece->count--;
    while (piece->mark_count && piece->marks[piece->mark_count - 1].time >= piece->length)
        piece->mark_count--;
}

void piece_title(const struct piece *piece, char ret_title[PIECE_TITLE_ROOM])
{
    snprintf(ret_title, PIECE_TITLE_ROOM, "Fermata: %s, by %s, seed %" PRIu64,
             piece->origin.composer, piece->origin.net, piece->origin.seed);
}

static int64_t in_ms(int64_t us)
{
    return (us + MS / 2) / MS;
}

static void write_origin(const struct piece *piece, FILE *out)
{
    const struct piece_origin *origin = &piece->origin;
    const struct {
        const char *key, *text;
    } texts[] = {
        {"version", FERMATA_VERSION},   {"device", origin->device},
        {"net", origin->net},           {"licence", origin->licence},
        {"composer", origin->composer}, {"sampling", origin->sampling},
        {"profile", origin->profile},
    };
    fputs("{\"event\":\"composed\",\"time\":0", out);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fprintf(out, ",\"%s\":", texts[i].key);
        json_write_text(out, texts[i].text);
    }
    fprintf(out, ",\"threshold\":%g,\"curator\":%s,\"seed\":%" PRIu64 ",\"seconds\":%.3f}\n",
            origin->threshold, origin->curator ? "true" : "false", origin->seed,
            (double)in_ms(piece->length) / 1000);
}

static void write_mark(const struct piece_mark *mark, FILE *out)
{
    fprintf(out, "{\"event\":\"%s\",\"time\":%.3f,\"text\":\"%s\"", mark->event,
            (double)in_ms(mark->time) / 1000, mark->text);
    if (*mark->title) {
        fputs(",\"title\":", out);
        json_write_text(out, mark->title);
    }
    fputs("}\n", out);
}

int piece_write_lines(const struct piece *piece, FILE *out)
{
    write_origin(piece, out);
    size_t next = 0;
    for (size_t i = 0; i <= piece->count; i++) {
        int64_t onset = i < piece->count ? piece->notes[i].onset : piece->length;
        for (; next < piece->mark_count && piece->marks[next].time <= onset; next++)
            write_mark(&piece->marks[next], out);
        if (i == piece->count)
            break;
        int64_t duration = in_ms(piece->notes[i].duration);
        fprintf(out,
                "{\"event\":\"on\",\"time\":%.3f,\"pitch\":%u,\"velocity\":%u,"
                "\"duration\":%.3f}\n",
                (double)in_ms(onset) / 1000, piece->notes[i].pitch, piece->notes[i].velocity,
                (double)(duration > 0 ? duration : 1) / 1000);
    }
    return fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
}
