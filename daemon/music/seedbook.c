// SPDX-License-Identifier: MIT
#include "music/seedbook.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

// A book of human seeds is some hundred kilobytes. What goes far beyond is some other file.
#define MOST_NOTES ((size_t)1 << 20)
#define LONGEST_LINE 4096
#define LICENCE "# Licence: "
#define LONGEST_PHRASE_MS (10L * 60 * 1000)

/** A phrase while the book is read; its notes may still move. */
struct entry {
    char *composer;
    char *source;
    size_t first;
    size_t count;
};

struct seedbook {
    struct entry *entries;
    struct phrase *phrases;
    size_t count;
    size_t room;
    struct note *notes;
    size_t note_count;
    size_t note_room;
    const char **composers; ///< ends with NULL
    char licence[96];
    bool in_phrase;
};

void seedbook_free(struct seedbook *book)
{
    if (!book)
        return;
    for (size_t i = 0; i < book->count; i++) {
        free(book->entries[i].composer);
        free(book->entries[i].source);
    }
    free(book->composers);
    free(book->entries);
    free(book->phrases);
    free(book->notes);
    free(book);
}

/** Makes room for one more of `size` bytes. */
static int grow(void **array, size_t size, size_t count, size_t *room)
{
    if (count < *room)
        return 0;
    size_t more = *room > 0 ? *room * 2 : 64;
    void *bigger = reallocarray(*array, more, size);
    if (!bigger)
        return -ENOMEM;
    *array = bigger;
    *room = more;
    return 0;
}

static int begin_phrase(struct seedbook *book, char *words, const char **ret_why)
{
    char *source = NULL;
    char *composer = strtok_r(words, " \t", &source);
    if (!composer) {
        *ret_why = "a phrase needs its composer: \"phrase bach Prelude in C\"";
        return -EBADMSG;
    }
    source += strspn(source, " \t");

    if (grow((void **)&book->entries, sizeof book->entries[0], book->count, &book->room) < 0)
        return -ENOMEM;
    struct entry entry = {
        .composer = strdup(composer), .source = strdup(source), .first = book->note_count};
    if (!entry.composer || !entry.source) {
        free(entry.composer);
        free(entry.source);
        return -ENOMEM;
    }
    book->entries[book->count++] = entry;
    book->in_phrase = true;
    return 0;
}

static int end_phrase(struct seedbook *book, const char **ret_why)
{
    if (book->in_phrase && book->entries[book->count - 1].count == 0) {
        *ret_why = "the phrase that ends here has no notes";
        return -EBADMSG;
    }
    book->in_phrase = false;
    return 0;
}

static bool read_number(char **text, long least, long most, long *ret_number)
{
    char *end;
    // What is too big for a long comes back as the biggest, and is beyond any bound.
    long number = strtol(*text, &end, 10);
    if (end == *text || number < least || number > most)
        return false;
    *text = end;
    *ret_number = number;
    return true;
}

static int add_note(struct seedbook *book, char *words, const char **ret_why)
{
    long onset, duration, pitch, velocity;
    if (!book->in_phrase) {
        *ret_why = "a note outside a phrase";
        return -EBADMSG;
    }
    if (!read_number(&words, 0, LONGEST_PHRASE_MS, &onset) ||
        !read_number(&words, 1, LONGEST_PHRASE_MS, &duration) ||
        !read_number(&words, 0, 127, &pitch) || !read_number(&words, 1, 127, &velocity) ||
        words[strspn(words, " \t")] != '\0') {
        *ret_why = "a note is \"<onset ms> <duration ms> <pitch 0-127> <velocity 1-127>\"";
        return -EBADMSG;
    }
    if (book->note_count == MOST_NOTES) {
        *ret_why = "more notes than any book of seeds has";
        return -EBADMSG;
    }
    if (grow((void **)&book->notes, sizeof book->notes[0], book->note_count, &book->note_room) < 0)
        return -ENOMEM;
    book->notes[book->note_count++] = (struct note){
        .onset = onset * (NOTE_SECOND / 1000),
        .duration = duration * (NOTE_SECOND / 1000),
        .pitch = (uint8_t)pitch,
        .velocity = (uint8_t)velocity,
    };
    book->entries[book->count - 1].count++;
    return 0;
}

static int read_line(struct seedbook *book, char *line, const char **ret_why)
{
    line += strspn(line, " \t");
    if (line[0] == '#') {
        if (!strncmp(line, LICENCE, strlen(LICENCE)) && !book->licence[0])
            snprintf(book->licence, sizeof book->licence, "%s", line + strlen(LICENCE));
        return 0;
    }
    if (line[0] == '\0')
        return end_phrase(book, ret_why);
    if (strncmp(line, "phrase", 6) == 0 && strchr(" \t", line[6])) {
        int rc = end_phrase(book, ret_why);
        return rc < 0 ? rc : begin_phrase(book, line + 6, ret_why);
    }
    return add_note(book, line, ret_why);
}

static int read_book(struct seedbook *book, FILE *file, const char *path)
{
    char line[LONGEST_LINE];
    const char *why = NULL;
    size_t number = 0;
    int rc = 0;
    while (rc == 0 && fgets(line, sizeof line, file)) {
        number++;
        // A zero byte hides the newline too, so a binary file stops here.
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        else if (!feof(file)) {
            why = "not a line of text";
            rc = -EBADMSG;
            break;
        }
        if (length > 0 && line[length - 1] == '\r')
            line[--length] = '\0';
        rc = read_line(book, line, &why);
    }
    if (rc == 0 && ferror(file)) {
        log_error("seeds: reading %s failed: %s", path, strerror(errno));
        return -EIO;
    }
    if (rc == 0)
        rc = end_phrase(book, &why);
    if (rc == -EBADMSG)
        log_error("seeds: %s:%zu: %s; install the file again (see models/README.md)", path, number,
                  why);
    return rc;
}

static int compare_notes(const void *a, const void *b)
{
    const struct note *left = a, *right = b;
    if (left->onset != right->onset)
        return left->onset < right->onset ? -1 : 1;
    return (int)left->pitch - (int)right->pitch;
}

/** Sorts each phrase, lets it begin at 0 and makes it public. The notes stay where they are now. */
static int bind_phrases(struct seedbook *book)
{
    book->phrases = calloc(book->count > 0 ? book->count : 1, sizeof book->phrases[0]);
    if (!book->phrases)
        return -ENOMEM;
    for (size_t i = 0; i < book->count; i++) {
        const struct entry *entry = &book->entries[i];
        struct note *notes = book->notes + entry->first;
        qsort(notes, entry->count, sizeof notes[0], compare_notes);
        int64_t begin = notes[0].onset, length = 0;
        for (size_t n = 0; n < entry->count; n++) {
            notes[n].onset -= begin;
            length = note_end(&notes[n]) > length ? note_end(&notes[n]) : length;
        }
        book->phrases[i] = (struct phrase){
            .composer = entry->composer,
            .source = entry->source,
            .notes = notes,
            .count = entry->count,
            .length = length,
        };
    }
    return 0;
}

static int list_composers(struct seedbook *book)
{
    size_t count = 0;
    book->composers = calloc(book->count + 1, sizeof *book->composers);
    if (!book->composers)
        return -ENOMEM;
    for (size_t i = 0; i < book->count; i++) {
        size_t k = 0;
        while (k < count && strcmp(book->composers[k], book->phrases[i].composer) != 0)
            k++;
        if (k == count)
            book->composers[count++] = book->phrases[i].composer;
    }
    return 0;
}

int seedbook_new(const char *path, struct seedbook **ret_book)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        int error = errno;
        log_error("seeds: cannot open %s: %s", path, strerror(error));
        return error == ENOENT || error == ENOMEM ? -error : -ENOENT;
    }
    struct seedbook *book = calloc(1, sizeof *book);
    int rc = book ? read_book(book, file, path) : -ENOMEM;
    if (rc == 0)
        rc = bind_phrases(book);
    if (rc == 0)
        rc = list_composers(book);
    fclose(file);
    if (rc < 0) {
        seedbook_free(book);
        return rc;
    }
    *ret_book = book;
    return 0;
}

const char *const *seedbook_composers(const struct seedbook *book)
{
    return book->composers;
}

const char *seedbook_licence(const struct seedbook *book)
{
    return book->licence;
}

size_t seedbook_count(const struct seedbook *book, const char *composer)
{
    size_t count = 0;
    for (size_t i = 0; i < book->count; i++)
        count += strcmp(book->phrases[i].composer, composer) == 0;
    return count;
}

const struct phrase *seedbook_phrase(const struct seedbook *book, const char *composer,
                                     uint64_t index)
{
    if (book->count == 0)
        return NULL;
    size_t own = seedbook_count(book, composer);
    if (own == 0)
        return &book->phrases[index % book->count];

    size_t wanted = (size_t)(index % own);
    for (size_t i = 0; i < book->count; i++)
        if (strcmp(book->phrases[i].composer, composer) == 0 && wanted-- == 0)
            return &book->phrases[i];
    return NULL;
}
