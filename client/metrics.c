// SPDX-License-Identifier: MIT
#include "client/metrics.h"

#include <inttypes.h>
#include <string.h>

/** A family of figures, one of each channel. */
struct family {
    const char *name; ///< without the prefix and, of a counter, the suffix
    const char *unit; ///< which the name ends with; "" for none
    const char *help;
    bool counter;
    double (*of)(const struct status_channel *channel);
};

static double ahead(const struct status_channel *c)
{
    return c->seconds_ahead;
}

static double notes_per_minute(const struct status_channel *c)
{
    return c->notes_per_minute;
}

static double longest_gap(const struct status_channel *c)
{
    return (double)status_count(c, "longest_gap_ms") / 1000;
}

static double level(const struct status_channel *c)
{
    return c->level;
}

static double listeners(const struct status_channel *c)
{
    return c->listeners;
}

static double underruns(const struct status_channel *c)
{
    return (double)c->underruns / 1000;
}

static double volume(const struct status_channel *c)
{
    return c->volume;
}

static double uptime(const struct status_channel *c)
{
    return (double)c->uptime;
}

static double played(const struct status_channel *c)
{
    return (double)c->position / 1e6;
}

static double trimmed_threshold(const struct status_channel *c)
{
    // Nothing is trimmed before there is music.
    uint64_t permille = status_count(c, "threshold_permille");
    return permille ? (double)permille / 1000 : c->threshold;
}

static double reseeds(const struct status_channel *c)
{
    return (double)c->reseeds;
}

static double pieces(const struct status_channel *c)
{
    return (double)status_count(c, "pieces");
}

static const struct family families[] = {
    {"composed_ahead_seconds", "seconds", "Music composed and not yet played.", false, ahead},
    {"notes_per_minute", "", "Onsets a minute, of the last 20 seconds played.", false,
     notes_per_minute},
    {"longest_gap_seconds", "seconds", "Longest time between two onsets since the daemon started.",
     false, longest_gap},
    {"trimmed_threshold_ratio", "ratio",
     "Threshold that the net is played at, for the density that the one asked for stands for.",
     false, trimmed_threshold},
    {"level_dbfs", "dbfs", "RMS level of the last three seconds, before the volume.", false, level},
    {"volume_ratio", "ratio", "Volume, 0 to 1.", false, volume},
    {"playing_seconds", "seconds", "Since the channel last started to play.", false, uptime},
    {"listeners", "", "Outputs and pipes that take the music.", false, listeners},
    {"underrun_seconds", "seconds", "Silence given out for want of music.", true, underruns},
    {"played_seconds", "seconds", "Music played.", true, played},
    {"reseeds", "", "How often the net was primed anew.", true, reseeds},
    {"pieces", "", "Pieces begun.", true, pieces},
};

static const char *const states[] = {"stopped", "starting", "playing",
                                     "waiting", "degraded", "idle"};
static const char *const rungs[] = {"least-bad", "net",     "replay",   "phrases",
                                    "device",    "stalled", "elsewhere"};

static void print_text(const char *text, FILE *file)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        if (*text == '\n')
            fputs("\\n", file);
        else
            fputc(*text, file);
    }
}

static void print_head(const char *name, const char *type, const char *unit, const char *help,
                       FILE *file)
{
    fprintf(file, "# TYPE fermata_%s %s\n", name, type);
    if (*unit)
        fprintf(file, "# UNIT fermata_%s %s\n", name, unit);
    fprintf(file, "# HELP fermata_%s %s\n", name, help);
}

static void print_families(const struct status *status, FILE *file)
{
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const struct family *family = &families[i];
        print_head(family->name, family->counter ? "counter" : "gauge", family->unit, family->help,
                   file);
        for (size_t k = 0; k < status->channel_count; k++)
            fprintf(file, "fermata_%s%s{channel=\"%s\"} %.10g\n", family->name,
                    family->counter ? "_total" : "", status->channels[k].name,
                    family->of(&status->channels[k]));
    }
}

/** Whether a reason has the word at its beginning or behind a semicolon (see the interface). */
static bool has_word(const char *reason, const char *word)
{
    size_t length = strlen(word);
    for (; reason; reason = strchr(reason, ';')) {
        reason += strspn(reason, "; ");
        if (!strncmp(reason, word, length) && reason[length] == ':')
            return true;
    }
    return false;
}

static void print_sets(const struct status *status, FILE *file)
{
    print_head("state", "stateset", "", "What the channel does.", file);
    for (size_t i = 0; i < status->channel_count; i++)
        for (size_t k = 0; k < sizeof states / sizeof *states; k++)
            fprintf(file, "fermata_state{channel=\"%s\",fermata_state=\"%s\"} %d\n",
                    status->channels[i].name, states[k],
                    !strcmp(status->channels[i].state, states[k]));
    print_head("rung", "stateset", "", "Of the ladder: what is heard in the net's place, and why.",
               file);
    for (size_t i = 0; i < status->channel_count; i++)
        for (size_t k = 0; k < sizeof rungs / sizeof *rungs; k++)
            fprintf(file, "fermata_rung{channel=\"%s\",fermata_rung=\"%s\"} %d\n",
                    status->channels[i].name, rungs[k],
                    has_word(status->channels[i].state_reason, rungs[k]));
}

/** What the curator decided, by the names the daemon gives. */
static void print_decisions(const struct status *status, FILE *file)
{
    print_head("decisions", "counter", "", "What was decided about the music.", file);
    for (size_t i = 0; i < status->channel_count; i++) {
        const struct status_counts *counts = &status->channels[i].decisions;
        for (size_t k = 0; k < counts->count; k++)
            if (strcmp(counts->of[k].name, "longest_gap_ms") != 0 &&
                strcmp(counts->of[k].name, "threshold_permille") != 0)
                fprintf(file,
                        "fermata_decisions_total{channel=\"%s\",decision=\"%s\"} %" PRIu64 "\n",
                        status->channels[i].name, counts->of[k].name, counts->of[k].value);
    }
}

void metrics_print(const struct status *status, FILE *file)
{
    print_head("up", "gauge", "", "Whether the daemon answers.", file);
    fprintf(file, "fermata_up %d\n", status != NULL);
    if (status) {
        print_head("build", "info", "", "What plays, and on what.", file);
        fprintf(file, "fermata_build_info{version=\"");
        print_text(status->version, file);
        fprintf(file, "\",device=\"");
        print_text(status->device, file);
        fprintf(file, "\",driver=\"");
        print_text(status->driver, file);
        fprintf(file, "\"} 1\n");
        print_families(status, file);
        print_sets(status, file);
        print_decisions(status, file);
    }
    fprintf(file, "# EOF\n");
}
