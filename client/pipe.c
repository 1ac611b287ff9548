// SPDX-License-Identifier: MIT
#include "client/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/comfort.h"
#include "client/remote.h"

#define CHUNK_MS 40
#define CHUNKS 5        ///< in the reader's pipe until he begins to read
#define KEPT_CHUNKS 3   ///< then: a quarter of a second with what the daemon has ready
#define DAEMON_AHEAD 40 ///< milliseconds in the daemon's
#define LOW_CHUNKS 2    ///< fewer are left: something has to come; music may be waited for longer
#define PAGE 4096

#define LOOK_MS 20 ///< how often a full pipe is looked at
#define QUICK_MS 1 ///< and one that a quick reader has emptied meanwhile
#define FIRST_GRACE_MS 400
/** Comfort comes a quarter faster than it is heard at most, which a reader's clock never is. */
#define COMFORT_MS 32
#define RETRY_FIRST_MS 250
#define RETRY_MOST_MS 2000

/** Largest chunk: 48 kHz, two floats. */
#define MOST_BYTES (48000 / (1000 / CHUNK_MS) * 8)

struct feeder {
    const struct request *request;
    struct comfort comfort;
    uint32_t rate;
    size_t chunk; // bytes
    bool is_pipe; // standard output
    bool is_file;

    int wants[2];  // a byte: the connector shall bring a pipe
    int brings[2]; // its descriptor

    int music; // the daemon's pipe, or -1
    uint8_t bytes[MOST_BYTES];
    size_t filled;
    uint8_t last[MOST_BYTES];
    bool has_last;      // what was written last was music
    int64_t comfort_at; // the next chunk of it may be written
    int64_t live_at;    // and of anything, where the clock is the pace
    int64_t full_at;    // when the reader's pipe was last full
    size_t left;        // bytes in it when it was last written to
    bool reads;         // he has taken some of it
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/** The end of all: nothing has to be tidied up, and the connector may be anywhere in libdbus. */
static void leave(int number)
{
    (void)number;
    _exit(ENDING_OK);
}

static enum ending bring(const struct feeder *feeder, bool start, char why[512])
{
    struct remote *remote;
    why[0] = '\0';
    if (remote_new(feeder->request->channel, feeder->request->bus, &remote) < 0)
        return ENDING_UNREACHABLE;
    if (!start)
        remote_do_not_start(remote);
    int fd;
    enum ending ending = remote_open_pipe(remote, feeder->comfort.format->name, feeder->rate,
                                          feeder->comfort.channels, DAEMON_AHEAD, &fd);
    snprintf(why, 512, "%s", remote_why(remote));
    remote_free(remote);
    if (ending != ENDING_OK)
        return ending;
    if (write(feeder->brings[1], &fd, sizeof fd) != sizeof fd)
        close(fd);
    return ENDING_OK;
}

/** The connector: whatever the bus does, the music's thread does not wait for it. The daemon is
 * started but once: who stops it later wants it stopped. */
static void *connect_again(void *data)
{
    struct feeder *feeder = data;
    bool start = true;
    char byte;
    while (read(feeder->wants[0], &byte, 1) == 1) {
        char told[512] = "";
        char why[512];
        long wait = RETRY_FIRST_MS;
        while (bring(feeder, start, why) != ENDING_OK) {
            start = false;
            if (strcmp(why, told) != 0)
                fprintf(stderr, "fermatactl: %s; trying again until there is music\n", why);
            memcpy(told, why, sizeof told);
            struct timespec pause = {wait / 1000, wait % 1000 * 1000000};
            nanosleep(&pause, NULL);
            wait = wait * 2 < RETRY_MOST_MS ? wait * 2 : RETRY_MOST_MS;
        }
        start = false;
        if (*told)
            fprintf(stderr, "fermatactl: there is music\n");
    }
    return NULL;
}

static void want_music(struct feeder *feeder)
{
    if (feeder->music >= 0)
        close(feeder->music);
    feeder->music = -1;
    feeder->filled = 0;
    ssize_t written = write(feeder->wants[1], "", 1);
    (void)written;
}

static void write_chunk(struct feeder *feeder, const uint8_t *bytes)
{
    int64_t earliest = now_ms() - CHUNKS * CHUNK_MS;
    feeder->live_at = (feeder->live_at > earliest ? feeder->live_at : earliest) + CHUNK_MS;
    for (size_t done = 0; done < feeder->chunk;) {
        ssize_t written = write(STDOUT_FILENO, bytes + done, feeder->chunk - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd poller = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&poller, 1, -1);
        } else if (errno == EPIPE) {
            leave(0);
        } else if (errno != EINTR) {
            fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(errno));
            _exit(ENDING_OUTPUT);
        }
    }
}

/** A whole chunk of music, if the daemon has one. */
static bool take_music(struct feeder *feeder)
{
    while (feeder->music >= 0 && feeder->filled < feeder->chunk) {
        ssize_t got =
            read(feeder->music, feeder->bytes + feeder->filled, feeder->chunk - feeder->filled);
        if (got > 0)
            feeder->filled += (size_t)got;
        else if (got == 0 || (errno != EAGAIN && errno != EINTR))
            want_music(feeder);
        else
            return false;
    }
    if (feeder->filled < feeder->chunk)
        return false;
    write_chunk(feeder, feeder->bytes);
    memcpy(feeder->last, feeder->bytes, feeder->chunk);
    feeder->has_last = true;
    feeder->filled = 0;
    return true;
}

static void give_comfort(struct feeder *feeder, int64_t now)
{
    if (now < feeder->comfort_at)
        return;
    int64_t earliest = now - CHUNKS * CHUNK_MS;
    feeder->comfort_at =
        (feeder->comfort_at > earliest ? feeder->comfort_at : earliest) + COMFORT_MS;
    uint8_t chunk[MOST_BYTES];
    comfort_make(&feeder->comfort, feeder->has_last ? feeder->last : NULL, chunk, feeder->chunk);
    feeder->has_last = false;
    write_chunk(feeder, chunk);
}

static size_t queued(const struct feeder *feeder)
{
    int bytes = 0;
    if (feeder->is_pipe && ioctl(STDOUT_FILENO, FIONREAD, &bytes) < 0)
        bytes = 0;
    return (size_t)bytes;
}

/** Whether the reader has little left; of one who takes all he gets, by the clock. */
static bool is_low(const struct feeder *feeder, int64_t now)
{
    if (feeder->request->live)
        return now - feeder->live_at > (CHUNKS - LOW_CHUNKS) * CHUNK_MS;
    return queued(feeder) < (feeder->has_last ? 1 : LOW_CHUNKS) * feeder->chunk;
}

/** Gives the reader what there is room for. Returns for how many milliseconds to look away. */
static int feed(struct feeder *feeder, bool *ret_waits)
{
    int64_t now = now_ms();
    size_t before = queued(feeder);
    bool quick = before < feeder->chunk && now - feeder->full_at < CHUNKS * CHUNK_MS / 2;
    feeder->reads |= before < feeder->left;
    size_t room = feeder->chunk * (feeder->reads ? KEPT_CHUNKS : CHUNKS);
    *ret_waits = true;
    while (queued(feeder) + feeder->chunk <= room) {
        if (feeder->request->live && now < feeder->live_at) {
            *ret_waits = false;
            return feeder->live_at - now < LOOK_MS ? (int)(feeder->live_at - now) : LOOK_MS;
        }
        if (!take_music(feeder)) {
            if (!feeder->is_file && is_low(feeder, now))
                give_comfort(feeder, now);
            return LOOK_MS;
        }
        if (!feeder->is_pipe)
            return 0; // whatever it is, poll() knows whether there is room
    }
    *ret_waits = false;
    feeder->full_at = now;
    return quick ? QUICK_MS : LOOK_MS;
}

static void run(struct feeder *feeder)
{
    for (;;) {
        bool waits;
        int wait = feed(feeder, &waits);
        feeder->left = queued(feeder);
        struct pollfd polled[] = {
            {.fd = feeder->is_file ? -1 : STDOUT_FILENO},
            {.fd = feeder->brings[0], .events = POLLIN},
            {.fd = waits ? feeder->music : -1, .events = POLLIN},
        };
        poll(polled, 3, wait);
        if (polled[0].revents & (POLLERR | POLLHUP | POLLNVAL))
            leave(0);
        int fd;
        if ((polled[1].revents & POLLIN) && read(feeder->brings[0], &fd, sizeof fd) == sizeof fd) {
            fcntl(fd, F_SETFL, O_NONBLOCK);
            feeder->music = fd;
        }
        // A terminal or socket has no length that could be asked for.
        struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
        while (!feeder->is_pipe && !feeder->is_file && poll(&out, 1, -1) < 0)
            continue;
        if (out.revents & (POLLERR | POLLHUP))
            leave(0);
    }
}

/** As small as it can be: what PBXs open holds four seconds. */
static void size_output(const struct feeder *feeder)
{
    size_t chunks_a_page = feeder->chunk < PAGE ? PAGE / feeder->chunk : 1;
    size_t pages_a_chunk = (feeder->chunk + PAGE - 1) / PAGE;
    size_t pages = (CHUNKS + chunks_a_page - 1) / chunks_a_page * pages_a_chunk + 1;
    // Where it cannot be, it is not filled further all the same.
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, (int)(pages * PAGE));
}

static enum ending refuse(const char *what, const char *given, const char *takes)
{
    fprintf(stderr, "fermatactl: pipe: %s cannot be %s; it takes %s\n", what, given, takes);
    return ENDING_USAGE;
}

static bool read_number(const char *text, uint32_t *ret_number)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    *ret_number = (uint32_t)number;
    return *text >= '0' && *text <= '9' && !*end && number <= UINT32_MAX;
}

enum ending pipe_run(const struct request *request)
{
    static struct feeder feeder = {.rate = 8000, .comfort = {.channels = 1, .noise = 1}};
    feeder.request = request;
    feeder.comfort.format = comfort_format(request->format ? request->format : "s16le");
    if (!feeder.comfort.format)
        return refuse("--format", request->format, COMFORT_FORMATS);
    bool wideband = !strcmp(feeder.comfort.format->name, "g722");
    if (wideband)
        feeder.rate = COMFORT_G722_RATE;
    if (request->rate && (!read_number(request->rate, &feeder.rate) || feeder.rate < 8000 ||
                          feeder.rate > 48000 || feeder.rate % 25))
        return refuse("--rate", request->rate, "8000 to 48000 Hz, a multiple of 25");
    if (request->channels && (!read_number(request->channels, &feeder.comfort.channels) ||
                              feeder.comfort.channels < 1 || feeder.comfort.channels > 2))
        return refuse("--channels", request->channels, "1 or 2");
    if (wideband && feeder.rate != COMFORT_G722_RATE)
        return refuse("--rate", request->rate, "16000 for g722");
    if (wideband && feeder.comfort.channels != 1)
        return refuse("--channels", request->channels, "1 for g722");
    feeder.chunk = (size_t)feeder.rate / (1000 / CHUNK_MS) * feeder.comfort.channels *
                   feeder.comfort.format->bytes / feeder.comfort.format->samples;
    feeder.music = -1;

    struct stat out;
    if (fstat(STDOUT_FILENO, &out) == 0) {
        feeder.is_pipe = S_ISFIFO(out.st_mode);
        feeder.is_file = S_ISREG(out.st_mode);
    }
    if (isatty(STDOUT_FILENO))
        return refuse("standard output", "a terminal", "a pipe or a file, such as | aplay -f cd");
    if (feeder.is_pipe)
        size_output(&feeder);

    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, leave);
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    pthread_t connector;
    if (pipe2(feeder.wants, O_CLOEXEC) < 0 || pipe2(feeder.brings, O_CLOEXEC) < 0 ||
        pthread_create(&connector, NULL, connect_again, &feeder) != 0) {
        fprintf(stderr, "fermatactl: cannot begin to feed: %s\n", strerror(errno));
        return ENDING_UNREACHABLE;
    }
    feeder.comfort_at = now_ms() + FIRST_GRACE_MS;
    feeder.full_at = INT64_MIN / 2;
    want_music(&feeder);
    run(&feeder);
    return ENDING_OK;
}
