// SPDX-License-Identifier: MIT
#include "client/verb.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/amount.h"
#include "client/announce.h"
#include "client/channel.h"
#include "client/exchange.h"
#include "client/health.h"
#include "client/metrics.h"
#include "client/pipe.h"
#include "client/remote.h"
#include "client/schedule.h"
#include "client/watch.h"

enum ending verb_with_remote(const struct verb *verb, const struct request *request, verb_act *act)
{
    struct remote *remote;
    if (remote_new(request->channel, request->bus, &remote) < 0) {
        fprintf(stderr, "fermatactl: out of memory\n");
        return ENDING_UNREACHABLE;
    }
    enum ending ending = act(verb, request, remote);
    if ((ending == ENDING_REFUSED || ending == ENDING_UNREACHABLE) && *remote_why(remote))
        fprintf(stderr, "fermatactl: %s\n", remote_why(remote));
    remote_free(remote);
    return ending;
}

static enum ending finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ENDING_OK;
    fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(errno));
    return ENDING_OUTPUT;
}

static enum ending act_status(const struct verb *verb, const struct request *request,
                              struct remote *remote)
{
    struct status status;
    enum ending ending = remote_status(remote, &status);
    if (ending != ENDING_OK)
        return ending;
    if (request->json)
        status_print_json(&status, stdout);
    else
        status_print(&status, status_channel(&status, request->channel), stdout);
    return finish_output();
}

static enum ending run_status(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_status);
}

static enum ending act_call(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    return remote_call(remote, verb->property);
}

static enum ending run_call(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_call);
}

static enum ending act_name(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    if (request->argument)
        return remote_set_text(remote, verb->property, request->argument);

    struct status status;
    enum ending ending = remote_status(remote, &status);
    if (ending != ENDING_OK)
        return ending;
    const struct status_channel *channel = status_channel(&status, request->channel);
    static const struct status_names samplings = {{"sample", "hard"}, 2};
    static const struct status_names outputs = {{"stream", "source"}, 2};
    static const struct status_names profiles = {{"room", "telephone", "raw"}, 3};
    const struct status_names *names = &samplings;
    const char *value = channel->sampling;
    if (!strcmp(verb->property, "Composer")) {
        names = &status.composers;
        value = channel->composer;
    } else if (!strcmp(verb->property, "Net")) {
        names = &status.nets;
        value = channel->net;
    } else if (!strcmp(verb->property, "Profile")) {
        names = &profiles;
        value = channel->profile;
    } else if (!strcmp(verb->property, "Output")) {
        names = &outputs;
        value = channel->output;
    }
    if (!request->list)
        printf("%s\nthere are: ", value);
    for (size_t i = 0; i < names->count; i++) {
        bool barred = names == &status.nets && !request->list &&
                      !status_is_commercial(&status, names->name[i]);
        printf("%s%s%s", names->name[i], barred ? " (not for commercial use)" : "",
               request->list || i + 1 == names->count ? "\n" : ", ");
    }
    return finish_output();
}

static enum ending run_name(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_name);
}

static enum ending act_number(const struct verb *verb, const struct request *request,
                              struct remote *remote)
{
    bool is_seconds = !strcmp(verb->property, "ReseedInterval");
    bool is_volume = !strcmp(verb->property, "Volume");
    const char *text = request->argument;
    if (!text) {
        struct status status;
        enum ending ending = remote_status(remote, &status);
        if (ending != ENDING_OK)
            return ending;
        const struct status_channel *channel = status_channel(&status, request->channel);
        if (is_seconds)
            printf("%" PRIu32 "\n", channel->reseed_interval);
        else
            printf("%.6g\n", is_volume ? channel->volume : channel->threshold);
        return finish_output();
    }

    double value;
    if (is_seconds) {
        if (amount_read_seconds(text, &value) < 0 || value > UINT32_MAX || value != floor(value)) {
            fprintf(stderr,
                    "fermatactl: \"%s\" is no time in whole seconds, such as 30, 45s or 2m\n",
                    text);
            return ENDING_USAGE;
        }
        return remote_set_seconds(remote, verb->property, (uint32_t)value);
    }
    char *end = NULL;
    if (amount_read_part(text, &value) < 0)
        value = strtod(text, &end); // the daemon tells what is out of range
    if (end && (end == text || *end)) {
        fprintf(stderr, "fermatactl: \"%s\" is not a number%s\n", text,
                is_volume ? ", such as 0.8 or 80%" : ", such as 0.5 or 50%");
        return ENDING_USAGE;
    }
    return remote_set_number(remote, verb->property, value);
}

static enum ending run_number(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_number);
}

static enum ending act_text(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    bool is_rtp = !strcmp(verb->property, "Rtp");
    const char *text = request->argument;
    if (text)
        return remote_set_text(remote, verb->property, is_rtp && !strcmp(text, "off") ? "" : text);
    struct status status;
    enum ending ending = remote_status(remote, &status);
    if (ending != ENDING_OK)
        return ending;
    const struct status_channel *channel = status_channel(&status, request->channel);
    if (is_rtp)
        puts(*channel->rtp ? channel->rtp : "off");
    else
        puts(!strcmp(verb->property, "Target") ? channel->target : channel->piece_length);
    return finish_output();
}

static enum ending run_text(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_text);
}

static enum ending act_switch(const struct verb *verb, const struct request *request,
                              struct remote *remote)
{
    const char *text = request->argument;
    if (!text) {
        struct status status;
        enum ending ending = remote_status(remote, &status);
        if (ending != ENDING_OK)
            return ending;
        puts(status_channel(&status, request->channel)->midi ? "yes" : "no");
        return finish_output();
    }
    bool on;
    if (amount_read_switch(text, &on) < 0) {
        fprintf(stderr, "fermatactl: %s takes yes or no, not \"%s\"\n", verb->name, text);
        return ENDING_USAGE;
    }
    return remote_set_switch(remote, verb->property, on);
}

static enum ending run_switch(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_switch);
}

static enum ending act_watch(const struct verb *verb, const struct request *request,
                             struct remote *remote)
{
    struct watch_options options = {.channel = request->channel,
                                    .png = request->png,
                                    .seconds = request->seconds,
                                    .json = request->json,
                                    .quiet = request->quiet};
    return watch_run(remote, &options);
}

static enum ending run_watch(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_watch);
}

static enum ending act_version(const struct verb *verb, const struct request *request,
                               struct remote *remote)
{
    struct status status;
    printf("fermatactl %s\n", FERMATA_VERSION);
    fflush(stdout);
    enum ending ending = remote_status(remote, &status);
    if (ending != ENDING_OK)
        return ending;
    printf("fermatad %s\n", status.version);
    return finish_output();
}

static enum ending run_pipe(const struct verb *verb, const struct request *request)
{
    return pipe_run(request);
}

static enum ending run_version(const struct verb *verb, const struct request *request)
{
    return verb_with_remote(verb, request, act_version);
}

/** Asks for the status as a monitoring does: it starts nothing. Its ending says whether it is
 * there. */
static enum ending observe(const struct request *request, struct status *ret_status,
                           char ret_why[512])
{
    struct remote *remote;
    snprintf(ret_why, 512, "out of memory");
    if (remote_new("main", request->bus, &remote) < 0)
        return ENDING_UNREACHABLE;
    remote_do_not_start(remote);
    enum ending ending = remote_status(remote, ret_status);
    snprintf(ret_why, 512, "%s", remote_why(remote));
    remote_free(remote);
    return ending;
}

static enum ending run_health(const struct verb *verb, const struct request *request)
{
    static struct status status;
    char why[512];
    enum health health = observe(request, &status, why) == ENDING_OK
                             ? health_print(&status, request->only, stdout)
                             : health_print_absent(why, stdout);
    enum ending written = finish_output();
    // Its exit statuses are those of monitoring plugins, not of fermatactl.
    return written == ENDING_OK ? (enum ending)health : (enum ending)HEALTH_UNKNOWN;
}

/** Leaves one channel; returns whether it is there. */
static bool keep_only(struct status *status, const char *name)
{
    size_t i = 0;
    while (i < status->channel_count && strcmp(status->channels[i].name, name) != 0)
        i++;
    if (i == status->channel_count)
        return false;
    status->channels[0] = status->channels[i];
    status->channel_count = 1;
    return true;
}

static enum ending run_metrics(const struct verb *verb, const struct request *request)
{
    static struct status status;
    char why[512];
    enum ending ending = observe(request, &status, why);
    if (ending == ENDING_OK && request->only && !keep_only(&status, request->only)) {
        fprintf(stderr,
                "fermatactl: there is no channel \"%s\"; fermatactl channel list shows those "
                "there are\n",
                request->only);
        return ENDING_REFUSED;
    }
    metrics_print(ending == ENDING_OK ? &status : NULL, stdout);
    if (ending != ENDING_OK)
        fprintf(stderr, "fermatactl: %s\n", why);
    // That it is down is told in the text, which a collector drops where a command fails.
    return finish_output();
}

static enum ending run_help(const struct verb *verb, const struct request *request)
{
    const struct verb *about = NULL;
    if (request->argument && !(about = verb_find(request->argument))) {
        fprintf(stderr, "fermatactl: no verb \"%s\"; fermatactl help lists them\n",
                request->argument);
        return ENDING_USAGE;
    }
    verb_print_help(about);
    return finish_output();
}

const struct verb verbs[] = {
    {"status", NULL, "j", "what the channel plays, and on what",
     "status --json | jq .channels[0].title", run_status, NULL},
    {"start", NULL, "", "begin to play, or go on", "start", run_call, "Start"},
    {"stop", NULL, "", "fade out and keep the place", "--channel support stop", run_call, "Stop"},
    {"skip", NULL, "", "end this piece and begin a new one", "skip", run_call, "Skip"},
    {"keep", "TIME FILE", "", "write what was just played to a .mid, .wav, .png or .jsonl file",
     "keep 2m idea.mid", exchange_keep, NULL, true},
    {"seed", "FILE", "", "begin a piece with a MIDI file of yours and go on from it", "seed my.mid",
     exchange_seed, NULL},
    {"reseed", NULL, "", "prime the net with the best of what was played", "reseed", run_call,
     "Reseed"},
    {"composer", "[NAME]", "l", "the style: show or set it", "composer debussy", run_name,
     "Composer"},
    {"threshold", "[0..1|0..100%]", "", "how sure the net must be of a note: show or set it",
     "threshold 0.6", run_number, "Threshold"},
    {"sampling", "[sample|hard]", "l", "draw notes by their odds, or cut at the threshold",
     "sampling hard", run_name, "Sampling"},
    {"net", "[NAME]", "l", "the net that composes: show or set it", "net wavenet-open", run_name,
     "Net"},
    {"volume", "[0..1|0..100%]", "", "show or set it", "volume 50%", run_number, "Volume"},
    {"profile", "[room|telephone|raw]", "l", "what sound and music are made for: show or set it",
     "profile telephone", run_name, "Profile"},
    {"output", "[stream|source]", "l", "play to a PipeWire sink, or be a microphone there",
     "output source", run_name, "Output"},
    {"target", "[NAME]", "", "the PipeWire sink to play to: show or set it; '': the default one",
     "target alsa_output.usb-headset", run_text, "Target"},
    {"reseed-interval", "[TIME]", "", "between reseeds, such as 45 or 2m; 0: only when needed",
     "reseed-interval 0", run_number, "ReseedInterval"},
    {"piece-length", "[MINUTES]", "", "of a piece, such as 3 or 2-5; 0: one endless piece",
     "piece-length 2-5", run_text, "PieceLength"},
    {"rtp", "[ADDRESS:PORT|off]", "", "send the music as RTP, G.711: show or set whereto",
     "--channel support rtp 239.1.2.3:5004/alaw", run_text, "Rtp"},
    {"midi", "[yes|no]", "", "the notes as live MIDI in the PipeWire graph: show or set it",
     "midi yes", run_switch, "Midi"},
    {"announce", "[FILE]", "et", "speak a sound file over the music, once or again and again",
     "announce --every 45s please-hold.wav", announce_run, NULL,
     .ways = "announce FILE [--every TIME]\nannounce --stop\n"},
    {"channel", "[list|add|remove]", "j", "show, make and end channels",
     "channel add support --composer bach", channel_run, NULL, true,
     .ways = "channel [list] [--json]\n"
             "channel add NAME [--KEY VALUE...] (the keys of fermata.conf(5))\n"
             "channel remove NAME\n"},
    {"schedule", "[list|add|remove]", "j", "what the channel does by itself, and when",
     "schedule add 'Mon..Fri 18:00' composer=debussy", schedule_run, NULL, true,
     .ways = "schedule [list] [--json]\nschedule add WHEN WHAT...\n"
             "schedule remove NUMBER|ENTRY\n"},
    {"watch", NULL, "jpqs", "the live piano roll; lines where there is no terminal",
     "watch --quiet --seconds 60 --png minute.png", run_watch, NULL},
    {"pipe", NULL, "fnrL", "the music as raw audio on standard output, for a PBX",
     "pipe --channel support -r 8000 | aplay -r 8000 -f S16_LE", run_pipe, NULL},
    {"health", NULL, "", "a line and an exit status for monitoring (Nagios, Icinga, Checkmk)",
     "health --channel main", run_health, NULL},
    {"metrics", NULL, "", "figures for monitoring (OpenMetrics, Prometheus)",
     "metrics > fermata.prom", run_metrics, NULL},
    {"version", NULL, "", "of fermatactl and of the daemon", "version", run_version, NULL},
    {"help", "[VERB]", "", "this, or more about one verb", "help announce", run_help, NULL},
    {NULL},
};

const struct verb *verb_find(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (!strcmp(v->name, name))
            return v;
    return NULL;
}

static const struct {
    char letter;
    const char *text;
} options_help[] = {
    {'j', "  -j, --json           as JSON\n"},
    {'l', "  -l, --list           the values there are, one a line\n"},
    {'s', "  -s, --seconds TIME   watch for so long, such as 60 or 2m\n"},
    {'p', "  -p, --png FILE       write a picture of the roll at the end\n"},
    {'q', "  -q, --quiet          show nothing meanwhile\n"},
    {'e', "  -e, --every TIME     announce again that long after each time, such as 45s or 2m\n"},
    {'t', "  -t, --stop           announce nothing any more\n"},
    {'f', "  -f, --format NAME    s16le, s16be, f32le, ulaw, alaw, g722; s16le by default\n"},
    {'n', "  -n, --channels N     1 or 2; 1 by default; behind \"pipe\" also -c\n"},
    {'r', "  -r, --rate HZ        8000 to 48000; 8000 by default; 16000 for g722\n"},
    {'L', "  -L, --live           no faster than it is heard, to who takes all he gets\n"},
};

void verb_print_help(const struct verb *verb)
{
    const char *sets = verb ? verb->options : "jlspqetfnrL";
    if (verb && verb->ways) {
        const char *before = "usage: fermatactl ";
        for (const char *way = verb->ways; *way;) {
            size_t length = strcspn(way, "\n") + 1;
            fputs(before, stdout);
            fwrite(way, 1, length, stdout);
            before = "       fermatactl ";
            way += length;
        }
        printf("\n%s\n\n", verb->help);
    } else if (verb) {
        printf("usage: fermatactl %s [OPTION...]%s%s\n\n%s\n\n", verb->name,
               verb->argument ? " " : "", verb->argument ? verb->argument : "", verb->help);
    } else {
        printf("usage: fermatactl [OPTION...] [VERB [VALUE]]\n\n"
               "Steers Fermata, the daemon that plays endless live piano. Alone: status.\n\n");
        for (const struct verb *v = verbs; v->name; v++)
            printf("  %-15s %-14s  %s\n", v->name, v->argument ? v->argument : "", v->help);
        printf("\n");
    }
    for (size_t i = 0; i < sizeof(options_help) / sizeof(*options_help); i++)
        if (strchr(sets, options_help[i].letter))
            fputs(options_help[i].text, stdout);
    printf("  -c, --channel NAME   the channel meant, instead of \"main\"\n"
           "  -S, --system         the machine's instance (system bus)\n"
           "  -U, --user           your own instance (session bus)\n");
    if (verb)
        printf("\nExample: fermatactl %s\n", verb->example);
    else
        printf(
            "  -h, --help           this\n"
            "  -V, --version        of fermatactl\n\n"
            "Without --system, --user and FERMATA_BUS=session|system it is the instance that "
            "runs,\n"
            "your own first, or else the one that can be started.\n\n"
            "Exit codes: 0 done, 1 refused by the daemon, 2 wrong usage, 3 daemon not reachable,\n"
            "4 daemon lost while watching, 5 output cannot be written. More: man fermatactl\n");
}
