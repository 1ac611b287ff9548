// SPDX-License-Identifier: MIT
#include <getopt.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/verb.h"

static const struct option options[] = {
    {"channel", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"json", no_argument, NULL, 'j'},
    {"list", no_argument, NULL, 'l'},
    {"png", required_argument, NULL, 'p'},
    {"quiet", no_argument, NULL, 'q'},
    {"seconds", required_argument, NULL, 's'},
    {"system", no_argument, NULL, 'S'},
    {"user", no_argument, NULL, 'U'},
    {"version", no_argument, NULL, 'V'},
    {NULL},
};

static enum ending usage(const char *what, const char *which)
{
    fprintf(stderr, "fermatactl: %s%s%s; see: fermatactl help\n", what, which ? " " : "",
            which ? which : "");
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

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); // numbers are typed, printed and told in one way everywhere

    struct request request = {.channel = "main"};
    if (!read_environment(&request))
        return usage("FERMATA_BUS takes session or system, not", getenv("FERMATA_BUS"));
    char given[8] = "", *end;
    int letter;
    bool help = false;
    while ((letter = getopt_long(argc, argv, "c:hjlp:qs:SUV", options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            request.channel = request.only = optarg;
            continue;
        case 'h':
            help = true;
            continue;
        case 'S':
            request.bus = REMOTE_SYSTEM;
            continue;
        case 'U':
            request.bus = REMOTE_SESSION;
            continue;
        case 'V':
            printf("fermatactl %s\n", FERMATA_VERSION);
            return ENDING_OK;
        case 'j':
            request.json = true;
            break;
        case 'l':
            request.list = true;
            break;
        case 'p':
            request.png = optarg;
            break;
        case 'q':
            request.quiet = true;
            break;
        case 's':
            request.seconds = strtod(optarg, &end);
            if (end == optarg || *end || !isfinite(request.seconds) || request.seconds <= 0)
                return usage("--seconds takes a number above 0, not", optarg);
            break;
        default: // getopt_long() has told
            return usage("cannot read the command line", NULL);
        }
        if (!strchr(given, letter))
            given[strlen(given)] = (char)letter;
    }

    if (help) {
        verb_print_help(optind < argc ? verb_find(argv[optind]) : NULL);
        return ENDING_OK;
    }
    const char *name = optind < argc ? argv[optind++] : "status";
    const struct verb *verb = verb_find(name);
    if (!verb)
        return usage("no such verb:", name);
    if (optind < argc)
        request.argument = argv[optind++];
    if (request.argument && !verb->argument)
        return usage("takes no value:", name);
    if (optind < argc)
        return usage("one value too many:", argv[optind]);
    for (const char *g = given; *g; g++) {
        const struct option *o = options;
        while (o->val != *g)
            o++;
        if (!strchr(verb->options, *g))
            return usage("this verb has no option", o->name);
    }
    return verb->run(verb, &request);
}
