// SPDX-License-Identifier: MIT
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/roster.h"
#include "control/settings.h"
#include "control/soak_stream.h"
#include "log.h"

/** Exit status for a command line that makes no sense (sysexits.h EX_USAGE). */
#define EXIT_USAGE 64
/** Settings that a person may give on the command line, and fifteen more options. */
#define OPTIONS 64
#define LONGEST_SECONDS (SOAK_HOURS * 3600.0)

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
        "  --system                 serve the machine: on the system bus, with the settings of\n"
        "                           /etc/fermata alone, to pipes instead of PipeWire\n"
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

/** Where the machine's instance keeps what a user's has in its home. */
static void use_system_folders(struct settings *settings)
{
    const char *state = getenv("STATE_DIRECTORY"); // systemd's, as CACHE_DIRECTORY
    snprintf(settings->state_file, sizeof settings->state_file, "%s/state.conf",
             state && *state == '/' ? state : "/var/lib/fermata");
    const char *cache = getenv("CACHE_DIRECTORY");
    if (!cache || *cache != '/')
        cache = "/var/cache/fermata";
    setenv("CACHE_DIRECTORY", cache, 1);
    setenv("MESA_SHADER_CACHE_DIR", cache, 0);
}

static void read_config(struct roster *roster, const char *config, bool system)
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
    if ((r == 0 || r == -ENOENT) && (config || !system))
        r = roster_read_file(roster, path);
    if (r == -ENOENT && config)
        log_warning("there is no settings file %s; going on without it", config);
}

static int read_length(const char *name, double unit, double *ret_seconds)
{
    char *end;
    double number = strtod(optarg, &end);
    if (end == optarg || *end || !(number > 0 && *ret_seconds + number * unit <= LONGEST_SECONDS)) {
        fprintf(stderr, "fermatad: --%s %s: must be a number more than 0, up to %g%s\n", name,
                optarg, (LONGEST_SECONDS - *ret_seconds) / unit,
                *ret_seconds > 0 ? " beside what is said already" : "");
        return EXIT_USAGE;
    }
    *ret_seconds += number * unit; // an hour and a half may be told with both
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
    if (*count == OPTIONS_NAMES) {
        fprintf(stderr, "fermatad: %s: more than %d names\n", optarg, OPTIONS_NAMES);
        return EXIT_USAGE;
    }
    names[(*count)++] = optarg;
    return -1;
}

/** An option without that which it is for was meant otherwise. */
static int check_modes(const struct options *options)
{
    if (options->soak + options->compose + options->tune > 1) {
        fprintf(stderr, "fermatad: --compose, --soak and --tune cannot be had at once\n");
        return EXIT_USAGE;
    }
    if (options->soak && !options->soak_request.folder) {
        fprintf(stderr, "fermatad: --soak needs a folder to write to, such as --out soak\n");
        return EXIT_USAGE;
    }
    if (!options->soak && (options->soak_request.folder || options->soak_request.streams)) {
        fprintf(stderr, "fermatad: --out and --streams go with --soak\n");
        return EXIT_USAGE;
    }
    if (!options->soak && !options->compose && options->seconds > 0) {
        fprintf(stderr, "fermatad: --hours, --minutes and --seconds go with --compose and --soak; "
                        "otherwise the music has no end\n");
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
        SYSTEM = 1000,
        CONFIG,
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
        {"system", no_argument, NULL, SYSTEM},
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
    size_t n = 15;
    for (int i = 0; settings_keys[i].key && n < OPTIONS - 1; i++)
        table[n++] = (struct option){settings_keys[i].key, required_argument, NULL, i + 1};

    struct soak_request *soak = &options->soak_request;
    soak->net_count = soak->composer_count = 0;
    options->seconds = 0;
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
        case SYSTEM:
            options->system = true;
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
            settings->demanded |= UINT64_C(1) << (c - 1);
            if (settings_set(settings, settings_keys[c - 1].key, optarg, &why) < 0) {
                fprintf(stderr, "fermatad: --%s %s: it %s\n", settings_keys[c - 1].key, optarg,
                        why);
                return EXIT_USAGE;
            }
        }
        if (status >= 0)
            return status;
    }
    int status = check_modes(options);
    return status >= 0 ? status : read_files(argc, argv, options);
}

int options_read(int argc, char **argv, struct options *options, struct roster *roster,
                 struct settings *settings)
{
    *options = (struct options){0};
    settings_init(settings);
    struct settings unused = *settings;
    int status = read_options(argc, argv, options, &unused);
    if (status >= 0)
        return status;
    read_config(roster, options->config, options->system);
    *settings = *roster_defaults(roster);
    if (options->system)
        use_system_folders(settings);
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
