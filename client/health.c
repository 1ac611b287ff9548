// SPDX-License-Identifier: MIT
#include "client/health.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

static const char *name_of(enum health health)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    return names[health];
}

/** Of the plugins' verdicts the worst is CRITICAL, not the highest number. */
static enum health worse(enum health a, enum health b)
{
    static const int rank[] = {0, 1, 3, 2};
    return rank[a] > rank[b] ? a : b;
}

enum health health_judge(const struct status_channel *c, char ret_text[HEALTH_ROOM])
{
    if (!strcmp(c->state, "stopped")) {
        snprintf(ret_text, HEALTH_ROOM, "stopped; fermatactl --channel %s start", c->name);
        return HEALTH_WARNING;
    }
    if (!strcmp(c->state, "waiting")) {
        snprintf(ret_text, HEALTH_ROOM, "waiting: %s", c->state_reason);
        return HEALTH_CRITICAL;
    }
    if (!strcmp(c->state, "starting") && !c->listeners) {
        snprintf(ret_text, HEALTH_ROOM, "ready; nobody listens");
        return HEALTH_OK;
    }
    if (!strcmp(c->state, "idle")) {
        snprintf(ret_text, HEALTH_ROOM, "idle: %s", c->state_reason);
        return HEALTH_OK;
    }
    if (!strcmp(c->state, "starting")) {
        snprintf(ret_text, HEALTH_ROOM, "starting for %" PRIu64 " s", c->uptime);
        return c->uptime > HEALTH_START_SECONDS ? HEALTH_CRITICAL : HEALTH_OK;
    }
    if (c->level < HEALTH_SILENT && c->uptime > HEALTH_START_SECONDS) {
        snprintf(ret_text, HEALTH_ROOM, "%s, but silent: %.0f dBFS", c->state, c->level);
        return HEALTH_CRITICAL;
    }
    bool degraded = !strcmp(c->state, "degraded");
    snprintf(ret_text, HEALTH_ROOM, "%s%s%s, %.1f s ahead", c->state, degraded ? ": " : "",
             degraded ? c->state_reason : "", c->seconds_ahead);
    if (c->seconds_ahead < HEALTH_AHEAD_CRITICAL)
        return HEALTH_CRITICAL;
    return degraded || c->seconds_ahead < HEALTH_AHEAD_WARNING ? HEALTH_WARNING : HEALTH_OK;
}

static bool is_meant(const struct status_channel *channel, const char *only)
{
    return !only || !strcmp(channel->name, only);
}

/** What breaks the plugins' line: a bar begins the figures, a new line ends it. */
static void put_plain(const char *text, FILE *file)
{
    for (; *text; text++)
        fputc(*text == '|' || *text == '\n' ? '/' : *text, file);
}

static void print_figures(const struct status_channel *c, FILE *file)
{
    fprintf(file, " '%s_ahead'=%.1fs;%d:;%d:;0", c->name, c->seconds_ahead, HEALTH_AHEAD_WARNING,
            HEALTH_AHEAD_CRITICAL);
    fprintf(file, " '%s_notes_per_minute'=%.0f;;;0", c->name, c->notes_per_minute);
    fprintf(file, " '%s_longest_gap'=%" PRIu64 "ms;;;0", c->name,
            status_count(c, "longest_gap_ms"));
    fprintf(file, " '%s_level'=%.1f;;%d:", c->name, c->level, HEALTH_SILENT);
    fprintf(file, " '%s_listeners'=%" PRIu32 ";;;0", c->name, c->listeners);
    fprintf(file, " '%s_underruns'=%" PRIu64 "ms;;;0", c->name, c->underruns);
    fprintf(file, " '%s_reseeds'=%" PRIu64 "c", c->name, c->reseeds);
    fprintf(file, " '%s_refused'=%" PRIu64 "c", c->name, status_count(c, "refused"));
}

enum health health_print(const struct status *status, const char *only, FILE *file)
{
    char text[HEALTH_ROOM];
    enum health worst = HEALTH_OK;
    size_t meant = 0;
    for (size_t i = 0; i < status->channel_count; i++)
        if (is_meant(&status->channels[i], only)) {
            worst = worse(worst, health_judge(&status->channels[i], text));
            meant++;
        }
    if (!meant) {
        fprintf(file, "FERMATA UNKNOWN: there is no channel \"");
        put_plain(only ? only : "", file);
        fprintf(file, "\"\n");
        return HEALTH_UNKNOWN;
    }
    fprintf(file, "FERMATA %s", name_of(worst));
    const char *before = ": ";
    for (size_t i = 0; i < status->channel_count; i++) {
        const struct status_channel *c = &status->channels[i];
        // Of many channels only those that explain the verdict.
        if (!is_meant(c, only) || health_judge(c, text) != worst)
            continue;
        fprintf(file, "%s%s ", before, c->name);
        put_plain(text, file);
        before = "; ";
    }
    fprintf(file, " |");
    for (size_t i = 0; i < status->channel_count; i++)
        if (is_meant(&status->channels[i], only))
            print_figures(&status->channels[i], file);
    fputc('\n', file);
    return worst;
}

enum health health_print_unknown(const char *what, const char *which, FILE *file)
{
    fprintf(file, "FERMATA UNKNOWN: ");
    put_plain(what, file);
    fputc(' ', file);
    put_plain(which, file);
    fputs("; see: fermatactl help health\n", file);
    return HEALTH_UNKNOWN;
}

enum health health_print_absent(const char *why, FILE *file)
{
    fprintf(file, "FERMATA CRITICAL: ");
    put_plain(why, file);
    fputc('\n', file);
    return HEALTH_CRITICAL;
}
