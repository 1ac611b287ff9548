// SPDX-License-Identifier: MIT
// Standard MIDI Files 1.0, RP-001.
#include "music/midi_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TICKS_PER_QUARTER 500
#define QUARTER_US 500000
#define TICK_US (QUARTER_US / TICKS_PER_QUARTER)
#define LONGEST_TITLE 127 // a length of one byte
/** Bytes of an event: its delta takes at most four (so many a variable-length number has), three
 * bytes the message. */
#define EVENT_BYTES 7
#define HEAD_BYTES 256

struct event {
    int64_t tick;
    uint8_t message[3];
};

struct track {
    uint8_t *bytes;
    size_t size;
    int64_t tick; ///< of the last event
};

static void put(struct track *track, const void *bytes, size_t size)
{
    memcpy(track->bytes + track->size, bytes, size);
    track->size += size;
}

static void put_delta(struct track *track, int64_t tick)
{
    uint32_t delta = (uint32_t)(tick - track->tick);
    uint8_t bytes[4];
    size_t first = sizeof bytes - 1;
    bytes[first] = delta & 0x7f;
    while (first > 0 && (delta >>= 7))
        bytes[--first] = 0x80 | (delta & 0x7f);
    put(track, bytes + first, sizeof bytes - first);
    track->tick = tick;
}

static int64_t tick_of(int64_t us)
{
    return (us + TICK_US / 2) / TICK_US;
}

/** In order of time; of one time what ends comes first, so that a key can be struck again. */
static int compare(const void *a, const void *b)
{
    const struct event *first = a;
    const struct event *second = b;
    if (first->tick != second->tick)
        return first->tick < second->tick ? -1 : 1;
    bool strikes = (first->message[0] & 0xf0) == 0x90;
    bool other = (second->message[0] & 0xf0) == 0x90;
    if (strikes != other)
        return strikes ? 1 : -1;
    return first->message[1] - second->message[1];
}

static void list_events(const struct note *notes, size_t count, struct event *events)
{
    for (size_t i = 0; i < count; i++) {
        const struct note *note = &notes[i];
        int64_t on = tick_of(note->onset);
        int64_t ticks = tick_of(note->duration);
        events[2 * i] = (struct event){on, {0x90, note->pitch, note->velocity}};
        events[2 * i + 1] = (struct event){on + (ticks > 0 ? ticks : 1), {0x80, note->pitch, 64}};
    }
    if (count)
        qsort(events, 2 * count, sizeof *events, compare);
}

static void put_head(struct track *track, const char *title)
{
    static const uint8_t tempo[] = {
        0, 0xff, 0x51, 3, QUARTER_US >> 16, (QUARTER_US >> 8) & 0xff, QUARTER_US & 0xff};
    static const uint8_t piano[] = {0, 0xc0, 0};
    size_t length = strnlen(title, LONGEST_TITLE + 1);
    if (length > LONGEST_TITLE) // cut at a whole character
        while (length > 0 && (length > LONGEST_TITLE || (title[length] & 0xc0) == 0x80))
            length--;
    const uint8_t name[] = {0, 0xff, 0x03, (uint8_t)length};
    put(track, name, sizeof name);
    put(track, title, length);
    put(track, tempo, sizeof tempo);
    put(track, piano, sizeof piano);
}

int midi_file_write(FILE *out, const struct note *notes, size_t count, int64_t length,
                    const char *title)
{
    struct event *events = malloc((2 * count + 1) * sizeof *events);
    struct track track = {.bytes = malloc(HEAD_BYTES + 2 * count * EVENT_BYTES)};
    int r = -ENOMEM;
    if (events && track.bytes) {
        static const uint8_t end[] = {0xff, 0x2f, 0};
        list_events(notes, count, events);
        put_head(&track, title);
        for (size_t i = 0; i < 2 * count; i++) {
            put_delta(&track, events[i].tick);
            put(&track, events[i].message, sizeof events[i].message);
        }
        int64_t last = tick_of(length);
        put_delta(&track, last > track.tick ? last : track.tick);
        put(&track, end, sizeof end);

        static const char head[] = "MThd\0\0\0\6\0\0\0\1";
        const uint8_t rest[] = {TICKS_PER_QUARTER >> 8, TICKS_PER_QUARTER & 0xff};
        uint32_t size = htonl((uint32_t)track.size);
        fwrite(head, sizeof head - 1, 1, out);
        fwrite(rest, sizeof rest, 1, out);
        fwrite("MTrk", 4, 1, out);
        fwrite(&size, sizeof size, 1, out);
        fwrite(track.bytes, track.size, 1, out);
        r = fflush(out) == 0 && !ferror(out) ? 0 : -EIO;
    }
    free(events);
    free(track.bytes);
    return r;
}
