// SPDX-License-Identifier: MIT
#ifndef FERMATA_CLIENT_FEEDLINE_H
#define FERMATA_CLIENT_FEEDLINE_H

#include <stdint.h>
#include <stdio.h>

/** feedline: one line of the daemon's feed (a JSON object; see the interface's XML), read. */
struct feedline {
    enum { FEEDLINE_ON, FEEDLINE_OFF, FEEDLINE_MARK } kind;
    char event[16];
    double time;     ///< channel time, seconds
    double heard;    ///< CLOCK_MONOTONIC, seconds
    double duration; ///< seconds; 0: not told
    uint8_t pitch;
    uint8_t velocity;
    char text[256];
};

/** Reads one line (with or without its newline). Unknown keys are skipped. Returns 0 or -EBADMSG.
 * LC_NUMERIC must be "C". */
int feedline_parse(const char *line, struct feedline *ret_line);

/** Such as "C4", "F#3": MIDI 60 is C4. */
#define FEEDLINE_NAME_ROOM 8
const char *feedline_pitch_name(unsigned pitch, char ret_name[FEEDLINE_NAME_ROOM]);

/** Writes it as a line for people: "12.35 s  C4   60  velocity 72  0.40 s". */
void feedline_print(const struct feedline *line, FILE *file);

#endif
