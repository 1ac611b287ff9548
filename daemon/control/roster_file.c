// SPDX-License-Identifier: MIT
#include "control/roster_private.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "client/whole_file.h"
#include "log.h"

#define SECTION "fermata"
#define CHANNEL_SECTION "channel "
#define LONGEST_LINE 190

struct reading {
    struct roster *roster;
    const char *path;
    bool state; ///< the state file
    FILE *file;
    int line;    ///< its number, from 1 on
    bool astray; ///< below the head of a section that is none
    char refused[64];
};

/** The channel that a section is of, made where it is new; or NULL, logged. */
static struct roster_channel *find_section(struct reading *reading, const char *section)
{
    if (!strcmp(section, SECTION))
        return reading->roster->channels[0];
    const char *name = section + strlen(CHANNEL_SECTION);
    const char *why = "a section is [" SECTION "] or [channel NAME]";
    if (!strncmp(section, CHANNEL_SECTION, strlen(CHANNEL_SECTION))) {
        struct roster_channel *channel =
            settings_check_name(name) < 0 ? NULL : roster_make(reading->roster, name);
        if (channel)
            return channel;
        why = settings_check_name(name) < 0
                  ? "a channel's name is 1 to 31 of a-z, 0-9, - and _, a letter or digit first"
                  : "there are too many channels";
    }
    if (strcmp(section, reading->refused) != 0)
        log_warning("%s:%d: left out what stands in [%s]: %s", reading->path, reading->line,
                    section, why);
    snprintf(reading->refused, sizeof reading->refused, "%s", section);
    return NULL;
}

static void take_schedule(struct reading *reading, struct roster_channel *channel,
                          const char *value)
{
    const char *why = "";
    size_t before = channel->file_schedule.count;
    channel->rescheduled = channel->rescheduled || reading->state;
    // An empty one in the state file: nothing is left of the settings file's.
    if (reading->state && !*value)
        return;
    if (schedule_add(reading->state ? &channel->state_schedule : &channel->file_schedule, value,
                     &why) < 0)
        log_warning("%s:%d: left out schedule = %s: it %s", reading->path, reading->line, value,
                    why);
    // One that has struck may still have to be made up for.
    const struct schedule *schedule = &channel->file_schedule;
    time_t now = time(NULL);
    if (!reading->state && schedule->count > before &&
        !schedule_next(&schedule->entries[before], now))
        log_warning("%s:%d: schedule = %s never strikes again: that day has been, or is in no "
                    "calendar",
                    reading->path, reading->line, value);
}

/** "1795385992 1a2b3c4d": a time, and of which schedule. */
static void take_followed(struct roster_channel *channel, const char *value)
{
    long long time;
    unsigned hash;
    if (sscanf(value, "%lld %x", &time, &hash) == 2) {
        channel->followed = (time_t)time;
        channel->followed_hash = hash;
    }
}

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    const char *why = "";
    value = value ? value : "";
    struct roster_channel *channel = reading->astray ? NULL : find_section(reading, section);
    if (!channel)
        return 1;
    bool is_main = channel == reading->roster->channels[0];
    channel->configured = channel->configured || !reading->state;
    struct settings *settings = reading->state ? &channel->state : &channel->file;
    int key = settings_find_key(name);
    if (!strcmp(name, "removed") && reading->state && !is_main)
        channel->removed = !strcmp(value, "yes");
    else if (!strcmp(name, "schedule"))
        take_schedule(reading, channel, value);
    else if (!strcmp(name, "followed") && reading->state)
        take_followed(channel, value);
    else if (key >= 0 && settings_keys[key].scope == SETTINGS_DAEMON && strcmp(section, SECTION))
        log_warning("%s:%d: left out %s: it is the daemon's and belongs under [" SECTION
                    "], not under [%s]",
                    reading->path, reading->line, name, section);
    else if (settings_set(settings, name, value, &why) < 0)
        log_warning("%s:%d: left out %s = %s: it %s", reading->path, reading->line, name, value,
                    why);
    return 1;
}

/** Ends the text where its comment begins: with ;, at its beginning or after a blank; or with #, at
 * its beginning, for names of files and sinks may have a " #2" in them. */
static void cut_comment(char *text)
{
    char before = ' ';
    bool begins = true;
    for (char *c = text; *c; before = *c++) {
        if (isspace((unsigned char)before) && (*c == ';' || (*c == '#' && begins))) {
            *c = '\0';
            return;
        }
        begins = begins && isspace((unsigned char)*c);
    }
}

/** Whether inih is to see the line, which begins with no blank and has no comment; else logged. */
static bool check_line(struct reading *reading, const char *line)
{
    if (*line == '[') {
        reading->astray = !strchr(line, ']') || strlen(line) > LONGEST_LINE;
        if (reading->astray)
            log_warning(
                "%s:%d: left out what stands below %.40s: there is no ] at its end, or it is "
                "longer than 190 characters",
                reading->path, reading->line, line);
        return !reading->astray;
    }
    const char *why = strlen(line) > LONGEST_LINE  ? "longer than 190 characters"
                      : !line[strcspn(line, "=:")] ? "not a line like `name = value`"
                                                   : NULL;
    if (why && *line)
        log_warning("%s:%d: left out %.40s%s: it is %s", reading->path, reading->line, line,
                    strlen(line) > 40 ? "..." : "", why);
    return !why;
}

/** fgets() as inih wants it, a whole line of the file at a time. What inih would read as something
 * else than it looks like does not reach it: a line that is indented would go on with the value
 * before, one too long would be two. */
static char *next_line(char *room, int size, void *user)
{
    struct reading *reading = user;
    char *text = NULL;
    size_t length = 0;
    ssize_t got = getline(&text, &length, reading->file);
    if (got < 0) {
        free(text);
        return NULL;
    }
    reading->line++;
    static const char mark[] = "\xef\xbb\xbf"; // of the byte order, as some editors write it
    char *line = text;
    if (reading->line == 1 && !strncmp(line, mark, strlen(mark)))
        line += strlen(mark);
    cut_comment(line);
    line += strspn(line, " \t\r\n\f\v");
    size_t end = strlen(line);
    while (end > 0 && isspace((unsigned char)line[end - 1]))
        line[--end] = '\0';
    snprintf(room, (size_t)size, "%s\n", check_line(reading, line) ? line : "");
    free(text);
    return room;
}

static int read_file(struct roster *roster, const char *path, bool state)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode)) {
        log_warning("%s is not a file; its settings are left out", path);
        return -EINVAL;
    }
    struct reading reading = {
        .roster = roster, .path = path, .state = state, .file = fopen(path, "re")};
    if (!reading.file) {
        log_warning("cannot read %s: %s; its settings are left out", path, strerror(errno));
        return -EACCES;
    }
    ini_parse_stream(next_line, &reading, take_line, &reading);
    fclose(reading.file);
    return 0;
}

int roster_read_file(struct roster *roster, const char *path)
{
    return read_file(roster, path, false);
}

int roster_read_state(struct roster *roster, const char *path)
{
    int r = *path ? read_file(roster, path, true) : 0;
    // What cannot be read must not be replaced either.
    bool kept = r == 0 || r == -ENOENT;
    if (!kept)
        log_warning("what is changed is not kept in %s; it holds until the daemon ends", path);
    snprintf(roster->state_path, sizeof roster->state_path, "%s", kept ? path : "");
    return r;
}

static void write_channel(const struct roster_channel *channel, FILE *out)
{
    char text[SETTINGS_ROOM];
    for (int i = 0; settings_keys[i].key; i++) {
        if (!(channel->state.given & UINT64_C(1) << i))
            continue;
        settings_write(&channel->state, i, text);
        fprintf(out, "%s = %s\n", settings_keys[i].key, text);
    }
    for (size_t i = 0; i < channel->state_schedule.count; i++)
        fprintf(out, "schedule = %s\n", channel->state_schedule.entries[i].text);
    if (channel->rescheduled && !channel->state_schedule.count)
        fprintf(out, "schedule =\n");
    if (channel->followed)
        fprintf(out, "followed = %lld %x\n", (long long)channel->followed,
                (unsigned)channel->followed_hash);
}

static void write_all(const struct roster *roster, FILE *out)
{
    fprintf(out,
            "# What was changed while fermatad ran. Stronger than fermata.conf; remove a line\n"
            "# (while it does not run) to go back to the settings file.\n[" SECTION "]\n");
    write_channel(roster->channels[0], out);
    for (size_t i = 1; i < roster->count; i++) {
        const struct roster_channel *channel = roster->channels[i];
        if (channel->removed ? !channel->configured
                             : !channel->state.given && !channel->rescheduled && !channel->followed)
            continue;
        fprintf(out, "\n[" CHANNEL_SECTION "%s]\n%s", channel->name,
                channel->removed ? "removed = yes\n" : "");
        write_channel(channel, out);
    }
}

int roster_write(struct roster *roster, const char *what, const char *value)
{
    if (!roster->state_path[0])
        return 0;
    struct whole_file file = {0};
    int r = whole_file_make_folders(roster->state_path);
    if (r == 0)
        r = whole_file_open(&file, roster->state_path);
    if (r == 0)
        write_all(roster, file.out);
    r = whole_file_close(&file, r);
    if (r < 0)
        log_warning("cannot remember %s = %s in %s: %s; it holds until the daemon ends", what,
                    value, roster->state_path, strerror(-r));
    return r;
}
