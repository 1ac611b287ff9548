// SPDX-License-Identifier: MIT
// Any bytes as a MIDI file, up to the opening that a score would get.
#include <stdlib.h>
#include <string.h>

#include "control/opening_reader.h"
#include "fuzz.h"
#include "music/opening.h"

#define HEADER 14
#define CHUNK 8
#define MOST_TRACKS 16

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct opening opening;
    const char *why = NULL;
    int r = opening_reader_read(bytes, size, &opening, &why);
    if (r < 0) {
        FUZZ_HOLDS(why && *why);
        fuzz_saw((unsigned)-r, 0);
        return 0;
    }
    FUZZ_HOLDS(opening.count > 0 && opening.count <= OPENING_NOTES);
    FUZZ_HOLDS(opening.length <= OPENING_LONGEST);
    fuzz_saw(200, opening.count);
    fuzz_saw(201, (uint64_t)opening.length);
    for (size_t i = 0; i < opening.count; i++) {
        const struct note *note = &opening.notes[i];
        FUZZ_HOLDS(note->pitch >= 21 && note->pitch <= 108);
        FUZZ_HOLDS(note->velocity >= 1 && note->velocity <= 127);
        FUZZ_HOLDS(note->onset >= 0 && note->duration > 0 && note_end(note) <= opening.length);
        fuzz_saw(202, (uint64_t)note->duration);
        fuzz_saw(203, (uint64_t)note->onset);
    }
    return 0;
}

#ifdef FUZZER // what follows is of no use to replay.c
// A chunk's length in the file is right by chance alone, and with a wrong one little of it is read.
// So in most inputs what is changed is one track's body, or the events in it, and the length is
// mended; in the others it is anything.

/** The tracks as the lengths in the file have them: where their bodies begin, and how long they
 * are. */
static size_t find_tracks(const uint8_t *bytes, size_t size, size_t ret_begins[MOST_TRACKS],
                          size_t ret_sizes[MOST_TRACKS])
{
    size_t count = 0, at = HEADER;
    while (count < MOST_TRACKS && at + CHUNK <= size) {
        const uint8_t *length = bytes + at + 4;
        size_t body =
            (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
        ret_begins[count] = at + CHUNK;
        if (body > size - at - CHUNK)
            body = size - at - CHUNK;
        ret_sizes[count++] = body;
        at += CHUNK + body;
    }
    return count;
}

/** An event of any kind, with a delta before it; how long it is. */
static size_t make_event(uint8_t event[16], unsigned seed)
{
    static const uint8_t interesting[] = {0, 1, 2, 3, 4, 5, 7, 9, 63, 64, 120, 123, 127};
    uint8_t one = interesting[seed % sizeof interesting];
    uint8_t other = interesting[seed / 16 % sizeof interesting];
    uint8_t kind = (uint8_t)(8 + seed / 256 % 8), channel = (uint8_t)(seed / 2048 % 16);
    size_t used = 0;
    for (unsigned more = seed / 32768 % 5; more > 1; more--) // a delta of one to four bytes
        event[used++] = (uint8_t)(0x80 | one);
    event[used++] = other & 0x7f;
    if (kind < 15) {
        event[used++] = (uint8_t)(kind << 4 | channel);
        event[used++] = one;
        event[used++] = other;
        return used;
    }
    static const uint8_t texts[] = {0x00, 0x01, 0x03, 0x20, 0x21, 0x2f,
                                    0x51, 0x54, 0x58, 0x59, 0x7f};
    event[used++] = channel < 4 ? 0xf0 : channel < 6 ? 0xf7 : 0xff; // system exclusive, or meta
    if (channel >= 6)
        event[used++] = texts[seed % sizeof texts];
    event[used++] = other % 6;
    for (uint8_t i = other % 6; i > 0; i--)
        event[used++] = (uint8_t)(one * i);
    return used;
}

static size_t put_event(uint8_t *bytes, size_t size, size_t at, size_t room, unsigned seed)
{
    uint8_t event[16];
    size_t length = make_event(event, seed);
    if (size + length > room)
        return size;
    memmove(bytes + at + length, bytes + at, size - at);
    memcpy(bytes + at, event, length);
    return size + length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned seed)
{
    size_t begins[MOST_TRACKS], sizes[MOST_TRACKS];
    size_t tracks = find_tracks(bytes, size, begins, sizes);
    if (seed % 8 == 0 || tracks == 0)
        return LLVMFuzzerMutate(bytes, size, room);
    if (seed % 8 == 1) {
        LLVMFuzzerMutate(bytes, HEADER, HEADER);
        return size;
    }
    size_t track = seed / 8 % tracks, begin = begins[track], end = begin + sizes[track];
    uint8_t *rest = malloc(size - end + 1);
    if (!rest)
        return size;
    memcpy(rest, bytes + end, size - end);
    size_t body_room = room - begin - (size - end);
    size_t body = seed % 8 < 5 ? put_event(bytes + begin, sizes[track],
                                           sizes[track] ? seed / 128 % sizes[track] : 0, body_room,
                                           seed * 2654435761U)
                               : LLVMFuzzerMutate(bytes + begin, sizes[track], body_room);
    memcpy(bytes + begin + body, rest, size - end);
    free(rest);
    for (int i = 0; i < 4; i++)
        bytes[begin - 4 + (size_t)i] = (uint8_t)(body >> (24 - 8 * i));
    return begin + body + (size - end);
}
#endif
