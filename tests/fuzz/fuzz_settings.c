// SPDX-License-Identifier: MIT
// Any bytes as a settings file and as the state file; and as what is written down for the next
// start, which must be read as it was.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/roster.h"
#include "control/schedule.h"
#include "fuzz.h"

static char state_path[64];

static void remove_state(void)
{
    unlink(state_path);
}

static void make_state_path(void)
{
    snprintf(state_path, sizeof state_path, "/dev/shm/fermata-fuzz-%ld.conf", (long)getpid());
    atexit(remove_state);
}

static void check_channel(const struct roster *one, const struct roster *other, const char *name)
{
    struct settings daemon, first, second;
    char text[SETTINGS_ROOM], again[SETTINGS_ROOM];
    settings_init(&daemon);
    roster_apply_state(one, &daemon);
    roster_settings(one, name, &daemon, &first);
    settings_init(&daemon);
    roster_apply_state(other, &daemon);
    roster_settings(other, name, &daemon, &second);
    for (int i = 0; settings_keys[i].key; i++) {
        settings_write(&first, i, text);
        settings_write(&second, i, again);
        if (strcmp(text, again))
            fprintf(stderr, "%s of %s: \"%s\" became \"%s\"\n", settings_keys[i].key, name, text,
                    again);
        FUZZ_HOLDS(!strcmp(text, again));
    }
    FUZZ_HOLDS(schedule_hash(roster_schedule(one, name)) ==
               schedule_hash(roster_schedule(other, name)));
}

/** The state file with these bytes is read, written anew, and read again. */
static void check_state(const uint8_t *bytes, size_t size)
{
    int fd = open(state_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FUZZ_HOLDS(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
    struct roster *one, *other;
    FUZZ_HOLDS(roster_new(&one) == 0 && roster_new(&other) == 0);
    if (roster_read_state(one, state_path) == 0) {
        FUZZ_HOLDS(roster_remember(one, "main", "volume", "0.25") == 0);
        FUZZ_HOLDS(roster_read_state(other, state_path) == 0);
        check_channel(one, other, "main");
        for (size_t i = 0; i < roster_count(one); i++)
            check_channel(one, other, roster_name(one, i));
        fuzz_saw(600, roster_count(one));
    }
    roster_free(one);
    roster_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (!*state_path)
        make_state_path();
    struct roster *roster;
    FUZZ_HOLDS(roster_new(&roster) == 0);
    if (roster_read_file(roster, fuzz_path(bytes, size)) == 0) {
        FUZZ_HOLDS(roster_count(roster) <= ROSTER_CHANNELS);
        for (size_t i = 0; i < roster_count(roster); i++)
            FUZZ_HOLDS(settings_check_name(roster_name(roster, i)) == 0);
        const struct settings *settings = roster_defaults(roster);
        FUZZ_HOLDS(settings->volume >= 0 && settings->volume <= 1 && settings->threshold >= 0 &&
                   settings->threshold <= 1);
    }
    roster_free(roster);
    check_state(bytes, size);
    return 0;
}
