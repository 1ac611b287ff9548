// SPDX-License-Identifier: MIT
// The bytes of a Standard MIDI File; test_compose.py has mido read larger ones.
#include "music/midi_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000

static size_t write_file(const struct note *notes, size_t count, int64_t length, const char *title,
                         unsigned char **ret_bytes)
{
    size_t size = 0;
    FILE *out = open_memstream((char **)ret_bytes, &size);
    assert_int_equal(midi_file_write(out, notes, count, length, title), 0);
    fclose(out);
    return size;
}

static void test_the_bytes(void **state)
{
    // A key struck again at the very time it is let go; a delta of two bytes; one too short to see.
    static const struct note notes[] = {
        {0, 300 * MS, 60, 72}, {300 * MS, 200 * MS, 60, 1}, {300 * MS, 10, 64, 127}};
    static const unsigned char expected[] = {
        'M',  'T',  'h',  'd',  0,    0,    0,    6,  0,    0,    0,    1,    0x01, 0xf4,
        'M',  'T',  'r',  'k',  0,    0,    0,    47, 0,    0xff, 0x03, 2,    'h',  'i',
        0,    0xff, 0x51, 3,    0x07, 0xa1, 0x20, 0,  0xc0, 0,    0,    0x90, 60,   72,
        0x82, 0x2c, 0x80, 60,   64,   0,    0x90, 60, 1,    0,    0x90, 64,   127,  1,
        0x80, 64,   64,   0x81, 0x47, 0x80, 60,   64, 0x83, 0x74, 0xff, 0x2f, 0};
    unsigned char *bytes = NULL;
    size_t size = write_file(notes, 3, 1000 * MS, "hi", &bytes);
    assert_int_equal(size, sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    free(bytes);
}

static void test_no_notes_and_a_long_title(void **state)
{
    char title[200];
    memset(title, 'x', sizeof title);
    memcpy(title + 126, "\xc3\xa9", 2); // an e with an accent over the edge
    title[199] = '\0';
    unsigned char *bytes = NULL;
    size_t size = write_file(NULL, 0, 0, title, &bytes);
    assert_int_equal(bytes[25], 126);
    assert_int_equal(size, 14 + 8 + 4 + 126 + 7 + 3 + 4);
    assert_int_equal(bytes[21], size - 22);
    free(bytes);
}

static void test_a_full_disk_is_an_error(void **state)
{
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(midi_file_write(full, NULL, 0, 0, "x"), -EIO);
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_bytes),
        cmocka_unit_test(test_no_notes_and_a_long_title),
        cmocka_unit_test(test_a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
