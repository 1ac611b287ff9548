// SPDX-License-Identifier: MIT
// fermatad: wires the rooms in flow order, runs, unwinds in reverse.

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pipewire/pipewire.h>

#include "control/bus.h"
#include "control/compose.h"
#include "control/manager.h"
#include "control/manager_parts.h"
#include "control/roster.h"
#include "control/settings.h"
#include "control/soak.h"
#include "control/soak_stream.h"
#include "control/tuner.h"
#include "control/watchdog.h"
#include "log.h"

/** Exit status for a command line that makes no sense (sysexits.h EX_USAGE). */
#define EXIT_USAGE 64
/** For settings and files that no restart mends (sysexits.h EX_CONFIG). */
#define EXIT_CONFIG 78
/** From the fade-out to the end. */
#define FADE_MS 120
/** Settings that a person may give on the command line, and fourteen more options. */
#define OPTIONS 64
/** Of a piece and of a stream of a soak, where nothing else is said; and the most of both. */
#define COMPOSE_SECONDS 180.0
#define SOAK_SECONDS 1200.0
#define LONGEST_SECONDS (SOAK_HOURS * 3600.0)
/** Nets and composers that a person may name for a soak. */
#define NAMES 64
/** Ended by SIGINT, as shells say it. */
#define EXIT_INTERRUPTED 130

struct options {
    const char *config;
    bool compose;   ///< to files, instead of playing
    bool soak;      ///< compose for a day, and measure it
    bool tune;      ///< the kernels, instead of playing
    double seconds; ///< of a piece or stream; 0: not said
    bool quiet;
    struct compose_request compose_request;
    struct soak_request soak_request;
    const char *nets[NAMES], *composers[NAMES]; ///< of a soak
};

struct fermata {
    struct pw_main_loop *main_loop;
    struct pw_loop *loop;
    struct pw_context *context;
    struct manager *manager;
    struct bus *bus;
    struct watchdog *watchdog;
    struct spa_source *end_timer;
    bool ending;
};

static void print_help(void)
{
    printf(
        "Usage: fermatad [OPTION]...\n"
        "  or:  fermatad --compose [OPTION]... FILE...\n"
        "  or:  fermatad --soak [OPTION]... --out FOLDER\n"
        "  or:  fermatad --tune [OPTION]...\n"
        "Plays endless live piano to PipeWire; `fermatactl` steers it. With --compose it writes\n"
        "music to files, as fast as the device can, and ends; with --soak it measures its "
        "music.\n\n"
        "  --config FILE            settings file instead of ~/.config/fermata/fermata.conf\n"
        "  --compose FILE...        a piece for each name: .mid, .wav, .png or .jsonl, or - for\n"
        "                           JSON lines on standard output; names that differ only in\n"
        "                           the ending are one piece, each further one has the next seed\n"
        "  --continue FILE          begin each piece of --compose with this MIDI file, and go on "
        "from "
        "it\n"
        "  --soak                   compose on every net for every composer, or those named with\n"
        "                           --net and --composer, which may be repeated; measure it; exit\n"
        "                           status 1 where a promise was broken\n"
        "  --out FOLDER             where the soak's report and music go\n"
        "  --streams N              of each net and composer; 1 by default\n"
        "  --hours N, --minutes N, --seconds N\n"
        "                           how long each piece is (3 minutes by default), or each stream\n"
        "                           of a soak (20 minutes)\n"
        "  --tune                   measure which layout of the kernels is fastest on the device,\n"
        "                           keep it for the next start, and end\n"
        "  --quiet                  no progress\n"
        "  --verbose                log what the curator refuses, and more\n"
        "  --help, --version\n\n"
        "Settings, also in the file (without the dashes) and as FERMATA_NAME in the\n"
        "environment:\n\n");
    for (const struct settings_key *key = settings_keys; key->key; key++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", key->key, key->argument);
        printf("  %-24s %s\n", left, key->help);
    }
    printf("\nExamples: fermatad --composer bach --autostart yes\n"
           "          fermatad --compose --composer chopin --minutes 10 --seed 7 out.mid out.wav\n"
           "          fermatad --soak --hours 24 --seed 1 --out day\n");
}

static void read_config(struct roster *roster, const char *config)
{
    char path[512];
    const char *folder = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (config)
        snprintf(path, sizeof path, "%s", config);
    else if (folder && *folder == '/')
        snprintf(path, sizeof path, "%s/fermata/fermata.conf", folder);
    else
        snprintf(path, sizeof path, "%s/.config/fermata/fermata.conf", home ? home : "");
    int r = roster_read_file(roster, FERMATA_SYSCONF "/fermata.conf");
    if (r == 0 || r == -ENOENT)
        r = roster_read_file(roster, path);
    if (r == -ENOENT && config)
        log_warning("there is no settings file %s; going on without it", config);
}

static int read_length(const char *name, double unit, double *ret_seconds)
{
    char *end;
    double number = strtod(optarg, &end);
    if (end == optarg || *end || !(number > 0 && number * unit <= LONGEST_SECONDS)) {
        fprintf(stderr, "fermatad: --%s %s: must be a number more than 0, up to %.0f\n", name,
                optarg, LONGEST_SECONDS / unit);
        return EXIT_USAGE;
    }
    *ret_seconds = number * unit;
    return -1;
}

static int read_streams(unsigned *ret_streams)
{
    char *end;
    unsigned long number = strtoul(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || number < 1 || number > SOAK_STREAMS) {
        fprintf(stderr, "fermatad: --streams %s: must be a number from 1 to %d\n", optarg,
                SOAK_STREAMS);
        return EXIT_USAGE;
    }
    *ret_streams = (unsigned)number;
    return -1;
}

/** A net or composer is named, of which a soak may have several. */
static int add_name(const char **names, size_t *count)
{
    if (*count == NAMES) {
        fprintf(stderr, "fermatad: %s: more than %d names\n", optarg, NAMES);
        return EXIT_USAGE;
    }
    names[(*count)++] = optarg;
    return -1;
}

static int check_soak(const struct options *options)
{
    if (options->soak + options->compose + options->tune > 1) {
        fprintf(stderr, "fermatad: --compose, --soak and --tune cannot be had at once\n");
        return EXIT_USAGE;
    }
    if (options->soak && !options->soak_request.folder) {
        fprintf(stderr, "fermatad: --soak needs a folder to write to, such as --out soak\n");
        return EXIT_USAGE;
    }
    return -1;
}

/** What stands on the command line besides options. */
static int read_files(int argc, char **argv, struct options *options)
{
    options->compose_request.paths = (const char *const *)argv + optind;
    options->compose_request.path_count = (size_t)(argc - optind);
    if (options->compose && optind == argc) {
        fprintf(stderr, "fermatad: --compose needs the name of a file, such as out.mid or out.wav, "
                        "or - for standard output\n");
        return EXIT_USAGE;
    }
    if (!options->compose && options->compose_request.opening) {
        fprintf(stderr,
                "fermatad: --continue goes with --compose; to continue a file live: "
                "fermatactl seed %s\n",
                options->compose_request.opening);
        return EXIT_USAGE;
    }
    if (!options->compose && optind < argc) {
        fprintf(stderr,
                "fermatad: what is \"%s\"? Settings are given as --name value, files with "
                "--compose; see fermatad --help\n",
                argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

/** Reads the command line twice: first for what tells where the other settings are, at last for
 * the settings, which are the strongest. Returns -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *options, struct settings *settings)
{
    enum {
        CONFIG = 1000,
        COMPOSE,
        CONTINUE,
        SOAK,
        OUT,
        STREAMS,
        HOURS,
        MINUTES,
        SECONDS,
        TUNE,
        QUIET,
        VERBOSE,
        HELP,
        VERSION
    };
    struct option table[OPTIONS] = {
        {"config", required_argument, NULL, CONFIG},
        {"compose", no_argument, NULL, COMPOSE},
        {"continue", required_argument, NULL, CONTINUE},
        {"soak", no_argument, NULL, SOAK},
        {"out", required_argument, NULL, OUT},
        {"streams", required_argument, NULL, STREAMS},
        {"hours", required_argument, NULL, HOURS},
        {"minutes", required_argument, NULL, MINUTES},
        {"seconds", required_argument, NULL, SECONDS},
        {"tune", no_argument, NULL, TUNE},
        {"quiet", no_argument, NULL, QUIET},
        {"verbose", no_argument, NULL, VERBOSE},
        {"help", no_argument, NULL, HELP},
        {"version", no_argument, NULL, VERSION},
    };
    size_t n = 14;
    for (int i = 0; settings_keys[i].key && n < OPTIONS - 1; i++)
        table[n++] = (struct option){settings_keys[i].key, required_argument, NULL, i + 1};

    struct soak_request *soak = &options->soak_request;
    soak->net_count = soak->composer_count = 0;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        const char *why = "";
        int status = -1;
        switch (c) {
        case '?':
            fprintf(stderr, "fermatad --help lists the options.\n");
            return EXIT_USAGE;
        case 'h':
        case HELP:
            print_help();
            return EXIT_SUCCESS;
        case VERSION:
            printf("fermatad %s\n", FERMATA_VERSION);
            return EXIT_SUCCESS;
        case VERBOSE:
            log_set_level(LOG_LEVEL_DEBUG);
            break;
        case CONFIG:
            options->config = optarg;
            break;
        case COMPOSE:
            options->compose = true;
            break;
        case CONTINUE:
            options->compose_request.opening = optarg;
            break;
        case SOAK:
            options->soak = true;
            break;
        case OUT:
            soak->folder = optarg;
            break;
        case STREAMS:
            status = read_streams(&soak->streams);
            break;
        case HOURS:
            status = read_length("hours", 3600, &options->seconds);
            break;
        case MINUTES:
            status = read_length("minutes", 60, &options->seconds);
            break;
        case SECONDS:
            status = read_length("seconds", 1, &options->seconds);
            break;
        case TUNE:
            options->tune = true;
            break;
        case QUIET:
            options->quiet = true;
            break;
        default:
            if (!strcmp(settings_keys[c - 1].key, "net"))
                status = add_name(options->nets, &soak->net_count);
            else if (!strcmp(settings_keys[c - 1].key, "composer"))
                status = add_name(options->composers, &soak->composer_count);
            if (settings_set(settings, settings_keys[c - 1].key, optarg, &why) < 0) {
                fprintf(stderr, "fermatad: --%s %s: it %s\n", settings_keys[c - 1].key, optarg,
                        why);
                return EXIT_USAGE;
            }
        }
        if (status >= 0)
            return status;
    }
    int status = check_soak(options);
    return status >= 0 ? status : read_files(argc, argv, options);
}

/** From weak to strong; see settings.h. */
static int read_settings(int argc, char **argv, struct options *options, struct roster *roster,
                         struct settings *settings)
{
    settings_init(settings);
    struct settings unused = *settings;
    int status = read_options(argc, argv, options, &unused);
    if (status >= 0)
        return status;
    read_config(roster, options->config);
    *settings = *roster_defaults(roster);
    struct settings named = *settings;
    settings_read_environment(&named);
    read_options(argc, argv, options, &named);
    // What was changed over D-Bus lies between the file and the environment; where it is kept may
    // be said by any of them.
    memcpy(settings->state_file, named.state_file, sizeof settings->state_file);
    if (!options->compose && !options->soak && !options->tune) {
        roster_read_state(roster, settings->state_file);
        roster_apply_state(roster, settings);
    }
    settings_read_environment(settings);
    return read_options(argc, argv, options, settings);
}

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

static bool is_alive(void *user)
{
    return manager_is_alive(user);
}

static int make(struct fermata *fermata, struct settings *settings, struct roster *roster)
{
    fermata->main_loop = pw_main_loop_new(NULL);
    if (!fermata->main_loop)
        return -ENOMEM;
    fermata->loop = pw_main_loop_get_loop(fermata->main_loop);
    fermata->context = pw_context_new(
        fermata->loop,
        // client-rt gives the callback its real-time priority.
        pw_properties_new("support.dbus", "true", PW_KEY_CONFIG_NAME, "client-rt.conf", NULL), 0);
    if (!fermata->context) {
        log_error("cannot make a PipeWire context: %s; is libspa-0.2-modules installed?",
                  strerror(errno));
        return -errno;
    }
    int r = manager_new(settings, roster, fermata->loop, fermata->context, &fermata->manager);
    if (r == 0)
        r = bus_new(fermata->loop, fermata->context, fermata->manager, &fermata->bus);
    if (r == 0)
        r = watchdog_new(fermata->loop, is_alive, fermata->manager, &fermata->watchdog);
    fermata->end_timer = pw_loop_add_timer(fermata->loop, on_end, fermata);
    pw_loop_add_signal(fermata->loop, SIGTERM, on_signal, fermata);
    pw_loop_add_signal(fermata->loop, SIGINT, on_signal, fermata);
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
    case -EINVAL:
        return EXIT_CONFIG;
    case -EINTR:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILURE;
    }
}

static int play(struct settings *settings, struct roster *roster)
{
    struct fermata fermata = {0};
    int r = make(&fermata, settings, roster);
    if (r == 0) {
        char status[512];
        snprintf(status, sizeof status, "in the style of %s, net %s, on %s", settings->composer,
                 settings->net, manager_device(fermata.manager));
        log_info("fermatad %s: %s", FERMATA_VERSION, status);
        manager_resume(fermata.manager);
        watchdog_ready(status);
        pw_main_loop_run(fermata.main_loop);
    }
    watchdog_free(fermata.watchdog);
    bus_free(fermata.bus);
    // What a driver compiles cannot be interrupted, and nobody is to wait for it: all is kept.
    if (fermata.manager && !manager_stop(fermata.manager))
        _exit(exit_status(r));
    manager_free(fermata.manager);
    if (fermata.context)
        pw_context_destroy(fermata.context);
    if (fermata.main_loop)
        pw_main_loop_destroy(fermata.main_loop);
    return r;
}

/** Works without sound, bus and clock. */
static int work(struct options *options, struct settings *settings)
{
    if (options->quiet)
        log_set_level(LOG_LEVEL_WARNING);
    if (options->compose) {
        options->compose_request.seconds = options->seconds ? options->seconds : COMPOSE_SECONDS;
        options->compose_request.quiet = options->quiet;
        return exit_status(compose_run(settings, &options->compose_request));
    }
    options->soak_request.seconds = options->seconds ? options->seconds : SOAK_SECONDS;
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
    if (options->tune)
        return exit_status(tuner_run(settings));
    if (options->compose || options->soak)
        return work(options, settings);
    // Before any thread is there: the loop's signalfd gets what no thread takes.
    sigset_t handled;
    sigemptyset(&handled);
    sigaddset(&handled, SIGTERM);
    sigaddset(&handled, SIGINT);
    pthread_sigmask(SIG_BLOCK, &handled, NULL);
    pw_init(&argc, &argv);
    int r = play(settings, roster);
    pw_deinit();
    return exit_status(r);
}

int main(int argc, char **argv)
{
    struct options options = {.soak_request.streams = 1};
    struct settings settings;
    struct roster *roster;
    if (roster_new(&roster) < 0) {
        log_error("out of memory");
        return EXIT_FAILURE;
    }
    int status = read_settings(argc, argv, &options, roster, &settings);
    if (status < 0)
        status = run(argc, argv, &options, &settings, roster);
    roster_free(roster);
    return status;
}
