// SPDX-License-Identifier: MIT
#include "control/schedule.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/settings.h"

/** What may be changed while the music plays: settings with a setter in channel.h. */
static const char *const keys[] = {"composer",        "net",         "threshold", "sampling",
                                   "volume",          "profile",     "output",    "target",
                                   "reseed-interval", "piece-length"};
static const char *const deeds[] = {"start", "stop", "skip"};

void schedule_finish(struct schedule *schedule)
{
    free(schedule->entries);
    *schedule = (struct schedule){0};
}

int schedule_copy(struct schedule *schedule, const struct schedule *from)
{
    struct schedule_entry *entries = calloc(from->count + 1, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    if (from->count)
        memcpy(entries, from->entries, from->count * sizeof *entries);
    free(schedule->entries);
    *schedule = (struct schedule){entries, from->count};
    return 0;
}

static bool is_among(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(words[i], word))
            return true;
    return false;
}

static int check_deed(char *word, const char **ret_why)
{
    char *value = strchr(word, '=');
    if (!value)
        return 0;
    *value++ = '\0';
    *ret_why = "can change composer, net, threshold, sampling, volume, profile, output, target, "
               "reseed-interval and piece-length";
    if (!is_among(word, keys, sizeof keys / sizeof *keys))
        return -EINVAL;
    struct settings scratch;
    settings_init(&scratch);
    return settings_set(&scratch, word, value, ret_why) < 0 ? -EINVAL : 0;
}

static bool is_deed(const char *word)
{
    return strchr(word, '=') || is_among(word, deeds, sizeof deeds / sizeof *deeds);
}

static int parse(const char *text, struct schedule_entry *ret_entry, const char **ret_why)
{
    struct schedule_entry entry = {.text = ""};
    char words[SCHEDULE_ROOM], when[SCHEDULE_ROOM] = "", *rest;
    bool acts = false;
    *ret_why = "is too long";
    if (snprintf(words, sizeof words, "%s", text) >= (int)sizeof words)
        return -EINVAL;
    for (char *word = strtok_r(words, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (*entry.text)
            strcat(entry.text, " ");
        strcat(entry.text, word);
        if (is_deed(word)) {
            acts = true;
            if (check_deed(word, ret_why) < 0)
                return -EINVAL;
            continue;
        }
        *ret_why =
            "says when and then what, such as Mon..Fri 18:00 composer=debussy, or start, stop "
            "or skip";
        if (acts)
            return -EINVAL;
        if (*when)
            strcat(when, " ");
        strcat(when, word);
    }
    int r = calendar_parse(when, &entry.calendar, ret_why);
    if (r < 0)
        return r;
    *ret_why = "says when, but not what, such as composer=debussy, volume=0.5, start, stop or skip";
    if (!acts)
        return -EINVAL;
    *ret_entry = entry;
    return 0;
}

static size_t find(const struct schedule *schedule, const char *text)
{
    size_t i = 0;
    while (i < schedule->count && strcmp(schedule->entries[i].text, text))
        i++;
    return i;
}

int schedule_add(struct schedule *schedule, const char *text, const char **ret_why)
{
    struct schedule_entry entry;
    int r = parse(text, &entry, ret_why);
    if (r < 0)
        return r;
    *ret_why = "is there already";
    if (find(schedule, entry.text) < schedule->count)
        return -EEXIST;
    *ret_why = "is one too many: a channel has 32 at most";
    if (schedule->count == SCHEDULE_ENTRIES)
        return -ENOSPC;
    struct schedule_entry *entries =
        realloc(schedule->entries, (schedule->count + 1) * sizeof *entries);
    if (!entries)
        return -ENOMEM;
    entries[schedule->count++] = entry;
    schedule->entries = entries;
    return 0;
}

int schedule_remove(struct schedule *schedule, const char *text)
{
    size_t i = find(schedule, text);
    if (i == schedule->count)
        return -ENOENT;
    schedule->count--;
    memmove(schedule->entries + i, schedule->entries + i + 1,
            (schedule->count - i) * sizeof *schedule->entries);
    return 0;
}

time_t schedule_next(const struct schedule_entry *entry, time_t now)
{
    time_t next;
    return calendar_next(&entry->calendar, now, &next) == 0 ? next : 0;
}

size_t schedule_due(const struct schedule *schedule, time_t since, time_t now,
                    const struct schedule_entry *ret_entries[SCHEDULE_ENTRIES])
{
    time_t times[SCHEDULE_ENTRIES];
    size_t count = 0;
    for (size_t i = 0; i < schedule->count; i++) {
        time_t last;
        if (calendar_last(&schedule->entries[i].calendar, now, &last) < 0 || last <= since)
            continue;
        size_t at = count++;
        for (; at > 0 && times[at - 1] > last; at--) {
            times[at] = times[at - 1];
            ret_entries[at] = ret_entries[at - 1];
        }
        times[at] = last;
        ret_entries[at] = &schedule->entries[i];
    }
    return count;
}

void schedule_act(const struct schedule_entry *entry,
                  void (*act)(void *user, const char *key, const char *value), void *user)
{
    char words[SCHEDULE_ROOM], *rest;
    strcpy(words, entry->text);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (!is_deed(word))
            continue;
        char *value = strchr(word, '=');
        if (value)
            *value++ = '\0';
        act(user, word, value ? value : "");
    }
}

uint32_t schedule_hash(const struct schedule *schedule)
{
    uint32_t hash = 2166136261U; // FNV-1a
    for (size_t i = 0; i < schedule->count; i++)
        for (const char *c = schedule->entries[i].text;; c++) {
            hash = (hash ^ (unsigned char)*c) * 16777619U;
            if (!*c)
                break;
        }
    return hash;
}
