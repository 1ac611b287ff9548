// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/amount.h"
#include "client/health.h"
#include "client/verb.h"

static const struct option options[] = {
    {"channel", required_argument, NULL, 'c'},
    {"channels", required_argument, NULL, 'n'},
    {"every", required_argument, NULL, 'e'},
    {"format", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, 'j'},
    {"list", no_argument, NULL, 'l'},
    {"live", no_argument, NULL, 'L'},
    {"png", required_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 's'},
    {"stop", no_argument, NULL, 't'},
    {"system", no_argument, NULL, 'S'},
    {"user", no_argument, NULL, 'U'},
    {"version", no_argument, NULL, 'V'},
    {NULL},
};

/** What is not an option, and the settings that stand among the options ("channel add"). */
struct words {
    const char *of[REQUEST_WORDS];
    size_t count;
};

static struct words typed;

/** Of a monitoring the reason is on standard output, and 2 would say that there is no music. */
static int usage(const char *what, const char *which)
{
    const char *space = which ? " " : "";
    which = which ? which : "";
    if (typed.count && !strcmp(typed.of[0], "health"))
        return (int)health_print_unknown(what, which, stdout);
    fprintf(stderr, "fermatactl: %s%s%s; see: fermatactl help\n", what, space, which);
    return ENDING_USAGE;
}

/** FERMATA_BUS; false where it makes no sense. */
static bool read_environment(struct request *request)
{
    const char *bus = getenv("FERMATA_BUS");
    if (!bus || !*bus)
        return true;
    request->bus = !strcmp(bus, "system") ? REMOTE_SYSTEM : REMOTE_SESSION;
    return !strcmp(bus, "system") || !strcmp(bus, "session");
}

static bool takes_settings(const struct words *words)
{
    return words->count >= 2 && !strcmp(words->of[0], "channel") && !strcmp(words->of[1], "add");
}

/** "--composer bach" or "--composer=bach", which getopt_long() has never heard of. */
static bool take_setting(struct request *request, int argc, char **argv)
{
    char *name = argv[optind - 1];
    if (strncmp(name, "--", 2) || request->setting_count == REQUEST_SETTINGS)
        return false;
    struct request_setting *setting = &request->settings[request->setting_count++];
    char *value = strchr(name, '=');
    setting->key = name + 2;
    if (value)
        *value++ = '\0';
    else if (optind < argc)
        value = argv[optind++];
    setting->value = value;
    return value != NULL;
}

static int add_word(struct words *words, const char *word)
{
    if (words->count == REQUEST_WORDS)
        return -1;
    words->of[words->count++] = word;
    opterr = !takes_settings(words);
    return 0;
}

/** Whether an option was given with one dash: "-c 1" or "-c1". */
static bool is_short(char **argv, const char *value)
{
    const char *before = argv[optind - 1] == value ? argv[optind - 2] : argv[optind - 1];
    return strncmp(before, "--", 2) != 0;
}

/** Reads the command line. Returns -1, and the verb to run; or how it has ended. */
static int read_line(int argc, char **argv, struct request *request, const struct verb **ret_verb)
{
    char given[20] = "";
    int letter;
    bool help = false;
    // The words come in their places among the options: some of these belong to a word.
    while ((letter = getopt_long(argc, argv, "-c:e:f:hjlLn:p:qr:s:tSUV", options, NULL)) != -1) {
        switch (letter) {
        case 1:
            if (add_word(&typed, optarg) < 0)
                return usage("one value too many:", optarg);
            continue;
        case 'n':
            request->channels = optarg;
            break;
        case 'c':
            // What FreeSWITCH puts behind the command: -r RATE -c CHANNELS.
            if (typed.count && !strcmp(typed.of[0], "pipe") && is_short(argv, optarg)) {
                request->channels = optarg;
                continue;
            }
            request->channel = request->only = optarg;
            continue;
        case 'h':
            help = true;
            continue;
        case 'S':
            request->bus = REMOTE_SYSTEM;
            continue;
        case 'U':
            request->bus = REMOTE_SESSION;
            continue;
        case 'V':
            printf("fermatactl %s\n", FERMATA_VERSION);
            return ENDING_OK;
        case 'e':
            if (amount_read_seconds(optarg, &request->every) < 0 || request->every < 5 ||
                request->every > 3600 || request->every != floor(request->every))
                return usage("--every takes whole seconds, 5 s to 1 h, such as 45s or 2m, not",
                             optarg);
            break;
        case 't':
            request->stop = true;
            break;
        case 'j':
            request->json = true;
            break;
        case 'f':
            request->format = optarg;
            break;
        case 'r':
            request->rate = optarg;
            break;
        case 'l':
            request->list = true;
            break;
        case 'L':
            request->live = true;
            break;
        case 'p':
            request->png = optarg;
            break;
        case 'q':
            request->quiet = true;
            break;
        case 's':
            if (amount_read_seconds(optarg, &request->seconds) < 0 || request->seconds <= 0)
                return usage("--seconds takes a time above 0, such as 60 or 1m30s, not", optarg);
            break;
        default:
            if (takes_settings(&typed) && take_setting(request, argc, argv))
                continue;
            if (takes_settings(&typed))
                return usage("cannot read", argv[optind - 1]);
            // getopt_long() has told
            return usage("cannot read the command line", NULL);
        }
        if (!strchr(given, letter))
            given[strlen(given)] = (char)letter;
    }

    if (!read_environment(request))
        return usage("FERMATA_BUS takes session or system, not", getenv("FERMATA_BUS"));
    for (; optind < argc; optind++)
        if (add_word(&typed, argv[optind]) < 0)
            return usage("one value too many:", argv[optind]);
    const char *name = typed.count ? typed.of[0] : "status";
    const struct verb *verb = verb_find(name);
    if (!verb)
        return usage("no such verb:", name);
    if (help) {
        verb_print_help(typed.count ? verb : NULL);
        return ENDING_OK;
    }
    request->words = typed.of + 1;
    request->word_count = typed.count ? typed.count - 1 : 0;
    if (request->word_count)
        request->argument = typed.of[1];
    if (request->argument && !verb->argument)
        return usage("takes no value:", name);
    if (request->word_count > 1 && !verb->many)
        return usage("one value too many:", typed.of[2]);
    for (const char *g = given; *g; g++) {
        const struct option *o = options;
        while (o->val != *g)
            o++;
        if (!strchr(verb->options, *g))
            return usage("this verb has no option", o->name);
    }
    *ret_verb = verb;
    return -1;
}

/** A standard stream that is closed is one that cannot be read or written: what is opened later
 * must not become it. */
static void keep_places(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) < 0)
            return; // there is nothing to keep it with
}

int main(int argc, char **argv)
{
    keep_places();
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); // numbers are typed, printed and told in one way everywhere

    struct request request = {.channel = "main"};
    const struct verb *verb = NULL;
    int ending = read_line(argc, argv, &request, &verb);
    if (ending < 0)
        ending = (int)verb->run(verb, &request);
    // Who reads no more has had enough.
    if (ending == ENDING_OK && fflush(stdout) != 0 && errno != EPIPE) {
        fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(errno));
        ending = ENDING_OUTPUT;
    }
    return ending;
}
