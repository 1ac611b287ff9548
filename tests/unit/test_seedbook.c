// SPDX-License-Identifier: MIT
// The book of seeds: what it reads, and that a hostile file is refused and named.
#include "music/seedbook.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/** Reads a book out of `length` bytes. */
static int read_bytes(const char *bytes, size_t length, struct seedbook **ret_book)
{
    char path[] = "/tmp/fermata-seeds-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
    int rc = seedbook_new(path, ret_book);
    unlink(path);
    return rc;
}

static int read_text(const char *text, struct seedbook **ret_book)
{
    return read_bytes(text, strlen(text), ret_book);
}

static const char good[] = "# Human seeds\n"
                           "\n"
                           "phrase bach Prelude in C, BWV 846\n"
                           "0 500 60 72\n"
                           "  # in the midst\n"
                           "250\t1000  64 \t 70 \n"
                           "\n"
                           "\n"
                           "phrase chopin\n"
                           "900 100 62 1\r\n"
                           "400 2000 61 127\n"
                           "400 50 50 60\n"
                           "phrase bach  Aria \n"
                           "0 1 0 1";

static void reads_phrases(void **state)
{
    struct seedbook *book;
    assert_int_equal(read_text(good, &book), 0);
    assert_int_equal(seedbook_count(book, "bach"), 2);
    assert_int_equal(seedbook_count(book, "chopin"), 1);
    assert_int_equal(seedbook_count(book, "satie"), 0);

    const struct phrase *phrase = seedbook_phrase(book, "bach", 0);
    assert_string_equal(phrase->composer, "bach");
    assert_string_equal(phrase->source, "Prelude in C, BWV 846");
    assert_int_equal(phrase->count, 2);
    assert_int_equal(phrase->length, 1250000);
    assert_int_equal(phrase->notes[1].onset, 250000);
    assert_int_equal(phrase->notes[1].duration, 1000000);
    assert_int_equal(phrase->notes[1].pitch, 64);
    assert_int_equal(phrase->notes[1].velocity, 70);
    seedbook_free(book);
}

static void sorts_and_begins_at_zero(void **state)
{
    struct seedbook *book;
    assert_int_equal(read_text(good, &book), 0);
    const struct phrase *phrase = seedbook_phrase(book, "chopin", 0);
    assert_string_equal(phrase->source, "");
    assert_int_equal(phrase->count, 3);
    assert_int_equal(phrase->notes[0].onset, 0);
    assert_int_equal(phrase->notes[0].pitch, 50);
    assert_int_equal(phrase->notes[1].pitch, 61);
    assert_int_equal(phrase->notes[2].onset, 500000);
    // The longest-sounding note ends it, not the last.
    assert_int_equal(phrase->length, 2000000);
    seedbook_free(book);
}

static void counts_round_and_falls_back(void **state)
{
    struct seedbook *book;
    assert_int_equal(read_text(good, &book), 0);
    assert_ptr_equal(seedbook_phrase(book, "bach", 7), seedbook_phrase(book, "bach", 1));
    assert_ptr_not_equal(seedbook_phrase(book, "bach", 7), seedbook_phrase(book, "bach", 0));
    assert_string_equal(seedbook_phrase(book, "bach", UINT64_MAX)->source, "Aria ");
    // Another composer's phrase is better than silence.
    assert_string_equal(seedbook_phrase(book, "satie", 1)->composer, "chopin");
    assert_ptr_equal(seedbook_phrase(book, "satie", 3), seedbook_phrase(book, "satie", 0));
    seedbook_free(book);
    seedbook_free(NULL);
}

static void says_whose_it_is(void **state)
{
    struct seedbook *book;
    assert_int_equal(read_text(good, &book), 0);
    const char *const *composers = seedbook_composers(book);
    assert_string_equal(composers[0], "bach");
    assert_string_equal(composers[1], "chopin");
    assert_null(composers[2]);
    assert_string_equal(seedbook_licence(book), "");
    seedbook_free(book);
    assert_int_equal(read_text("# Licence: CC BY-SA 4.0\n# Licence: MIT\n", &book), 0);
    assert_null(seedbook_composers(book)[0]);
    assert_string_equal(seedbook_licence(book), "CC BY-SA 4.0");
    seedbook_free(book);
}

static void an_empty_book_has_no_phrase(void **state)
{
    struct seedbook *book;
    assert_int_equal(read_text("", &book), 0);
    assert_null(seedbook_phrase(book, "bach", 0));
    assert_int_equal(seedbook_count(book, "bach"), 0);
    seedbook_free(book);
    assert_int_equal(read_text("# nothing\n\n\n", &book), 0);
    assert_null(seedbook_phrase(book, "bach", 5));
    seedbook_free(book);
}

static void refuses_hostile_books(void **state)
{
    static const char *const hostile[] = {
        "0 500 60 72\n",
        "phrase\n0 500 60 72\n",
        "phrase   \n0 500 60 72\n",
        "phrases bach\n0 500 60 72\n",
        "phrase bach\n\n",
        "phrase bach\nphrase chopin\n0 1 1 1\n",
        "phrase bach",
        "phrase bach\n0 500 60\n",
        "phrase bach\n0 500 60 72 1\n",
        "phrase bach\n0 500 60 72x\n",
        "phrase bach\n0 500 60 0\n",
        "phrase bach\n0 500 60 128\n",
        "phrase bach\n0 500 128 60\n",
        "phrase bach\n0 500 -1 60\n",
        "phrase bach\n0 0 60 60\n",
        "phrase bach\n0 -5 60 60\n",
        "phrase bach\n-1 500 60 60\n",
        "phrase bach\n0.5 500 60 60\n",
        "phrase bach\n99999999999999999999 500 60 60\n",
        "phrase bach\n0 9223372036854775807 60 60\n",
        "phrase bach\nnan 500 60 60\n",
        "phrase bach\n0 500 60 60\n\n0 500 60 60\n",
    };
    struct seedbook *untouched = (struct seedbook *)&hostile, *book = untouched;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        int rc = read_text(hostile[i], &book);
        if (rc != -EBADMSG)
            print_message("%s\n", hostile[i]);
        assert_int_equal(rc, -EBADMSG);
    }
    static const char zeros[] = "phrase bach\n0 500 \0 60 60\n0 500 60 60\n";
    assert_int_equal(read_bytes(zeros, sizeof zeros - 1, &book), -EBADMSG);
    static char endless[100000];
    memset(endless, ' ', sizeof endless);
    assert_int_equal(read_bytes(endless, sizeof endless, &book), -EBADMSG);
    assert_ptr_equal(book, untouched);
}

static void survives_mangled_books(void **state)
{
    srand(1);
    log_set_level(0);
    for (int i = 0; i < 1000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (int n = 1 + rand() % 4; n > 0; n--)
            text[(size_t)rand() % (sizeof good - 1)] =
                (char)(rand() % 4 ? "\n -9 #p\t0"[rand() % 9] : rand());
        struct seedbook *book;
        if (read_bytes(text, sizeof good - 1, &book) < 0)
            continue;
        for (uint64_t index = 0; index < 4; index++) {
            const struct phrase *phrase = seedbook_phrase(book, "bach", index);
            assert_non_null(phrase);
            assert_true(phrase->count > 0 && phrase->notes[0].onset == 0 && phrase->length > 0);
            for (size_t n = 0; n < phrase->count; n++)
                assert_true(note_end(&phrase->notes[n]) <= phrase->length);
        }
        seedbook_free(book);
    }
    log_set_level(LOG_LEVEL_INFO);
}

static void reads_a_big_book(void **state)
{
    enum { PHRASES = 500, NOTES = 40 };
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    assert_non_null(file);
    for (int phrase = 0; phrase < PHRASES; phrase++) {
        fprintf(file, "phrase composer%d number %d\n", phrase % 3, phrase);
        for (int i = 0; i < NOTES; i++)
            fprintf(file, "%d 100 %d 64\n", i * 100, phrase % 128);
        fprintf(file, "\n");
    }
    fclose(file);
    struct seedbook *book;
    assert_int_equal(read_bytes(text, length, &book), 0);
    free(text);
    assert_int_equal(seedbook_count(book, "composer0"), 167);
    const struct phrase *phrase = seedbook_phrase(book, "composer2", 165);
    assert_string_equal(phrase->source, "number 497");
    assert_int_equal(phrase->count, NOTES);
    assert_int_equal(phrase->notes[NOTES - 1].pitch, 497 % 128);
    seedbook_free(book);
}

static void says_what_cannot_be_opened(void **state)
{
    struct seedbook *book = NULL;
    assert_int_equal(seedbook_new("/nonexistent/seeds.txt", &book), -ENOENT);
    // A folder can be opened but not read.
    assert_true(seedbook_new("/tmp", &book) < 0);
    assert_null(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_phrases),
        cmocka_unit_test(sorts_and_begins_at_zero),
        cmocka_unit_test(counts_round_and_falls_back),
        cmocka_unit_test(says_whose_it_is),
        cmocka_unit_test(an_empty_book_has_no_phrase),
        cmocka_unit_test(refuses_hostile_books),
        cmocka_unit_test(survives_mangled_books),
        cmocka_unit_test(reads_a_big_book),
        cmocka_unit_test(says_what_cannot_be_opened),
    };
    return cmocka_run_group_tests_name("seedbook", tests, NULL, NULL);
}
