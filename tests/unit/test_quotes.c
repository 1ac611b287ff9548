// SPDX-License-Identifier: MIT
// The guard against copies: it tells lines, runs and their places as models/quotes.py does, and how
// long a passage is quoted.
#include "music/quotes.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "music/curator.h"
#include "music/disguise.h"
#include "music/echo.h"
#include "nets/safetensors.h"

#define MS (NOTE_SECOND / 1000)

static const struct safetensors_tensor *find(const struct safetensors *file, const char *name)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    assert_non_null(tensor);
    return tensor;
}

static void agrees_with_python_bit_for_bit(void **state)
{
    struct safetensors *file;
    assert_int_equal(safetensors_new(TESTS_DATA "/golden-quotes.safetensors", &file), 0);
    const struct safetensors_tensor *pitch = find(file, "pitch"), *onset = find(file, "onset"),
                                    *run = find(file, "run"), *had = find(file, "had"),
                                    *filter = find(file, "filter");
    size_t count = pitch->size, runs = had->size;
    assert_in_range(count, 2000, 4000);
    assert_int_equal(onset->size, count * 8);
    assert_int_equal(runs, count - LINE_RUN + 1);
    assert_int_equal(run->size, runs * 8);
    struct note *notes = calloc(count, sizeof *notes);
    assert_non_null(notes);
    for (size_t i = 0; i < count; i++) {
        memcpy(&notes[i].onset, (const uint8_t *)onset->data + i * 8, 8);
        notes[i].pitch = ((const uint8_t *)pitch->data)[i];
        notes[i].duration = MS;
    }

    struct echo *echo;
    struct echo_line line;
    struct quotes *quotes;
    const char *hashes = safetensors_metadata(file, "hashes");
    assert_int_equal(echo_new(&echo), 0);
    assert_int_equal(quotes_new(filter->data, filter->size, (unsigned)atoi(hashes), "{}", &quotes),
                     0);
    echo_follow(echo, 0, notes, count, &line);
    assert_int_equal(line.count, count);
    size_t held = 0;
    for (size_t i = 0; i < runs; i++) {
        uint64_t expected;
        memcpy(&expected, (const uint8_t *)run->data + i * 8, 8);
        assert_true(line_run(line.pitch + i) == expected);
        assert_int_equal(quotes_have(quotes, expected), ((const uint8_t *)had->data)[i]);
        held += quotes_have(quotes, expected);
    }
    // Of a draft's own runs those count that have a neighbour, in it or before it.
    line.fresh = 1000;
    size_t expected = 0, of = 0;
    for (size_t last = line.fresh, i = last - LINE_RUN + 1; last < line.count; last++, i++) {
        const uint8_t *has = had->data;
        expected += has[i] && (has[i - 1] || (i + 1 < runs && has[i + 1]));
    }
    assert_in_range(expected, 20, runs / 8);
    assert_int_equal(quotes_count(quotes, &line, &of), expected);
    assert_int_equal(of, count - 1000);
    // Half of them, and of the others a few in a hundred.
    assert_in_range(held, runs / 2, runs / 2 + runs / 20);
    quotes_free(quotes);
    echo_free(echo);
    free(notes);
    safetensors_free(file);
}

/** Music that is nobody's: each seed its own. */
static void melody(uint8_t *pitch, size_t count, unsigned seed)
{
    srand(seed);
    for (size_t i = 0; i < count; i++)
        pitch[i] = (uint8_t)(40 + rand() % 40);
}

#define BYTES 4096
#define HASHES 3

/** Has the filter hold the runs of these pitches, as a builder would: it is asked bit by bit. */
static struct quotes *quotes_of(const uint8_t *pitch, size_t count)
{
    static uint8_t filter[BYTES];
    memset(filter, 0, sizeof filter);
    for (size_t i = 0; i + LINE_RUN <= count; i++) {
        uint64_t run = line_run(pitch + i);
        uint64_t x[2] = {run, run + UINT64_C(0x9e3779b97f4a7c15)};
        for (int k = 0; k < 2; k++) {
            x[k] = (x[k] ^ (x[k] >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
            x[k] = (x[k] ^ (x[k] >> 27)) * UINT64_C(0x94d049bb133111eb);
            x[k] ^= x[k] >> 31;
        }
        for (unsigned k = 0; k < HASHES; k++) {
            uint64_t bit = (((x[0] + k * (x[1] | 1)) >> 32) * BYTES * 8) >> 32;
            filter[bit / 8] |= (uint8_t)(1 << bit % 8);
        }
    }
    struct quotes *quotes;
    assert_int_equal(quotes_new(filter, BYTES, HASHES, "{\"any\": {}}", &quotes), 0);
    return quotes;
}

static void measures_a_quotation_to_the_note(void **state)
{
    uint8_t source[200];
    struct echo_line line = {.fresh = 0};
    melody(source, 200, 1);
    struct quotes *quotes = quotes_of(source, 200);
    melody(line.pitch, 150, 2);
    line.count = 150;
    assert_int_equal(quotes_longest(quotes, &line), 0);
    // 40 notes of it, a fourth lower, among music that is none.
    for (size_t i = 0; i < 40; i++)
        line.pitch[60 + i] = source[100 + i] - 5;
    assert_int_equal(quotes_longest(quotes, &line), 40);
    // The draft is behind it; begins with its last note; holds its middle.
    line.fresh = 100;
    assert_int_equal(quotes_longest(quotes, &line), 0);
    line.fresh = 99;
    assert_int_equal(quotes_longest(quotes, &line), 40);
    line.fresh = 80;
    line.count = 90;
    assert_int_equal(quotes_longest(quotes, &line), 30);
    // Too short for a run.
    line.count = 11;
    line.fresh = 0;
    assert_int_equal(quotes_longest(quotes, &line), 0);
    quotes_free(quotes);
}

static void the_first_note_too_many_is_found(void **state)
{
    uint8_t source[200];
    struct echo_line line = {.fresh = 0, .count = 150};
    melody(source, 200, 1);
    struct quotes *quotes = quotes_of(source, 200);
    melody(line.pitch, 150, 2);
    memcpy(line.pitch + 60, source + 100, 40);
    assert_int_equal(quotes_first_beyond(quotes, &line, 40), line.count);
    assert_int_equal(quotes_first_beyond(quotes, &line, 20), 80);
    line.fresh = 90;
    assert_int_equal(quotes_first_beyond(quotes, &line, 20), 90);
    quotes_free(quotes);
}

/** A draft that quotes, and begins to do so before its first note, is told otherwise. */
static void what_has_to_be_played_is_disguised(void **state)
{
    enum { BEFORE = 30, NOTES = 60 };
    uint8_t source[200];
    struct note notes[BEFORE + NOTES], *draft = notes + BEFORE;
    struct curator curator;
    struct echo *echo;
    struct echo_line line;
    melody(source, 200, 1);
    struct quotes *quotes = quotes_of(source, 200);
    for (size_t i = 0; i < BEFORE + NOTES; i++) // every third one a chord with the next
        notes[i] = (struct note){(int64_t)(i - i % 3 / 2) * 100 * MS, 90 * MS, source[50 + i], 64};
    for (size_t i = 0; i + 2 < BEFORE + NOTES; i += 3)
        line_sort(notes + i + 1, 2);
    assert_int_equal(echo_new(&echo), 0);
    curator_init(&curator, &curator_any_bounds, 0);
    curator_set_echo(&curator, echo);
    assert_int_equal(disguise_passages(&curator, 0, notes, BEFORE), 0); // nothing is known
    curator_set_quotes(&curator, quotes, "bach");
    const size_t most = curator_quoted_most(&curator);
    assert_in_range(most, 16, 40);
    curator_keep(&curator, notes, BEFORE, 0, draft[0].onset);

    struct note before[NOTES];
    memcpy(before, draft, sizeof before);
    echo_follow(echo, draft[0].onset, draft, NOTES, &line);
    // Chords are told from low to high: what the source is only in parts is made whole.
    struct quotes *sorted = quotes_of(line.pitch, line.count);
    curator_set_quotes(&curator, sorted, "bach");
    assert_int_equal(quotes_longest(sorted, &line), line.count);
    size_t moved = disguise_passages(&curator, draft[0].onset, draft, NOTES), differ = 0;
    echo_follow(echo, draft[0].onset, draft, NOTES, &line);
    assert_in_range(quotes_longest(sorted, &line), LINE_RUN, most);
    for (size_t i = 0; i < NOTES; i++) {
        assert_true(draft[i].onset == before[i].onset && draft[i].velocity == before[i].velocity);
        assert_int_equal(draft[i].pitch % 12, before[i].pitch % 12);
        differ += draft[i].pitch != before[i].pitch;
    }
    assert_in_range(moved, 1, NOTES / 4);
    assert_int_equal(differ, moved);
    assert_int_equal(disguise_passages(&curator, draft[0].onset, draft, NOTES), 0);
    quotes_free(quotes);
    quotes_free(sorted);
    echo_free(echo);
}

static void a_trill_is_no_long_quotation(void **state)
{
    uint8_t source[60];
    struct echo_line line = {.count = 300};
    for (size_t i = 0; i < 60; i++)
        source[i] = (uint8_t)(70 + i % 2 * 2);
    struct quotes *quotes = quotes_of(source, 60);
    for (size_t i = 0; i < 300; i++)
        line.pitch[i] = (uint8_t)(60 + i % 2 * 2);
    // Two runs, one up and one down.
    assert_int_equal(quotes_longest(quotes, &line), LINE_RUN + 1);
    quotes_free(quotes);
}

static void refuses_what_is_no_filter(void **state)
{
    struct quotes *quotes = NULL;
    uint8_t byte = 255;
    assert_int_equal(quotes_new(&byte, 0, 4, "{}", &quotes), -EBADMSG);
    assert_int_equal(quotes_new(&byte, 1, 0, "{}", &quotes), -EBADMSG);
    assert_int_equal(quotes_new(&byte, 1, 17, "{}", &quotes), -EBADMSG);
    assert_null(quotes);
    assert_int_equal(quotes_new(&byte, 1, 4, "{\"a\": 1}", &quotes), 0);
    assert_true(quotes_have(quotes, 7));
    assert_string_equal(quotes_reference(quotes), "{\"a\": 1}");
    quotes_free(quotes);
    quotes_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_python_bit_for_bit),
        cmocka_unit_test(measures_a_quotation_to_the_note),
        cmocka_unit_test(the_first_note_too_many_is_found),
        cmocka_unit_test(what_has_to_be_played_is_disguised),
        cmocka_unit_test(a_trill_is_no_long_quotation),
        cmocka_unit_test(refuses_what_is_no_filter),
    };
    return cmocka_run_group_tests_name("quotes", tests, NULL, NULL);
}
