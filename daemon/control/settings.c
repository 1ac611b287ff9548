// SPDX-License-Identifier: MIT
#include "control/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "audio/profile.h"
#include "audio/rtp_address.h"
#include "client/amount.h"
#include "log.h"

enum type {
    TYPE_TEXT,
    TYPE_FRACTION, ///< double, 0..1
    TYPE_SECONDS,  ///< uint32_t, 0 or 5..3600
    TYPE_NUMBER,   ///< uint64_t
    TYPE_SWITCH,   ///< bool
    TYPE_SAMPLING, ///< "sample" or "hard"
    TYPE_OUTPUT,   ///< "stream" or "source"
    TYPE_LICENCE,  ///< "commercial" or "any"
    TYPE_LENGTH,   ///< struct ending_length
    TYPE_PROFILE,  ///< of enum profile_kind, its name
    TYPE_RTP,      ///< what rtp_address_read() reads, or ""
    TYPE_HOPS,     ///< uint32_t, 0..255
};

const struct settings_key settings_keys[] = {
    {"composer", SETTINGS_CHANNEL, "NAME", "style, such as bach or mozart (fermatactl composer)"},
    {"net", SETTINGS_CHANNEL, "NAME",
     "net to play on, such as transformer-open; empty: the best there is"},
    {"licence", SETTINGS_DAEMON, "commercial|any",
     "nets to load: those for commercial use only, or all"},
    {"threshold", SETTINGS_CHANNEL, "0..1|0..100%",
     "how sure the net must be of a note; 0.5 is as it believes"},
    {"sampling", SETTINGS_CHANNEL, "sample|hard",
     "draw the notes, or play what reaches the threshold"},
    {"volume", SETTINGS_CHANNEL, "0..1|0..100%", "loudness"},
    {"profile", SETTINGS_CHANNEL, "room|telephone|raw",
     "what the sound and the music are made for"},
    {"reseed-interval", SETTINGS_CHANNEL, "TIME",
     "prime the net anew so often, such as 45 or 2m; 0: only when needed"},
    {"piece-length", SETTINGS_CHANNEL, "MINUTES",
     "of a piece, such as 3 or 2-5; 0: one endless piece"},
    {"midi", SETTINGS_CHANNEL, "yes|no", "the notes as live MIDI in the PipeWire graph"},
    {"curator", SETTINGS_CHANNEL, "yes|no",
     "refuse what is thin or stuck (no: hear the net dry out)"},
    {"seed", SETTINGS_OWN, "NUMBER", "same seed, same device, same music; 0: a new one each start"},
    {"piece-number", SETTINGS_OWN, "NUMBER", "of the latest piece; the titles count on from there"},
    {"device", SETTINGS_DAEMON, "WHICH",
     "auto, cpu, gpu, a number or a part of a Vulkan device's name"},
    {"soundfont", SETTINGS_DAEMON, "FILE", "SoundFont to play with; empty: Debian's"},
    {"output", SETTINGS_CHANNEL, "stream|source",
     "play to a PipeWire sink, or be a microphone there"},
    {"target", SETTINGS_CHANNEL, "NODE", "PipeWire sink to play to; empty: the default one"},
    {"rtp", SETTINGS_OWN, "ADDRESS:PORT[/ulaw|alaw]",
     "send the music there as RTP, G.711; empty: nowhere"},
    {"rtp-ttl", SETTINGS_CHANNEL, "0..255",
     "routers a multicast packet may pass, and one; 0: this machine"},
    {"announce-every", SETTINGS_OWN, "TIME",
     "repeat the announcement that fermatactl announce gave; 0: none"},
    {"autostart", SETTINGS_OWN, "yes|no", "play as soon as the daemon is up"},
    {"models", SETTINGS_DAEMON, "FOLDER", "where the nets and the seeds are"},
    {"state-file", SETTINGS_DAEMON, "FILE", "where changes made over D-Bus are kept"},
    {NULL},
};

/** Where each key of the table above lives, in the same order. */
static const struct {
    enum type type;
    size_t offset;
    size_t size;
} fields[] = {
#define FIELD(type, name)                                                                          \
    {                                                                                              \
        type, offsetof(struct settings, name), sizeof((struct settings *)0)->name                  \
    }
    FIELD(TYPE_TEXT, composer),       FIELD(TYPE_TEXT, net),
    FIELD(TYPE_LICENCE, licence),     FIELD(TYPE_FRACTION, threshold),
    FIELD(TYPE_SAMPLING, sampling),   FIELD(TYPE_FRACTION, volume),
    FIELD(TYPE_PROFILE, profile),     FIELD(TYPE_SECONDS, reseed_interval),
    FIELD(TYPE_LENGTH, piece_length), FIELD(TYPE_SWITCH, midi),
    FIELD(TYPE_SWITCH, curator),      FIELD(TYPE_NUMBER, seed),
    FIELD(TYPE_NUMBER, piece_number), FIELD(TYPE_TEXT, device),
    FIELD(TYPE_TEXT, soundfont),      FIELD(TYPE_OUTPUT, output),
    FIELD(TYPE_TEXT, target),         FIELD(TYPE_RTP, rtp),
    FIELD(TYPE_HOPS, rtp_ttl),        FIELD(TYPE_SECONDS, announce_every),
    FIELD(TYPE_SWITCH, autostart),    FIELD(TYPE_TEXT, models),
    FIELD(TYPE_TEXT, state_file),
#undef FIELD
};

_Static_assert(sizeof fields / sizeof *fields <= 64, "there is a bit in `given` for each");
_Static_assert(sizeof fields / sizeof *fields + 1 == sizeof settings_keys / sizeof *settings_keys,
               "every key has its field");

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .channel = "main",
        .composer = "chopin",
        .threshold = 0.5,
        .sampling = "sample",
        .licence = "commercial",
        .volume = 0.8,
        .profile = "room",
        .rtp_ttl = 1,
        .output = "stream",
        .piece_length = {2, 5},
        .curator = true,
        .device = "auto",
        .models = FERMATA_MODELS,
    };
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = 0;
    if (state && *state == '/')
        n = snprintf(settings->state_file, sizeof settings->state_file, "%s/fermata/state.conf",
                     state);
    else if (home && *home == '/')
        n = snprintf(settings->state_file, sizeof settings->state_file,
                     "%s/.local/state/fermata/state.conf", home);
    if (n >= (int)sizeof settings->state_file)
        settings->state_file[0] = '\0';
}

int settings_find_key(const char *key)
{
    for (int i = 0; settings_keys[i].key; i++) {
        const char *a = settings_keys[i].key;
        const char *b = key;
        while (*a && *b && (*a == *b || (*a == '-' && *b == '_')))
            a++, b++;
        if (!*a && !*b)
            return i;
    }
    return -1;
}

static int parse_number(const char *value, uint64_t most, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 0);
    if (!isdigit((unsigned char)*value) || *end || errno || number > most)
        return -EINVAL;
    *ret = number;
    return 0;
}

static int parse_part(const char *value, double *ret)
{
    double part;
    if (amount_read_part(value, &part) < 0 || part > 1)
        return -EINVAL;
    *ret = part;
    return 0;
}

/** Whole seconds; as people write them. */
static int parse_seconds(const char *value, uint32_t *ret)
{
    double seconds;
    if (amount_read_seconds(value, &seconds) < 0 || (seconds && seconds < 5) || seconds > 3600 ||
        seconds != floor(seconds))
        return -EINVAL;
    *ret = (uint32_t)seconds;
    return 0;
}

static int parse_word(const char *value, const char *one, const char *other, char *ret)
{
    if (strcmp(value, one) && strcmp(value, other))
        return -EINVAL;
    memcpy(ret, value, strlen(value) + 1);
    return 0;
}

static int parse_profile(const char *value, char *ret)
{
    enum profile_kind kind;
    if (profile_find(value, &kind) < 0)
        return -EINVAL;
    memcpy(ret, value, strlen(value) + 1);
    return 0;
}

/** Whether a settings file gives it back as it is: there a comment begins with ; after a space. */
static bool is_line(const char *text)
{
    char before = ' ';
    for (const char *c = text; *c; before = *c++)
        if (iscntrl((unsigned char)*c) || (*c == ';' && before == ' '))
            return false;
    return !*text || (*text != ' ' && before != ' ');
}

static int parse_rtp(const char *value, char *ret, const char **ret_why)
{
    struct rtp_address address;
    int r = *value ? rtp_address_read(value, &address, ret_why) : 0;
    if (r == 0)
        memcpy(ret, value, strlen(value) + 1);
    return r;
}

static int parse(struct settings *settings, int i, const char *value, const char **ret_why)
{
    void *field = (char *)settings + fields[i].offset;
    uint64_t number = 0;
    switch (fields[i].type) {
    case TYPE_TEXT:
        if (strlen(value) >= fields[i].size) {
            *ret_why = "is too long";
            return -EINVAL;
        }
        *ret_why = "must be one line of plain text, with no space around it and no \" ;\" in it";
        if (!is_line(value))
            return -EINVAL;
        memcpy(field, value, strlen(value) + 1);
        return 0;
    case TYPE_FRACTION:
        *ret_why = "must be a number from 0 to 1, or from 0% to 100%";
        return parse_part(value, field);
    case TYPE_SECONDS:
        *ret_why = "must be 0 or from 5 to 3600 seconds, such as 45, 45s or 2m";
        return parse_seconds(value, field);
    case TYPE_NUMBER:
        *ret_why = "must be a whole number";
        return parse_number(value, UINT64_MAX, field);
    case TYPE_SWITCH:
        *ret_why = "must be yes or no";
        return amount_read_switch(value, field);
    case TYPE_SAMPLING:
        *ret_why = "must be `sample` or `hard`";
        return parse_word(value, "sample", "hard", field);
    case TYPE_OUTPUT:
        *ret_why = "must be `stream` or `source`";
        return parse_word(value, "stream", "source", field);
    case TYPE_LICENCE:
        *ret_why = "must be `commercial` or `any`";
        return parse_word(value, "commercial", "any", field);
    case TYPE_LENGTH:
        *ret_why = "must be minutes from 0.5 to 60, such as 3 or 2-5, or 0";
        return ending_read_length(value, field);
    case TYPE_PROFILE:
        *ret_why = "must be `room`, `telephone` or `raw`";
        return parse_profile(value, field);
    case TYPE_RTP:
        return parse_rtp(value, field, ret_why);
    case TYPE_HOPS:
        *ret_why = "must be a whole number from 0 to 255";
        if (parse_number(value, 255, &number) < 0)
            return -EINVAL;
        *(uint32_t *)field = (uint32_t)number;
        return 0;
    }
    return -EINVAL;
}

int settings_set(struct settings *settings, const char *key, const char *value,
                 const char **ret_why)
{
    int i = settings_find_key(key);
    if (i < 0) {
        *ret_why = "is no setting; `fermatad --help` lists them";
        return -ENOENT;
    }
    int r = parse(settings, i, value, ret_why);
    if (r == 0)
        settings->given |= UINT64_C(1) << i;
    return r;
}

void settings_write(const struct settings *settings, int index, char ret_text[SETTINGS_ROOM])
{
    const void *field = (const char *)settings + fields[index].offset;
    switch (fields[index].type) {
    case TYPE_TEXT:
    case TYPE_SAMPLING:
    case TYPE_OUTPUT:
    case TYPE_LICENCE:
    case TYPE_PROFILE:
    case TYPE_RTP:
        snprintf(ret_text, SETTINGS_ROOM, "%s", (const char *)field);
        break;
    case TYPE_FRACTION:
        snprintf(ret_text, SETTINGS_ROOM, "%.6g", *(const double *)field);
        break;
    case TYPE_SECONDS:
    case TYPE_HOPS:
        snprintf(ret_text, SETTINGS_ROOM, "%" PRIu32, *(const uint32_t *)field);
        break;
    case TYPE_NUMBER:
        snprintf(ret_text, SETTINGS_ROOM, "%" PRIu64, *(const uint64_t *)field);
        break;
    case TYPE_SWITCH:
        snprintf(ret_text, SETTINGS_ROOM, "%s", *(const bool *)field ? "yes" : "no");
        break;
    case TYPE_LENGTH:
        ending_write_length(field, ret_text);
        break;
    }
}

void settings_copy(struct settings *settings, const struct settings *from, int index)
{
    memcpy((char *)settings + fields[index].offset, (const char *)from + fields[index].offset,
           fields[index].size);
}

void settings_lay_over(struct settings *settings, const struct settings *from)
{
    for (int i = 0; settings_keys[i].key; i++)
        if (from->given & UINT64_C(1) << i)
            settings_copy(settings, from, i);
    settings->given |= from->given;
}

int settings_check_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t length = strlen(name);
    if (length < 1 || length >= SETTINGS_NAME_ROOM || !strchr(letters, *name))
        return -EINVAL;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] ? -EINVAL : 0;
}

bool settings_demands(const struct settings *settings, const char *key)
{
    return settings->demanded & UINT64_C(1) << settings_find_key(key);
}

uint64_t settings_draw_seed(const struct settings *settings)
{
    uint64_t seed = 0;
    if (settings->seed)
        return settings->seed;
    seed = getrandom(&seed, sizeof seed, 0) == sizeof seed ? seed >> 11 : (uint64_t)time(NULL);
    return seed ? seed : 1;
}

void settings_read_environment(struct settings *settings)
{
    for (int i = 0; settings_keys[i].key; i++) {
        char name[64] = "FERMATA_";
        size_t used = strlen(name);
        for (const char *c = settings_keys[i].key; *c; c++)
            name[used++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
        name[used] = '\0';
        const char *value = getenv(name);
        const char *why = "";
        if (value && settings_set(settings, settings_keys[i].key, value, &why) < 0)
            log_warning("%s=%s is left out: it %s", name, value, why);
    }
}
