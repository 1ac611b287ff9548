// SPDX-License-Identifier: MIT
#include "control/printout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/picture.h"
#include "client/whole_file.h"
#include "control/piece.h"
#include "log.h"
#include "music/midi_file.h"

struct form {
    const char *ending;
    int (*write)(FILE *out, const struct piece *piece, const struct wav_file_sound *sound);
    int64_t longest; ///< microseconds
};

struct printout {
    const struct form *form;
    char *path;
    FILE *out;
    struct whole_file file; ///< not open for standard output
};

static int write_midi(FILE *out, const struct piece *piece, const struct wav_file_sound *sound)
{
    char title[PIECE_TITLE_ROOM];
    piece_title(piece, title);
    return midi_file_write(out, piece->notes, piece->count, piece->length, title);
}

static int write_wav(FILE *out, const struct piece *piece, const struct wav_file_sound *sound)
{
    return wav_file_write(out, piece->notes, piece->count, piece->length, sound);
}

static int write_lines(FILE *out, const struct piece *piece, const struct wav_file_sound *sound)
{
    return piece_write_lines(piece, out);
}

static double in_seconds(int64_t us)
{
    return (double)us / NOTE_SECOND;
}

static int write_png(FILE *out, const struct piece *piece, const struct wav_file_sound *sound)
{
    struct roll roll = {
        .notes = calloc(piece->count + 1, sizeof *roll.notes),
        .marks = calloc(piece->mark_count + 1, sizeof *roll.marks),
        .note_count = piece->count,
        .mark_count = piece->mark_count,
    };
    int r = -ENOMEM;
    if (roll.notes && roll.marks) {
        for (size_t i = 0; i < piece->count; i++) {
            const struct note *note = &piece->notes[i];
            roll.notes[i] = (struct roll_note){in_seconds(note->onset), in_seconds(note_end(note)),
                                               note->pitch, note->velocity};
        }
        for (size_t i = 0; i < piece->mark_count; i++) {
            struct roll_mark *mark = &roll.marks[i];
            mark->at = in_seconds(piece->marks[i].time);
            snprintf(mark->event, sizeof mark->event, "%s", piece->marks[i].event);
            snprintf(mark->text, sizeof mark->text, "%s", piece->marks[i].text);
        }
        char title[PIECE_TITLE_ROOM];
        piece_title(piece, title);
        struct picture picture = {.title = title, .from = 0, .to = in_seconds(piece->length)};
        r = picture_write_to(&picture, &roll, out);
    }
    roll_finish(&roll);
    return r;
}

static const struct form forms[] = {
    {".mid", write_midi, INT64_MAX},       {".midi", write_midi, INT64_MAX},
    {".wav", write_wav, WAV_FILE_LONGEST}, {".png", write_png, INT64_MAX},
    {".jsonl", write_lines, INT64_MAX},
};
static const struct form lines = {"", write_lines, INT64_MAX};

static const struct form *find_form(const char *path)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t ending = strlen(forms[i].ending);
        if (length > ending && !strcasecmp(path + length - ending, forms[i].ending))
            return &forms[i];
    }
    return NULL;
}

static int open_part(struct printout *printout)
{
    int r = whole_file_open(&printout->file, printout->path);
    printout->out = printout->file.out;
    if (r == -EISDIR)
        log_error("cannot write %s: it is there and is no file; give another name", printout->path);
    else if (r < 0)
        log_error(
            "cannot write %s: %s; give a name in a folder that is there and may be written to",
            printout->path, strerror(-r));
    return r;
}

int printout_new(const char *path, int64_t length, struct printout **ret_printout)
{
    bool standard = !strcmp(path, "-");
    const struct form *form = standard ? &lines : find_form(path);
    if (!form) {
        log_error("cannot tell from the name %s what to write; it must end in .mid, .wav, .png or "
                  ".jsonl",
                  path);
        return -EINVAL;
    }
    if (length > form->longest) {
        log_error("%s: no %s file can hold more than %d minutes; compose less, or to .mid", path,
                  form->ending, (int)(form->longest / NOTE_SECOND / 60));
        return -EINVAL;
    }
    struct printout *printout = calloc(1, sizeof *printout);
    if (!printout)
        return -ENOMEM;
    printout->form = form;
    printout->path = strdup(path);
    int r = printout->path ? 0 : -ENOMEM;
    if (standard)
        printout->out = stdout;
    else if (r == 0)
        r = open_part(printout);
    if (r < 0) {
        printout_free(printout);
        return r;
    }
    *ret_printout = printout;
    return 0;
}

void printout_free(struct printout *printout)
{
    if (!printout)
        return;
    whole_file_close(&printout->file, -ECANCELED);
    free(printout->path);
    free(printout);
}

const char *printout_path(const struct printout *printout)
{
    return printout->path;
}

bool printout_is_same(const struct printout *a, const struct printout *b)
{
    return a->file.path && b->file.path ? !strcmp(a->file.path, b->file.path)
                                        : !strcmp(a->path, b->path);
}

int printout_stem(const struct printout *printout)
{
    return (int)(strlen(printout->path) - strlen(printout->form->ending));
}

bool printout_has_sound(const struct printout *printout)
{
    return printout->form->write == write_wav;
}

int printout_write(struct printout *printout, const struct piece *piece,
                   const struct wav_file_sound *sound)
{
    int r = printout->form->write(printout->out, piece, sound);
    if (r == 0)
        r = whole_file_close(&printout->file, 0);
    if (r < 0)
        log_error("cannot write %s: %s", printout->path, strerror(r == -EIO && errno ? errno : -r));
    return r;
}

bool printout_has_form(const char *ending)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcasecmp(ending, forms[i].ending))
            return true;
    return false;
}

int printout_write_to(const char *ending, FILE *out, const struct piece *piece,
                      const struct wav_file_sound *sound)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcasecmp(ending, forms[i].ending))
            return forms[i].write(out, piece, sound);
    return -EINVAL;
}
