// SPDX-License-Identifier: MIT
// fermatad: wires the rooms in flow order, runs, unwinds in reverse.

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "control/bus.h"
#include "control/compose.h"
#include "control/logind.h"
#include "control/manager.h"
#include "control/manager_parts.h"
#include "control/roster.h"
#include "control/settings.h"
#include "control/soak.h"
#include "control/tuner.h"
#include "control/watchdog.h"
#include "log.h"
#include "options.h"

/** For settings and files that no restart mends (sysexits.h EX_CONFIG). */
#define EXIT_CONFIG 78
/** From the fade-out to the end. */
#define FADE_MS 120
/** Of a piece and of a stream of a soak, where nothing else is said. */
#define COMPOSE_SECONDS 180.0
#define SOAK_SECONDS 1200.0
/** Ended by SIGINT, as shells say it. */
#define EXIT_INTERRUPTED 130

struct fermata {
    struct pw_main_loop *main_loop;
    struct pw_loop *loop;
    struct pw_context *context;
    struct manager *manager;
    struct bus *bus;
    struct logind *logind;
    struct watchdog *watchdog;
    struct spa_source *end_timer;
    struct settings *settings;
    struct roster *roster;
    char status[512]; ///< as systemd was told
    bool system;      ///< the machine's instance
    int argc;
    char **argv;
    bool ending;
};

static void on_end(void *user, uint64_t expirations)
{
    (void)expirations;
    struct fermata *fermata = user;
    pw_main_loop_quit(fermata->main_loop);
}

static void on_signal(void *user, int number)
{
    struct fermata *fermata = user;
    if (fermata->ending) {
        pw_main_loop_quit(fermata->main_loop);
        return;
    }
    fermata->ending = true;
    log_info("ending: %s", strsignal(number));
    watchdog_stopping();
    manager_fade_out(fermata->manager);
    struct timespec fade = {0, FADE_MS * 1000000L};
    pw_loop_update_timer(fermata->loop, fermata->end_timer, &fade, NULL, false);
}

/** Of settings that a reload cannot change, those that have changed. */
static void tell_unchanged(const struct settings *now, const struct settings *fresh)
{
    const struct {
        const char *name, *was, *is;
    } texts[] = {
        {"device", now->device, fresh->device},
        {"soundfont", now->soundfont, fresh->soundfont},
        {"models", now->models, fresh->models},
        {"licence", now->licence, fresh->licence},
        {"state-file", now->state_file, fresh->state_file},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(texts[i].was, texts[i].is) != 0)
            log_notice("%s = %s takes a restart; until then it is \"%s\"", texts[i].name,
                       texts[i].is, texts[i].was);
}

static void on_reload(void *user, int number)
{
    struct fermata *fermata = user;
    struct options options;
    struct roster *roster;
    struct settings fresh;
    if (fermata->ending || roster_new(&roster) < 0)
        return;
    watchdog_reloading();
    if (options_read(fermata->argc, fermata->argv, &options, roster, &fresh) < 0) {
        tell_unchanged(fermata->settings, &fresh);
        roster_swap(fermata->roster, roster);
        manager_apply(fermata->manager, &fresh);
        log_info("settings are read again");
    }
    roster_free(roster);
    watchdog_ready(fermata->status);
}

/** Where a terminal is, SIGHUP says that it has gone, and ends us as ever. */
static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool is_alive(void *user)
{
    return manager_is_alive(user);
}

static bool on_sleep(void *user)
{
    return manager_sleep(user);
}

static void on_wake(void *user)
{
    manager_wake(user);
}

static int make(struct fermata *fermata)
{
    fermata->main_loop = pw_main_loop_new(NULL);
    if (!fermata->main_loop)
        return -ENOMEM;
    fermata->loop = pw_main_loop_get_loop(fermata->main_loop);
    // A library that finds no modules to load is nothing to warn of where there is no PipeWire.
    if (fermata->system && !getenv("PIPEWIRE_DEBUG"))
        pw_log_set_level(SPA_LOG_LEVEL_ERROR);
    fermata->context =
        pw_context_new(fermata->loop,
                       // client-rt gives the callback its real-time priority.
                       pw_properties_new("support.dbus", "true", PW_KEY_CONFIG_NAME,
                                         fermata->system ? "null" : "client-rt.conf", NULL),
                       0);
    if (!fermata->context) {
        log_error("cannot make a PipeWire context: %s; is libspa-0.2-modules installed?",
                  strerror(errno));
        return -errno;
    }
    int r = manager_new(fermata->settings, fermata->roster, fermata->loop,
                        fermata->system ? NULL : fermata->context, &fermata->manager);
    if (r == 0)
        r = bus_new(fermata->loop, fermata->context, fermata->manager,
                    fermata->system ? BUS_SYSTEM : BUS_SESSION, &fermata->bus);
    struct logind_calls calls = {on_sleep, on_wake, fermata->manager};
    if (r == 0)
        r = logind_new(fermata->loop, fermata->context, &calls, &fermata->logind);
    if (r == 0)
        r = watchdog_new(fermata->loop, is_alive, fermata->manager, &fermata->watchdog);
    fermata->end_timer = pw_loop_add_timer(fermata->loop, on_end, fermata);
    pw_loop_add_signal(fermata->loop, SIGTERM, on_signal, fermata);
    pw_loop_add_signal(fermata->loop, SIGINT, on_signal, fermata);
    pw_loop_add_signal(fermata->loop, SIGHUP, on_reload, fermata);
    return r;
}

static int exit_status(int r)
{
    switch (r) {
    case 0:
        return EXIT_SUCCESS;
    case -ENOENT:
    case -EBADMSG:
    case -EEXIST:
    case -EFBIG:
    case -EINVAL:
    case -ENODATA:
        return EXIT_CONFIG;
    case -EINTR:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILURE;
    }
}

static int play(struct fermata *fermata)
{
    int r = make(fermata);
    if (r == 0) {
        snprintf(fermata->status, sizeof fermata->status, "in the style of %s, net %s, on %s",
                 fermata->settings->composer, fermata->settings->net,
                 manager_device(fermata->manager));
        log_info("fermatad %s: %s", FERMATA_VERSION, fermata->status);
        manager_resume(fermata->manager);
        watchdog_ready(fermata->status);
        pw_main_loop_run(fermata->main_loop);
    }
    watchdog_free(fermata->watchdog);
    logind_free(fermata->logind);
    bus_free(fermata->bus);
    // What a driver compiles cannot be interrupted, and nobody is to wait for it: all is kept.
    if (fermata->manager && !manager_stop(fermata->manager))
        _exit(exit_status(r));
    manager_free(fermata->manager);
    if (fermata->context)
        pw_context_destroy(fermata->context);
    if (fermata->main_loop)
        pw_main_loop_destroy(fermata->main_loop);
    return r;
}

/** Works without sound, bus and clock. */
static int work(struct options *options, struct settings *settings)
{
    if (options->compose) {
        options->compose_request.seconds = options->seconds ? options->seconds : COMPOSE_SECONDS;
        options->compose_request.quiet = options->quiet;
        return exit_status(compose_run(settings, &options->compose_request));
    }
    options->soak_request.seconds = options->seconds ? options->seconds : SOAK_SECONDS;
    if (!options->soak_request.streams)
        options->soak_request.streams = 1;
    options->soak_request.quiet = options->quiet;
    options->soak_request.nets = options->nets;
    options->soak_request.composers = options->composers;
    return exit_status(soak_run(settings, &options->soak_request));
}

static int run(int argc, char **argv, struct options *options, struct settings *settings,
               struct roster *roster)
{
    // A watcher or a reader that goes away is an error of a write, not the daemon's end.
    signal(SIGPIPE, SIG_IGN);
    if (options->quiet)
        log_set_level(LOG_LEVEL_WARNING);
    if (options->tune)
        return exit_status(tuner_run(settings));
    if (options->compose || options->soak)
        return work(options, settings);
    // Before any thread is there: the loop's signalfd gets what no thread takes.
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    if (!has_terminal())
        sigaddset(&handled, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &handled, NULL);
    pw_init(&argc, &argv);
    struct fermata fermata = {
        .settings = settings,
        .roster = roster,
        .system = options->system,
        .argc = argc,
        .argv = argv,
    };
    int r = play(&fermata);
    pw_deinit();
    return exit_status(r);
}

int main(int argc, char **argv)
{
    struct options options;
    struct settings settings;
    struct roster *roster;
    if (roster_new(&roster) < 0) {
        log_error("out of memory");
        return EXIT_FAILURE;
    }
    int status = options_read(argc, argv, &options, roster, &settings);
    if (status < 0)
        status = run(argc, argv, &options, &settings, roster);
    roster_free(roster);
    return status;
}
