// SPDX-License-Identifier: MIT
#include "client/exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/remote.h"
#include "client/verb.h"

/** The daemon takes no larger one, and says so. */
#define MIDI_BYTES ((1 << 20) + 1)

/** Returns 0 or -errno. */
static int read_file(const char *path, void *bytes, size_t room, size_t *ret_size)
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

static enum ending act_seed(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    char *bytes = malloc(MIDI_BYTES);
    size_t size = 0;
    int r = bytes ? read_file(request->argument, bytes, MIDI_BYTES, &size) : -ENOMEM;
    if (r < 0) {
        fprintf(stderr, "fermatactl: cannot read %s: %s; give a MIDI file that is there\n",
                request->argument, strerror(-r));
        free(bytes);
        return ENDING_USAGE;
    }
    uint32_t notes = 0;
    double seconds = 0;
    enum ending ending = remote_continue(remote, bytes, size, &notes, &seconds);
    free(bytes);
    if (ending == ENDING_OK)
        printf("the next piece begins with %" PRIu32 " notes of %s, %.1f s\n", notes,
               request->argument, seconds);
    else if (ending == ENDING_REFUSED)
        fprintf(stderr, "fermatactl: %s was not taken\n", request->argument);
    return ending;
}

enum ending exchange_seed(const struct verb *verb, const struct request *request)
{
    if (!request->argument) {
        fprintf(stderr, "fermatactl: seed takes a MIDI file, such as: fermatactl seed my.mid\n");
        return ENDING_USAGE;
    }
    return verb_with_remote(verb, request, act_seed);
}
