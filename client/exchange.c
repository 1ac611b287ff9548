// SPDX-License-Identifier: MIT
#include "client/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/amount.h"
#include "client/remote.h"
#include "client/verb.h"
#include "client/whole_file.h"

/** The daemon takes no larger one, and says so. */
#define MIDI_BYTES ((1 << 20) + 1)
/** Of a pipe that nothing comes out of. */
#define PATIENCE_MS 5000

/** Returns 0 or -errno. */
static int read_file(const char *path, void *bytes, size_t room, size_t *ret_size)
{
    // Nobody may be writing into what is a pipe.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat there;
    if (fd >= 0 && fstat(fd, &there) == 0 && !S_ISREG(there.st_mode)) {
        struct pollfd come = {.fd = fd, .events = POLLIN};
        bool pipe = S_ISFIFO(there.st_mode);
        if (!pipe || poll(&come, 1, PATIENCE_MS) <= 0) {
            close(fd);
            return pipe ? -ETIMEDOUT : S_ISDIR(there.st_mode) ? -EISDIR : -ENODEV;
        }
        fcntl(fd, F_SETFL, O_RDONLY);
    }
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
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
                request->argument, r == -ENODEV ? "it is no file" : strerror(-r));
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

/** Whether a file of so many bytes, of which these are the first, is whole as far as can be told.
 */
static bool is_whole(const unsigned char head[8], size_t size)
{
    if (size < 8)
        return false;
    if (memcmp(head, "RIFF", 4) != 0)
        return true;
    size_t told = head[4] | head[5] << 8 | head[6] << 16 | (size_t)head[7] << 24;
    return told + 8 == size;
}

/** Copies all that comes out of `fd` to `path`, which appears when it is whole. Returns 0, or
 * -errno; -EPIPE where the daemon has given up. */
static int write_file(int fd, const char *path)
{
    struct whole_file file;
    int r = whole_file_open(&file, path);
    if (r < 0)
        return r;
    static char bytes[1 << 16];
    unsigned char head[8] = {0};
    size_t size = 0;
    ssize_t got;
    while (r == 0 && (got = read(fd, bytes, sizeof bytes)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || fwrite(bytes, 1, (size_t)got, file.out) != (size_t)got) {
            r = -errno;
            break;
        }
        for (size_t i = size; i < sizeof head && i < size + (size_t)got; i++)
            head[i] = (unsigned char)bytes[i - size];
        size += (size_t)got;
    }
    if (r == 0 && !is_whole(head, size))
        r = -EPIPE;
    return whole_file_close(&file, r);
}

enum ending exchange_write(struct remote *remote, double seconds, const char *path,
                           char ret_said[EXCHANGE_ROOM])
{
    double length = 0;
    int fd = -1;
    *ret_said = '\0';
    const char *name = strrchr(path, '/');
    const char *form = strrchr(name ? name : path, '.');
    enum ending ending = remote_keep(remote, seconds, form ? form : "", &fd, &length);
    if (ending != ENDING_OK)
        return ending;
    int r = write_file(fd, path);
    close(fd);
    if (r == -EPIPE) {
        snprintf(ret_said, EXCHANGE_ROOM,
                 "fermatad has not written all of %s; why: journalctl --user -u fermata", path);
        return ENDING_UNREACHABLE;
    }
    if (r < 0) {
        snprintf(ret_said, EXCHANGE_ROOM, "cannot write %s: %s", path,
                 r == -EISDIR ? "it is there and is no file; give another name" : strerror(-r));
        return ENDING_OUTPUT;
    }
    snprintf(ret_said, EXCHANGE_ROOM, "%s has the last %.1f s%s", path, length,
             length < seconds - 0.5 ? "; that is all there is" : "");
    return ENDING_OK;
}

static enum ending act_keep(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    double seconds = 0;
    char said[EXCHANGE_ROOM];
    if (amount_read_seconds(request->argument, &seconds) < 0) {
        fprintf(stderr, "fermatactl: \"%s\" is no time, such as 120s, 2m or 1m30s\n",
                request->argument);
        return ENDING_USAGE;
    }
    enum ending ending = exchange_write(remote, seconds, request->words[1], said);
    if (ending == ENDING_OK)
        puts(said);
    else if (*said)
        fprintf(stderr, "fermatactl: %s\n", said);
    return ending;
}

enum ending exchange_keep(const struct verb *verb, const struct request *request)
{
    if (request->word_count != 2) {
        fprintf(stderr, "fermatactl: keep takes a time and a file, such as: fermatactl keep 2m "
                        "idea.mid\n");
        return ENDING_USAGE;
    }
    return verb_with_remote(verb, request, act_keep);
}
