// SPDX-License-Identifier: MIT
// What the curator says of music that is there already:
//
//     curate QUOTES WEIGHTS COMPOSER [copies-allowed] < NOTES
//
// NOTES has a line ONSET DURATION PITCH for each note, in microseconds and in order of onset. It is
// cut into drafts of four seconds, each judged and, whatever the verdict, kept. Prints as JSON how
// many drafts there were, how many each verdict got, and the second at which the first of them
// began. QUOTES and WEIGHTS may be "-". models/refusals.py runs it.
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "music/curator.h"
#include "music/echo.h"
#include "music/quotes.h"
#include "nets/safetensors.h"

#define DRAFT (4 * NOTE_SECOND)

static struct note *read_notes(size_t *ret_count)
{
    size_t room = 0, count = 0;
    struct note *notes = NULL;
    struct note note = {.velocity = 64};
    unsigned pitch;
    while (scanf("%" SCNd64 " %" SCNd64 " %u", &note.onset, &note.duration, &pitch) == 3) {
        if (count == room) {
            room = room ? 2 * room : 4096;
            struct note *more = realloc(notes, room * sizeof *notes);
            if (!more)
                break;
            notes = more;
        }
        note.pitch = (uint8_t)(pitch & 127);
        notes[count++] = note;
    }
    *ret_count = count;
    return notes;
}

/** With `allowed`, its reference with a filter that holds nothing. */
static struct quotes *read_quotes(const char *path, bool allowed)
{
    static const uint8_t nothing[1] = {0};
    struct safetensors *file;
    struct quotes *quotes = NULL;
    if (!strcmp(path, "-") || safetensors_new(path, &file) < 0)
        return NULL;
    const struct safetensors_tensor *filter = safetensors_find(file, "filter");
    const char *hashes = safetensors_metadata(file, "hashes");
    const char *reference = safetensors_metadata(file, "reference");
    if (filter && hashes && reference)
        quotes_new(allowed ? nothing : filter->data, allowed ? sizeof nothing : filter->size,
                   (unsigned)strtoul(hashes, NULL, 10), reference, &quotes);
    safetensors_free(file);
    return quotes;
}

static void read_bounds(const char *path, const char *composer, struct curator_bounds *bounds)
{
    struct safetensors *file;
    if (!strcmp(path, "-") || safetensors_new(path, &file) < 0)
        return;
    const char *stats = safetensors_metadata(file, "stats");
    if (stats)
        curator_bounds_parse(stats, composer, bounds);
    safetensors_free(file);
}

static void print_counts(const char *name, const int64_t *values, int64_t scale)
{
    printf(", \"%s\": {", name);
    for (int i = 0; i < CURATOR_VERDICTS; i++)
        printf("%s\"%s\": %" PRId64, i ? ", " : "", curator_verdict_name((enum curator_verdict)i),
               values[i] < 0 ? -1 : values[i] / scale);
    printf("}");
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: curate QUOTES WEIGHTS COMPOSER [copies-allowed] < NOTES\n");
        return 2;
    }
    struct curator_bounds bounds = curator_any_bounds;
    struct curator curator;
    struct echo *echo;
    size_t count;
    struct note *notes = read_notes(&count);
    struct quotes *quotes = read_quotes(argv[1], argc == 5);
    if (count == 0 || echo_new(&echo) < 0) {
        fprintf(stderr, "no notes, or no memory\n");
        free(notes);
        return 1;
    }
    read_bounds(argv[2], argv[3], &bounds);
    curator_init(&curator, &bounds, 0);
    curator_set_echo(&curator, echo);
    curator_set_quotes(&curator, quotes, argv[3]);

    int64_t verdicts[CURATOR_VERDICTS] = {0}, firsts[CURATOR_VERDICTS], drafts = 0;
    memset(firsts, -1, sizeof firsts);
    for (size_t first = 0; first < count; drafts++) {
        int64_t from = drafts * DRAFT;
        size_t behind = first;
        while (behind < count && notes[behind].onset < from + DRAFT)
            behind++;
        enum curator_verdict verdict =
            curator_judge(&curator, notes + first, behind - first, from, from + DRAFT, NULL);
        if (verdicts[verdict]++ == 0)
            firsts[verdict] = from;
        curator_keep(&curator, notes + first, behind - first, from, from + DRAFT);
        first = behind;
    }
    printf("{\"drafts\": %" PRId64, drafts);
    print_counts("verdicts", verdicts, 1);
    print_counts("first", firsts, NOTE_SECOND);
    printf("}\n");
    quotes_free(quotes);
    echo_free(echo);
    free(notes);
    return 0;
}
