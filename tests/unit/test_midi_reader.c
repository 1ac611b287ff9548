// SPDX-License-Identifier: MIT
// What is read of MIDI files by anybody, whole and broken ones.
#include "audio/midi_reader.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "music/midi_file.h"

#define MS 1000
/** A block of the player, a millisecond, which is how it counts, and half of the longest tick. */
#define NEAR_US 7500

// A file of one track of 96 ticks a quarter; at the usual 120 quarters a minute a tick is 5.2 ms.
#define HEAD(tracks) 'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, (tracks) > 1, 0, tracks, 0, 96
#define TRACK(size) 'M', 'T', 'r', 'k', 0, 0, 0, size
#define END 0, 0xff, 0x2f, 0

static struct note *notes;
static size_t count;
static const char *why;

static int read_bytes(const void *bytes, size_t size)
{
    free(notes);
    notes = NULL;
    count = 0;
    why = "";
    return midi_reader_read(bytes, size, &notes, &count, &why);
}

static void assert_note(size_t i, int64_t onset, int64_t duration, int pitch, int velocity)
{
    assert_true(i < count);
    // Times count from the player's first block.
    int64_t begin = notes[0].onset;
    assert_in_range(notes[i].onset - begin - onset + NEAR_US, 0, 2 * NEAR_US);
    assert_in_range(notes[i].duration - duration + NEAR_US, 0, 2 * NEAR_US);
    assert_int_equal(notes[i].pitch, pitch);
    assert_int_equal(notes[i].velocity, velocity);
}

static void test_running_status_tempo_and_pedal(void **state)
{
    static const unsigned char bytes[] = {
        HEAD(1),
        TRACK(57),
        0,
        0x90,
        60,
        70, // a quarter, and then by running status
        96,
        60,
        0, // let go by a velocity of 0
        0,
        62,
        71,
        0,
        0xff,
        0x51,
        3,
        0x0f,
        0x42,
        0x40, // from here a quarter
              // lasts a second
        48,
        0x80,
        62,
        64,
        0,
        0xb0,
        64,
        127, // the pedal holds the next one
        0,
        0x90,
        64,
        72,
        48,
        0x80,
        64,
        64,
        48,
        0xb0,
        64,
        0,
        0,
        0x99,
        40,
        127, // percussion
        48,
        0x89,
        40,
        0,
        0,
        0x91,
        65,
        73, // another channel; never let go
        END,
    };
    assert_int_equal(read_bytes(bytes, sizeof bytes), 0);
    assert_int_equal(count, 4);
    assert_note(0, 0, 500 * MS, 60, 70);
    assert_note(1, 500 * MS, 500 * MS, 62, 71);
    assert_note(2, 1000 * MS, 1000 * MS, 64, 72);
    assert_int_equal(notes[3].pitch, 65);
    assert_true(notes[3].duration == NOTE_OPEN);
}

static void test_tracks_are_merged(void **state)
{
    static const unsigned char bytes[] = {
        HEAD(2),   TRACK(12), 0,    0x90, 60, 70, 96,   0x80, 60, 0,   END,
        TRACK(12), 48,        0x91, 48,   60, 96, 0x81, 48,   0,  END,
    };
    assert_int_equal(read_bytes(bytes, sizeof bytes), 0);
    assert_int_equal(count, 2);
    assert_note(0, 0, 500 * MS, 60, 70);
    assert_note(1, 250 * MS, 500 * MS, 48, 60);
}

static void test_it_reads_what_we_write(void **state)
{
    static struct note written[400];
    for (size_t i = 0; i < 400; i++)
        written[i] = (struct note){(int64_t)i * 137 * MS, 120 * MS, (uint8_t)(21 + i * 7 % 88),
                                   (uint8_t)(1 + i % 127)};
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    assert_int_equal(midi_file_write(out, written, 400, 60 * NOTE_SECOND, "x"), 0);
    fclose(out);
    assert_int_equal(read_bytes(bytes, size), 0);
    assert_int_equal(count, 400);
    for (size_t i = 0; i < count; i++)
        assert_note(i, written[i].onset, written[i].duration, written[i].pitch,
                    written[i].velocity);
    // Cut off anywhere it is refused or read, and what is said is said in words.
    for (size_t cut = 0; cut < size; cut += 37) {
        int r = read_bytes(bytes, cut);
        assert_true(r == 0 || r == -EBADMSG || r == -ENODATA);
        assert_true(r == 0 || strlen(why) > 10);
    }
    free(bytes);
}

static void test_bad_files_are_named(void **state)
{
    static const char text[] = "a page of text, and no music";
    assert_int_equal(read_bytes(text, sizeof text), -EBADMSG);
    assert_non_null(strstr(why, "no MIDI file"));
    assert_int_equal(read_bytes("", 0), -EBADMSG);

    static const unsigned char cut[] = {HEAD(1), TRACK(200), 0, 0x90, 60, 70, 96};
    assert_int_equal(read_bytes(cut, sizeof cut), -EBADMSG);
    assert_non_null(strstr(why, "broken MIDI file: "));

    static const unsigned char lacking[] = {HEAD(3), TRACK(12), 0,  0x90, 40, 99,
                                            9,       0x80,      40, 0,    END};
    assert_int_equal(read_bytes(lacking, sizeof lacking), -EBADMSG);
    assert_non_null(strstr(why, "names 3 tracks and has 1"));

    static const unsigned char silent[] = {HEAD(1), TRACK(12), 0,  0x99, 40, 99,
                                           9,       0x89,      40, 0,    END};
    assert_int_equal(read_bytes(silent, sizeof silent), -ENODATA);
    assert_non_null(strstr(why, "percussion"));

    unsigned char frames[] = {HEAD(1), TRACK(12), 0, 0x90, 40, 99, 9, 0x80, 40, 0, END};
    frames[12] = 0xe8; // 24 frames a second
    assert_int_equal(read_bytes(frames, sizeof frames), -EBADMSG);
    assert_non_null(strstr(why, "SMPTE"));

    // An hour of silence before the note.
    static const unsigned char late[] = {HEAD(1), TRACK(15), 0xaa, 0xbf, 0x40, 0x90, 40,
                                         99,      9,         0x80, 40,   0,    END};
    assert_int_equal(read_bytes(late, sizeof late), -EFBIG);
    assert_non_null(strstr(why, "longer than 15 minutes"));

    void *large = calloc(1, MIDI_READER_BYTES + 1);
    memcpy(large, silent, sizeof silent);
    assert_int_equal(read_bytes(large, MIDI_READER_BYTES + 1), -EFBIG);
    assert_non_null(strstr(why, "1 MiB"));
    assert_int_equal(read_bytes(large, MIDI_READER_BYTES), -ENODATA);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_running_status_tempo_and_pedal),
        cmocka_unit_test(test_tracks_are_merged),
        cmocka_unit_test(test_it_reads_what_we_write),
        cmocka_unit_test(test_bad_files_are_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(notes);
    return failed;
}
