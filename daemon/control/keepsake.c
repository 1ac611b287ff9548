// SPDX-License-Identifier: MIT
#include "control/keepsake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "audio/wav_file.h"
#include "control/piece.h"
#include "control/printout.h"
#include "log.h"
#include "music/score.h"

#define PATIENCE_MS 30000
#define NICE 10
#define TEXT 160

struct keepsake {
    struct piece piece;
    char ending[8];
    char device[TEXT], net[TEXT], licence[TEXT], composer[TEXT], sampling[TEXT], profile[TEXT];
    char soundfont[512];
    struct wav_file_sound sound;
    int fd;
};

static atomic_int writing;

static void keepsake_free(struct keepsake *keepsake)
{
    piece_finish(&keepsake->piece);
    if (keepsake->fd >= 0)
        close(keepsake->fd);
    free(keepsake);
}

/** Writes to the pipe, with patience. */
static ssize_t write_some(void *user, const char *bytes, size_t size)
{
    const struct keepsake *keepsake = user;
    size_t done = 0;
    while (done < size) {
        ssize_t written = write(keepsake->fd, bytes + done, size - done);
        if (written > 0) {
            done += (size_t)written;
            continue;
        }
        struct pollfd room = {.fd = keepsake->fd, .events = POLLOUT};
        if ((written < 0 && errno != EAGAIN && errno != EINTR) || poll(&room, 1, PATIENCE_MS) == 0)
            return 0; // an error, as fopencookie(3) has it
    }
    return (ssize_t)done;
}

static void *run(void *user)
{
    struct keepsake *keepsake = user;
    pthread_setname_np(pthread_self(), "keepsake");
    // On Linux the niceness is the thread's alone: the music comes first.
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    FILE *out = fopencookie(keepsake, "w", (cookie_io_functions_t){.write = write_some});
    int r = -ENOMEM;
    if (out) {
        r = printout_write_to(keepsake->ending, out, &keepsake->piece, &keepsake->sound);
        if (fclose(out) != 0 && r == 0)
            r = -EIO;
    }
    if (r == -EIO)
        log_notice("whoever wanted the last %.0f s has gone before all was written",
                   (double)keepsake->piece.length / NOTE_SECOND);
    else if (r < 0)
        log_warning("cannot write the last %.0f s as %s: %s",
                    (double)keepsake->piece.length / NOTE_SECOND, keepsake->ending, strerror(-r));
    keepsake_free(keepsake);
    atomic_fetch_sub(&writing, 1);
    return NULL;
}

/** The origin, in texts of its own. */
static void copy_origin(struct keepsake *keepsake, const struct piece_origin *origin)
{
    struct piece_origin *own = &keepsake->piece.origin;
    *own = *origin;
    const struct {
        char *room;
        const char *from;
        const char **field;
    } texts[] = {
        {keepsake->device, origin->device, &own->device},
        {keepsake->net, origin->net, &own->net},
        {keepsake->licence, origin->licence, &own->licence},
        {keepsake->composer, origin->composer, &own->composer},
        {keepsake->sampling, origin->sampling, &own->sampling},
        {keepsake->profile, origin->profile, &own->profile},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf(texts[i].room, TEXT, "%s", texts[i].from);
        *texts[i].field = texts[i].room;
    }
}

static int start(struct keepsake *keepsake)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Signals are the main loop's business.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&thread, &attributes, run, keepsake);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return r;
}

/** Takes the notes. Returns 0, -ENODATA or -ENOMEM. */
static int take(struct keepsake *keepsake, struct score *score, double seconds)
{
    int64_t to = score_position(score);
    int64_t from = to - (int64_t)(seconds * NOTE_SECOND);
    if (from < 0)
        from = 0;
    struct note first;
    // What the score has forgotten is no silence.
    if (score_copy(score, 0, to, &first, 1) == 0)
        return -ENODATA;
    if (first.onset > from)
        from = first.onset;
    return piece_take_past(&keepsake->piece, score, from, to);
}

int keepsake_open(struct score *score, double seconds, const char *ending,
                  const struct piece_origin *origin, const struct wav_file_sound *sound,
                  int *ret_fd, double *ret_seconds)
{
    if (!(seconds > 0 && seconds <= KEEPSAKE_LONGEST))
        return -ERANGE;
    if (!printout_has_form(ending))
        return -EINVAL;
    struct keepsake *keepsake = calloc(1, sizeof *keepsake);
    if (!keepsake)
        return -ENOMEM;
    int ends[2] = {-1, -1};
    keepsake->fd = -1;
    snprintf(keepsake->ending, sizeof keepsake->ending, "%s", ending);
    keepsake->sound = *sound;
    snprintf(keepsake->soundfont, sizeof keepsake->soundfont, "%s",
             sound->soundfont ? sound->soundfont : "");
    keepsake->sound.soundfont = keepsake->soundfont;
    copy_origin(keepsake, origin);
    int r = take(keepsake, score, seconds);
    double length = (double)keepsake->piece.length / NOTE_SECOND;
    if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
        r = -errno;
    if (r == 0) {
        keepsake->fd = ends[1];
        fcntl(ends[1], F_SETFL, O_NONBLOCK);
        if (atomic_fetch_add(&writing, 1) >= KEEPSAKES)
            r = -EBUSY;
        else
            r = start(keepsake);
        if (r < 0)
            atomic_fetch_sub(&writing, 1);
    }
    if (r < 0) {
        keepsake_free(keepsake);
        if (ends[0] >= 0)
            close(ends[0]);
        return r;
    }
    *ret_fd = ends[0];
    *ret_seconds = length;
    return 0;
}
