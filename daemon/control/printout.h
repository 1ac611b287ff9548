// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_PRINTOUT_H
#define FERMATA_CONTROL_PRINTOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "audio/wav_file.h"

/**
 * printout: a file that a piece is to be written to, in the form that its name's ending asks for:
 *
 *     .mid, .midi   Standard MIDI File
 *     .wav          sound as the daemon plays it (wav_file.h)
 *     .png          the piano roll
 *     .jsonl        one JSON object a line; so is "-", standard output
 *
 * It is written beside its place and moved there when it is whole, so that nobody ever sees half a
 * file, and one that is there stays until then.
 */
struct piece;
struct printout;

/**
 * Checks the name and that the file can be written, before any music is composed; `length` of the
 * music in microseconds. Returns 0, -EINVAL (no such ending, or too long for the form), -ENOMEM, or
 * -errno of open(2); logged, with the remedy.
 */
int printout_new(const char *path, int64_t length, struct printout **ret_printout);

/** Forgets it; what was not written leaves nothing behind. */
void printout_free(struct printout *printout);

const char *printout_path(const struct printout *printout);

/** Whether both lead to one file. */
bool printout_is_same(const struct printout *a, const struct printout *b);

/** Length of the path without the ending: files that differ in that alone are of one piece. */
int printout_stem(const struct printout *printout);

/** Whether it takes a synth to write it. */
bool printout_has_sound(const struct printout *printout);

/** `sound`: of a .wav. Returns 0 or -errno, logged. */
int printout_write(struct printout *printout, const struct piece *piece,
                   const struct wav_file_sound *sound);

/** Whether ".mid" or the like is one of the forms. */
bool printout_has_form(const char *ending);

/** Writes a piece in that form to an open file. Returns 0, -EINVAL (no such form), or what the
 * form's writer says; not logged. */
int printout_write_to(const char *ending, FILE *out, const struct piece *piece,
                      const struct wav_file_sound *sound);

#endif
