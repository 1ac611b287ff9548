// SPDX-License-Identifier: MIT
// The roll: frames to notes and back, at every edge a frame has.
#include "music/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM ((size_t)2 * ROLL_PITCHES)

static void assert_note(const struct note *note, int64_t onset, int64_t duration, int pitch,
                        int velocity)
{
    assert_int_equal(note->onset, onset);
    assert_int_equal(note->duration, duration);
    assert_int_equal(note->pitch, pitch);
    assert_int_equal(note->velocity, velocity);
}

/** One frame with a single cell set. */
static size_t push(struct roll_reader *reader, int pitch, uint8_t cell, struct note *notes)
{
    uint8_t frame[ROLL_PITCHES] = {0};
    frame[pitch] = cell;
    return roll_reader_push(reader, frame, notes, ROOM);
}

static void reads_a_note_open_and_complete(void **state)
{
    struct roll_reader reader;
    struct note notes[ROOM];
    roll_reader_init(&reader, 40);
    assert_int_equal(push(&reader, 60, 72, notes), 1);
    assert_note(&notes[0], 40 * ROLL_FRAME_US, NOTE_OPEN, 60, 72);
    assert_int_equal(push(&reader, 60, ROLL_HOLD, notes), 0);
    assert_int_equal(push(&reader, 60, 0, notes), 1);
    assert_note(&notes[0], 40 * ROLL_FRAME_US, 2 * ROLL_FRAME_US, 60, 72);
    assert_int_equal(push(&reader, 60, 0, notes), 0);
    assert_int_equal(reader.frame, 44);
}

static void strikes_again_end_before_begin(void **state)
{
    struct roll_reader reader;
    struct note notes[ROOM];
    roll_reader_init(&reader, 0);
    uint8_t frame[ROLL_PITCHES] = {[10] = 50, [90] = 60};
    assert_int_equal(roll_reader_push(&reader, frame, notes, ROOM), 2);
    frame[90] = 127;
    assert_int_equal(roll_reader_push(&reader, frame, notes, ROOM), 4);
    assert_note(&notes[0], 0, ROLL_FRAME_US, 10, 50);
    assert_note(&notes[1], 0, ROLL_FRAME_US, 90, 60);
    assert_note(&notes[2], ROLL_FRAME_US, NOTE_OPEN, 10, 50);
    assert_note(&notes[3], ROLL_FRAME_US, NOTE_OPEN, 90, 127);
}

static void hold_of_nothing_is_nothing(void **state)
{
    struct roll_reader reader;
    struct note notes[ROOM];
    roll_reader_init(&reader, 0);
    assert_int_equal(push(&reader, 64, ROLL_HOLD, notes), 0);
    assert_int_equal(push(&reader, 64, 255, notes), 0);
    assert_int_equal(roll_reader_flush(&reader, notes, ROOM), 0);
}

static void ends_what_is_held_for_ever(void **state)
{
    struct roll_reader reader;
    struct note notes[ROOM];
    roll_reader_init(&reader, 7);
    assert_int_equal(push(&reader, 33, 1, notes), 1);
    for (int i = 1; i < 200; i++)
        assert_int_equal(push(&reader, 33, ROLL_HOLD, notes), 0);
    assert_int_equal(push(&reader, 33, ROLL_HOLD, notes), 1);
    assert_note(&notes[0], 7 * ROLL_FRAME_US, 200 * ROLL_FRAME_US, 33, 1);
    // The hold that goes on holds nothing any more.
    assert_int_equal(push(&reader, 33, ROLL_HOLD, notes), 0);
    assert_int_equal(roll_reader_flush(&reader, notes, ROOM), 0);
}

static void flush_ends_all(void **state)
{
    struct roll_reader reader;
    struct note notes[ROOM];
    roll_reader_init(&reader, 0);
    uint8_t frame[ROLL_PITCHES];
    memset(frame, 5, sizeof frame);
    assert_int_equal(roll_reader_push(&reader, frame, notes, ROOM), ROLL_PITCHES);
    assert_int_equal(roll_reader_push(&reader, frame, notes, ROOM), ROOM);
    assert_int_equal(roll_reader_flush(&reader, notes, ROOM), ROLL_PITCHES);
    for (int pitch = 0; pitch < ROLL_PITCHES; pitch++)
        assert_note(&notes[pitch], ROLL_FRAME_US, ROLL_FRAME_US, pitch, 5);
    assert_int_equal(roll_reader_flush(&reader, notes, ROOM), 0);
}

static void never_writes_beyond_the_room(void **state)
{
    struct roll_reader reader;
    struct note notes[4] = {[3] = {.pitch = 99}};
    roll_reader_init(&reader, 0);
    uint8_t frame[ROLL_PITCHES];
    memset(frame, 5, sizeof frame);
    assert_int_equal(roll_reader_push(&reader, frame, notes, 3), 3);
    assert_int_equal(roll_reader_push(&reader, frame, notes, 3), 3);
    assert_int_equal(notes[3].pitch, 99);
    roll_reader_init(&reader, 0);
    assert_int_equal(roll_reader_push(&reader, frame, notes, 3), 3);
    notes[2].pitch = 98;
    memset(frame, 0, sizeof frame);
    assert_int_equal(roll_reader_push(&reader, frame, notes, 2), 2);
    assert_int_equal(notes[2].pitch, 98);
    // What found no room is over all the same.
    assert_int_equal(roll_reader_flush(&reader, notes, 3), 0);
}

static void writes_at_the_edges_of_a_window(void **state)
{
    enum { FRAMES = 10 };
    const int64_t from = 3 * NOTE_SECOND;
    uint8_t cells[FRAMES * ROLL_PITCHES];
    const struct note notes[] = {
        // Sounds over the start: held from frame 0 until 3.
        {from - NOTE_SECOND, NOTE_SECOND + 3 * ROLL_FRAME_US, 40, 70},
        // Began less than half a frame before: held too, not struck anew.
        {from - 10000, 2 * ROLL_FRAME_US, 39, 70},
        // Ended before.
        {from - NOTE_SECOND, NOTE_SECOND, 41, 70},
        // 24 ms after a frame is that frame, 25 ms the next.
        {from + 24000, 1, 42, 71},
        {from + 25000, 1, 43, 72},
        // Open: to the end. Rounds out of the window: left out. Later: left out.
        {from + 8 * ROLL_FRAME_US, NOTE_OPEN, 44, 73},
        {from + 10 * ROLL_FRAME_US - 25000, NOTE_SECOND, 45, 74},
        {from + 10 * ROLL_FRAME_US, NOTE_SECOND, 46, 75},
        {INT64_MAX / 2, NOTE_OPEN, 47, 75},
    };
    memset(cells, 0xEE, sizeof cells);
    roll_write(notes, sizeof notes / sizeof notes[0], from, FRAMES, 0, cells);

    uint8_t want[FRAMES * ROLL_PITCHES] = {0};
    for (int frame = 0; frame < 3; frame++)
        want[frame * ROLL_PITCHES + 40] = ROLL_HOLD;
    want[0 * ROLL_PITCHES + 39] = want[1 * ROLL_PITCHES + 39] = ROLL_HOLD;
    want[0 * ROLL_PITCHES + 42] = 71;
    want[1 * ROLL_PITCHES + 43] = 72;
    want[8 * ROLL_PITCHES + 44] = 73;
    want[9 * ROLL_PITCHES + 44] = ROLL_HOLD;
    assert_memory_equal(cells, want, sizeof want);
}

static void transposes_and_drops_what_leaves(void **state)
{
    uint8_t cells[2 * ROLL_PITCHES];
    const struct note notes[] = {{0, 2 * ROLL_FRAME_US, 120, 30},
                                 {0, 2 * ROLL_FRAME_US, 123, 31},
                                 {0, ROLL_FRAME_US, 4, 32}};
    uint8_t want[2 * ROLL_PITCHES] = {0};
    roll_write(notes, 3, 0, 2, 5, cells);
    want[125] = 30;
    want[ROLL_PITCHES + 125] = ROLL_HOLD;
    want[9] = 32;
    assert_memory_equal(cells, want, sizeof want);

    memset(want, 0, sizeof want);
    roll_write(notes, 3, 0, 2, -5, cells);
    want[115] = 30;
    want[118] = 31;
    want[ROLL_PITCHES + 115] = want[ROLL_PITCHES + 118] = ROLL_HOLD;
    assert_memory_equal(cells, want, sizeof want);
}

static void overlapping_notes_of_a_pitch(void **state)
{
    // A long note, struck again within; and two in one cell: the louder, as long as the longer.
    const struct note in_order[] = {{0, 6 * ROLL_FRAME_US, 60, 50},
                                    {2 * ROLL_FRAME_US, ROLL_FRAME_US, 60, 90},
                                    {0, 3 * ROLL_FRAME_US, 61, 40},
                                    {10000, ROLL_FRAME_US, 61, 80}};
    struct note backwards[4];
    for (int i = 0; i < 4; i++)
        backwards[i] = in_order[3 - i];
    uint8_t cells[8 * ROLL_PITCHES], want[8 * ROLL_PITCHES] = {0};
    const uint8_t first[] = {50, ROLL_HOLD, 90, 0}, second[] = {80, ROLL_HOLD, ROLL_HOLD, 0};
    for (int frame = 0; frame < 4; frame++) {
        want[frame * ROLL_PITCHES + 60] = first[frame];
        want[frame * ROLL_PITCHES + 61] = second[frame];
    }
    roll_write(in_order, 4, 0, 8, 0, cells);
    assert_memory_equal(cells, want, sizeof want);
    roll_write(backwards, 4, 0, 8, 0, cells);
    assert_memory_equal(cells, want, sizeof want);
}

/** A roll as a net might play it: valid, so that it must come back to the byte. */
static void random_roll(uint8_t *cells, size_t frames, unsigned seed)
{
    bool on[ROLL_PITCHES] = {false};
    srand(seed);
    for (size_t i = 0; i < frames * ROLL_PITCHES; i++) {
        int pitch = (int)(i % ROLL_PITCHES), die = rand() % 100;
        if (die < 4)
            cells[i] = (uint8_t)(1 + rand() % 127);
        else
            cells[i] = on[pitch] && die < 80 ? ROLL_HOLD : 0;
        on[pitch] = cells[i] != 0;
    }
}

static void a_roll_read_and_written_is_the_same(void **state)
{
    enum { FRAMES = 150, NOTES = FRAMES * ROLL_PITCHES };
    static uint8_t cells[FRAMES * ROLL_PITCHES], again[FRAMES * ROLL_PITCHES];
    static struct note notes[NOTES];
    for (unsigned seed = 1; seed <= 20; seed++) {
        random_roll(cells, FRAMES, seed);
        struct roll_reader reader;
        roll_reader_init(&reader, 1000);
        size_t count = 0, onsets = 0;
        for (size_t frame = 0; frame <= FRAMES; frame++) {
            struct note some[ROOM];
            size_t used = frame < FRAMES
                              ? roll_reader_push(&reader, cells + frame * ROLL_PITCHES, some, ROOM)
                              : roll_reader_flush(&reader, some, ROOM);
            for (size_t i = 0; i < used; i++) {
                onsets += some[i].duration == NOTE_OPEN;
                if (some[i].duration != NOTE_OPEN)
                    notes[count++] = some[i];
            }
        }
        assert_int_equal(count, onsets);
        roll_write(notes, count, 1000 * ROLL_FRAME_US, FRAMES, 0, again);
        assert_memory_equal(again, cells, sizeof cells);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_note_open_and_complete),
        cmocka_unit_test(strikes_again_end_before_begin),
        cmocka_unit_test(hold_of_nothing_is_nothing),
        cmocka_unit_test(ends_what_is_held_for_ever),
        cmocka_unit_test(flush_ends_all),
        cmocka_unit_test(never_writes_beyond_the_room),
        cmocka_unit_test(writes_at_the_edges_of_a_window),
        cmocka_unit_test(transposes_and_drops_what_leaves),
        cmocka_unit_test(overlapping_notes_of_a_pitch),
        cmocka_unit_test(a_roll_read_and_written_is_the_same),
    };
    return cmocka_run_group_tests_name("roll", tests, NULL, NULL);
}
