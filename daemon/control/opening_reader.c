// SPDX-License-Identifier: MIT
#include "control/opening_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/midi_reader.h"
#include "log.h"
#include "music/opening.h"

int opening_reader_read(const void *bytes, size_t size, struct opening *ret_opening,
                        const char **ret_why)
{
    struct note *notes = NULL;
    size_t count = 0;
    int r = midi_reader_read(bytes, size, &notes, &count, ret_why);
    if (r == 0)
        r = opening_make(notes, count, ret_opening);
    free(notes);
    return r;
}

/** Returns 0 or -errno; `size` is that of the file, or more than can be read. */
static int read_bytes(const char *path, void *bytes, size_t room, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    errno = EIO;
    *ret_size = fread(bytes, 1, room, file);
    int r = ferror(file) ? -errno : 0;
    fclose(file);
    return r;
}

int opening_reader_read_file(const char *path, struct opening *ret_opening)
{
    size_t room = MIDI_READER_BYTES + 1, size = 0;
    char *bytes = malloc(room);
    int r = bytes ? read_bytes(path, bytes, room, &size) : -ENOMEM;
    const char *why = NULL;
    if (r < 0) {
        log_error("cannot read %s: %s; give a MIDI file that is there and may be read", path,
                  strerror(-r));
    } else {
        r = opening_reader_read(bytes, size, ret_opening, &why);
        if (r < 0)
            log_error("cannot continue %s: the file %s", path, why);
    }
    free(bytes);
    return r;
}
