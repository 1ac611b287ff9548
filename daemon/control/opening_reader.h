// SPDX-License-Identifier: MIT
#ifndef FERMATA_CONTROL_OPENING_READER_H
#define FERMATA_CONTROL_OPENING_READER_H

#include <stddef.h>

/**
 * opening_reader: the opening that a person gives as a MIDI file. Any thread; computes for some
 * tenths of a second at most.
 */
struct opening;

/**
 * Of the file's bytes. Returns 0, or what midi_reader_read() says, and then *ret_why, to be read
 * after "the file". It holds until the thread's next call.
 */
int opening_reader_read(const void *bytes, size_t size, struct opening *ret_opening,
                        const char **ret_why);

/** The same of a file of that name. Returns 0, or that, or -errno of open(2); logged. */
int opening_reader_read_file(const char *path, struct opening *ret_opening);

#endif
