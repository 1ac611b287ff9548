// SPDX-License-Identifier: MIT
#include "client/schedule.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/remote.h"
#include "client/text.h"
#include "client/verb.h"

static void write_time(uint64_t seconds, char ret_text[64])
{
    time_t time = (time_t)seconds;
    struct tm local;
    if (!seconds || !localtime_r(&time, &local) ||
        !strftime(ret_text, 64, "%a %Y-%m-%d %H:%M:%S %Z", &local))
        strcpy(ret_text, "never again");
}

static void print_json(const struct remote_entry *entries, size_t count)
{
    // Nothing in an entry needs to be escaped but what stands in names.
    printf("[");
    for (size_t i = 0; i < count; i++) {
        printf("%s\n  {\"entry\": \"", i ? "," : "");
        for (const char *c = entries[i].text; *c; c++)
            printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        printf("\", \"next\": %" PRIu64 "}", entries[i].next);
    }
    printf("%s]\n", count ? "\n" : "");
}

static enum ending act_list(const struct verb *verb, const struct request *request,
                            struct remote *remote)
{
    struct remote_entry entries[REMOTE_ENTRIES];
    size_t count;
    enum ending ending = remote_schedule(remote, entries, &count);
    if (ending != ENDING_OK)
        return ending;
    if (request->json)
        print_json(entries, count);
    else if (!count)
        printf("nothing is scheduled; add something, such as: fermatactl schedule add Mon..Fri "
               "18:00 composer=debussy\n");
    for (size_t i = 0; i < count && !request->json; i++) {
        char next[64];
        write_time(entries[i].next, next);
        printf("%2zu  %-48s  next %s\n", i + 1, entries[i].text, next);
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ENDING_OK;
    fprintf(stderr, "fermatactl: cannot write: %s\n", strerror(errno));
    return ENDING_OUTPUT;
}

/** All words after the first one, with spaces between them. */
static void join(const struct request *request, char *ret_text, size_t room)
{
    size_t at = 0;
    ret_text[0] = '\0';
    for (size_t i = 1; i < request->word_count && at < room; i++)
        at +=
            (size_t)snprintf(ret_text + at, room - at, "%s%s", i > 1 ? " " : "", request->words[i]);
}

static enum ending act_add(const struct verb *verb, const struct request *request,
                           struct remote *remote)
{
    char text[1024];
    join(request, text, sizeof text);
    return remote_change_schedule(remote, "AddSchedule", text);
}

static enum ending act_remove(const struct verb *verb, const struct request *request,
                              struct remote *remote)
{
    char text[1024], *end;
    join(request, text, sizeof text);
    unsigned long number = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end) {
        struct remote_entry entries[REMOTE_ENTRIES];
        size_t count;
        enum ending ending = remote_schedule(remote, entries, &count);
        if (ending != ENDING_OK)
            return ending;
        if (number >= 1 && number <= count)
            text_copy(text, sizeof text, entries[number - 1].text);
    }
    return remote_change_schedule(remote, "RemoveSchedule", text);
}

enum ending schedule_run(const struct verb *verb, const struct request *request)
{
    const char *what = request->argument ? request->argument : "list";
    if (!strcmp(what, "list") && request->word_count <= 1)
        return verb_with_remote(verb, request, act_list);
    if (!request->json && request->word_count >= 2) {
        if (!strcmp(what, "add"))
            return verb_with_remote(verb, request, act_add);
        if (!strcmp(what, "remove"))
            return verb_with_remote(verb, request, act_remove);
    }
    fprintf(stderr,
            "fermatactl: use it as: schedule list [--json], schedule add WHEN WHAT... (such "
            "as Mon..Fri 18:00 composer=debussy), schedule remove NUMBER|ENTRY\n");
    return ENDING_USAGE;
}
