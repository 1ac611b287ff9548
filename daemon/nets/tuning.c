// SPDX-License-Identifier: MIT
#include "nets/tuning.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/device.h"
#include "nets/programs.h"
#include "log.h"

#define KIND "tuning"
#define FORMAT "fermata-tuning-2 "
#define KEY 640
#define LARGEST 8192
#define MOST 1024 // of any number in it

static void make_key(const struct device *device, char *ret_key)
{
    snprintf(ret_key, KEY, "%016" PRIx64 " %s", programs_digest(), device_info(device)->driver);
}

/** The name in a path; empty where it is none for a line. */
static void name_of(const char *path, char *ret_name)
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t length = strlen(name);
    static const char ending[] = ".safetensors";
    if (length > strlen(ending) && strcmp(name + length - strlen(ending), ending) == 0)
        length -= strlen(ending);
    if (length >= TUNING_NAME || memchr(name, '\n', length))
        length = 0;
    memcpy(ret_name, name, length);
    ret_name[length] = '\0';
}

/** A number from 1 to MOST and the space behind it; 0 where there is something else. */
static uint32_t take_number(const char **text, const char *end)
{
    uint32_t number = 0;
    while (*text < end && **text >= '0' && **text <= '9' && number <= MOST)
        number = number * 10 + (uint32_t)(*(*text)++ - '0');
    if (number > MOST || *text >= end || *(*text)++ != ' ')
        return 0;
    return number;
}

static int parse_lines(struct tuning *tuning, const char *text, const char *end)
{
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        if (!line_end || tuning->count == TUNING_ENTRIES)
            return -EBADMSG;
        struct tuning_entry *entry = &tuning->entries[tuning->count++];
        entry->most = take_number(&text, line_end);
        entry->layout.tile = entry->most ? take_number(&text, line_end) : 0;
        entry->layout.rows = entry->layout.tile ? take_number(&text, line_end) : 0;
        size_t length = (size_t)(line_end - text);
        if (!entry->layout.rows || length == 0 || length >= TUNING_NAME ||
            memchr(text, '\0', length))
            return -EBADMSG;
        memcpy(entry->net, text, length);
        entry->net[length] = '\0';
        text = line_end + 1;
    }
    return 0;
}

int tuning_parse(struct tuning *tuning, const char *text, size_t size, const char *key)
{
    memset(tuning, 0, sizeof *tuning);
    size_t format = strlen(FORMAT), length = strlen(key);
    if (size < format + length + 1 || memcmp(text, FORMAT, format) != 0 ||
        memcmp(text + format, key, length) != 0 || text[format + length] != '\n')
        return -EBADMSG;
    int r = parse_lines(tuning, text + format + length + 1, text + size);
    if (r < 0)
        memset(tuning, 0, sizeof *tuning);
    return r;
}

void tuning_put(struct tuning *tuning, const char *net, uint32_t most, struct tuning_layout layout)
{
    if (!*net || strlen(net) >= TUNING_NAME || strchr(net, '\n'))
        return;
    uint32_t place = 0;
    while (place < tuning->count &&
           (strcmp(tuning->entries[place].net, net) != 0 || tuning->entries[place].most != most))
        place++;
    if (place == TUNING_ENTRIES) {
        memmove(tuning->entries, tuning->entries + 1,
                (TUNING_ENTRIES - 1) * sizeof tuning->entries[0]);
        place--;
    } else if (place == tuning->count) {
        tuning->count++;
    }
    struct tuning_entry *entry = &tuning->entries[place];
    snprintf(entry->net, sizeof entry->net, "%s", net);
    entry->most = most;
    entry->layout = layout;
}

size_t tuning_print(const struct tuning *tuning, const char *key, char *ret_text, size_t room)
{
    int n = snprintf(ret_text, room, FORMAT "%s\n", key);
    size_t used = n < 0 ? room : (size_t)n;
    for (uint32_t i = 0; i < tuning->count && used < room; i++) {
        const struct tuning_entry *entry = &tuning->entries[i];
        n = snprintf(ret_text + used, room - used, "%" PRIu32 " %" PRIu32 " %" PRIu32 " %s\n",
                     entry->most, entry->layout.tile, entry->layout.rows, entry->net);
        used += n < 0 ? room : (size_t)n;
    }
    return used < room ? used : 0;
}

static void recall(const struct device *device, const char *key, struct tuning *ret_tuning)
{
    size_t size = 0;
    char *text = device_recall(device, KIND, &size);
    if (!text || tuning_parse(ret_tuning, text, size, key) < 0) {
        if (text)
            log_debug("the kept tuning is broken or of another version: ignored");
        memset(ret_tuning, 0, sizeof *ret_tuning);
    }
    free(text);
}

bool tuning_find(const struct device *device, const char *path, uint32_t most,
                 struct tuning_layout *ret_layout)
{
    struct tuning tuning;
    char key[KEY], name[TUNING_NAME];
    make_key(device, key);
    name_of(path, name);
    recall(device, key, &tuning);
    for (uint32_t i = 0; i < tuning.count; i++)
        if (tuning.entries[i].most == most && strcmp(tuning.entries[i].net, name) == 0) {
            *ret_layout = tuning.entries[i].layout;
            return true;
        }
    return false;
}

int tuning_keep(const struct device *device, const char *path, uint32_t most,
                struct tuning_layout layout)
{
    struct tuning tuning;
    char key[KEY], name[TUNING_NAME], text[LARGEST];
    make_key(device, key);
    name_of(path, name);
    recall(device, key, &tuning);
    tuning_put(&tuning, name, most, layout);
    size_t size = tuning_print(&tuning, key, text, sizeof text);
    int r = size ? device_remember(device, KIND, text, size) : -ENOSPC;
    if (r < 0)
        log_debug("cannot keep the tuning: %s", strerror(-r));
    return r;
}
