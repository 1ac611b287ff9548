// SPDX-License-Identifier: MIT
#include "control/settings.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define SECTION "fermata"
#define LONGEST_LINE 190

enum type {
    TYPE_TEXT,
    TYPE_FRACTION, ///< double, 0..1
    TYPE_SECONDS,  ///< uint32_t, 0 or 5..3600
    TYPE_NUMBER,   ///< uint64_t
    TYPE_SWITCH,   ///< bool
    TYPE_SAMPLING, ///< "sample" or "hard"
    TYPE_LICENCE,  ///< "commercial" or "any"
    TYPE_LENGTH,   ///< struct ending_length
};

const struct settings_key settings_keys[] = {
    {"composer", "NAME", "style to play in: bach, chopin, debussy"},
    {"net", "NAME", "net to play on, such as transformer-open; empty: the best there is"},
    {"licence", "commercial|any", "nets to load: those for commercial use only, or all"},
    {"threshold", "0..1", "how sure the net must be of a note; 0.5 is as it believes"},
    {"sampling", "sample|hard", "draw the notes, or play what reaches the threshold"},
    {"volume", "0..1", "loudness"},
    {"reseed-interval", "SECONDS", "prime the net anew so often; 0: only when needed"},
    {"piece-length", "MINUTES", "of a piece, such as 3 or 2-5; 0: one endless piece"},
    {"curator", "yes|no", "refuse what is thin or stuck (no: hear the net dry out)"},
    {"seed", "NUMBER", "same seed, same device, same music; 0: a new one each start"},
    {"piece-number", "NUMBER", "of the latest piece; the titles count on from there"},
    {"device", "WHICH", "auto, cpu, gpu, a number or a part of a Vulkan device's name"},
    {"soundfont", "FILE", "SoundFont to play with; empty: Debian's"},
    {"target", "NODE", "PipeWire sink to play to; empty: the default one"},
    {"autostart", "yes|no", "play as soon as the daemon is up"},
    {"models", "FOLDER", "where the nets and the seeds are"},
    {"state-file", "FILE", "where changes made over D-Bus are kept"},
    {NULL, NULL, NULL},
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
    FIELD(TYPE_TEXT, composer),           FIELD(TYPE_TEXT, net),
    FIELD(TYPE_LICENCE, licence),         FIELD(TYPE_FRACTION, threshold),
    FIELD(TYPE_SAMPLING, sampling),       FIELD(TYPE_FRACTION, volume),
    FIELD(TYPE_SECONDS, reseed_interval), FIELD(TYPE_LENGTH, piece_length),
    FIELD(TYPE_SWITCH, curator),          FIELD(TYPE_NUMBER, seed),
    FIELD(TYPE_NUMBER, piece_number),     FIELD(TYPE_TEXT, device),
    FIELD(TYPE_TEXT, soundfont),          FIELD(TYPE_TEXT, target),
    FIELD(TYPE_SWITCH, autostart),        FIELD(TYPE_TEXT, models),
    FIELD(TYPE_TEXT, state_file),
#undef FIELD
};

_Static_assert(sizeof fields / sizeof *fields + 1 == sizeof settings_keys / sizeof *settings_keys,
               "every key has its field");

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .composer = "chopin",
        .threshold = 0.5,
        .sampling = "sample",
        .licence = "commercial",
        .volume = 0.8,
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

/** Index of a key, or -1; '_' and '-' are one. */
static int find_key(const char *key)
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

static int parse_switch(const char *value, bool *ret)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"off", "on"}, {"0", "1"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int k = 0; k < 2; k++) {
            if (!strcasecmp(value, words[i][k])) {
                *ret = k;
                return 0;
            }
        }
    }
    return -EINVAL;
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

static int parse_fraction(const char *value, double *ret)
{
    char *end;
    double number = strtod(value, &end);
    if (end == value || *end || !(number >= 0 && number <= 1))
        return -EINVAL;
    *ret = number;
    return 0;
}

static int parse_word(const char *value, const char *one, const char *other, char *ret)
{
    if (strcmp(value, one) && strcmp(value, other))
        return -EINVAL;
    memcpy(ret, value, strlen(value) + 1);
    return 0;
}

int settings_set(struct settings *settings, const char *key, const char *value,
                 const char **ret_why)
{
    int i = find_key(key);
    if (i < 0) {
        *ret_why = "is no setting; `fermatad --help` lists them";
        return -ENOENT;
    }
    void *field = (char *)settings + fields[i].offset;
    uint64_t number = 0;
    switch (fields[i].type) {
    case TYPE_TEXT:
        if (strlen(value) >= fields[i].size) {
            *ret_why = "is too long";
            return -EINVAL;
        }
        for (const char *c = value; *c; c++) {
            if (iscntrl((unsigned char)*c)) {
                *ret_why = "must be one line of plain text";
                return -EINVAL;
            }
        }
        memcpy(field, value, strlen(value) + 1);
        return 0;
    case TYPE_FRACTION:
        *ret_why = "must be a number from 0 to 1";
        return parse_fraction(value, field);
    case TYPE_SECONDS:
        *ret_why = "must be 0 or from 5 to 3600 seconds";
        if (parse_number(value, 3600, &number) < 0 || (number && number < 5))
            return -EINVAL;
        *(uint32_t *)field = (uint32_t)number;
        return 0;
    case TYPE_NUMBER:
        *ret_why = "must be a whole number";
        return parse_number(value, UINT64_MAX, field);
    case TYPE_SWITCH:
        *ret_why = "must be yes or no";
        return parse_switch(value, field);
    case TYPE_SAMPLING:
        *ret_why = "must be `sample` or `hard`";
        return parse_word(value, "sample", "hard", field);
    case TYPE_LICENCE:
        *ret_why = "must be `commercial` or `any`";
        return parse_word(value, "commercial", "any", field);
    case TYPE_LENGTH:
        *ret_why = "must be minutes from 0.5 to 60, such as 3 or 2-5, or 0";
        return ending_read_length(value, field);
    }
    return -EINVAL;
}

struct reading {
    struct settings *settings;
    const char *path;
};

static int take_line(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    const char *why = "";
    // inih cuts longer lines off (INI_MAX_LINE), and half a path is no path.
    if (strlen(name) + strlen(value ? value : "") > LONGEST_LINE)
        log_warning("%s: left out %s: the line is longer than %d characters", reading->path, name,
                    LONGEST_LINE);
    else if (strcmp(section, SECTION))
        log_warning("%s: left out %s: it stands in [%s], not in [" SECTION "]", reading->path, name,
                    section);
    else if (settings_set(reading->settings, name, value ? value : "", &why) < 0)
        log_warning("%s: left out %s = %s: it %s", reading->path, name, value ? value : "", why);
    return 1;
}

int settings_read_file(struct settings *settings, const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode)) {
        log_warning("%s is not a file; its settings are left out", path);
        return -EINVAL;
    }
    struct reading reading = {settings, path};
    int r = ini_parse(path, take_line, &reading);
    if (r > 0)
        log_warning("%s:%d: not a line like `name = value`; left out", path, r);
    if (r == -1) {
        log_warning("cannot read %s: %s; its settings are left out", path, strerror(errno));
        return -EACCES;
    }
    return 0;
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

static int make_folders(const char *path)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return -ENAMETOOLONG;
    for (char *c = folder + 1; *c; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return -errno;
        *c = '/';
    }
    return 0;
}

struct rewriting {
    FILE *out;
    const char *key;
};

static int copy_line(void *user, const char *section, const char *name, const char *value)
{
    struct rewriting *rewriting = user;
    if (!strcmp(section, SECTION) && find_key(name) >= 0 && strcmp(name, rewriting->key))
        fprintf(rewriting->out, "%s = %s\n", name, value ? value : "");
    return 1;
}

int settings_remember(const struct settings *settings, const char *key, const char *value)
{
    if (!settings->state_file[0])
        return 0;
    char fresh[sizeof settings->state_file + 8];
    snprintf(fresh, sizeof fresh, "%s.new", settings->state_file);
    int r = make_folders(settings->state_file);
    FILE *out = r < 0 ? NULL : fopen(fresh, "we");
    if (!out) {
        r = r < 0 ? r : -errno;
        log_warning("cannot remember %s = %s in %s: %s; it holds until the daemon ends", key, value,
                    settings->state_file, strerror(-r));
        return r;
    }
    fprintf(out,
            "# What was changed while fermatad ran. Stronger than fermata.conf; remove a line\n"
            "# (while it does not run) to go back to the settings file.\n[" SECTION "]\n");
    struct rewriting rewriting = {out, key};
    int read = ini_parse(settings->state_file, copy_line, &rewriting);
    fprintf(out, "%s = %s\n", key, value);
    // What is there must be read whole and written whole before it is replaced.
    errno = EIO;
    bool bad = read < 0 && access(settings->state_file, F_OK) == 0;
    bad = bad || fflush(out) != 0 || ferror(out) || fsync(fileno(out)) < 0;
    bad = fclose(out) != 0 || bad;
    if (bad || rename(fresh, settings->state_file) < 0) {
        r = -errno;
        log_warning("cannot remember %s = %s in %s: %s; it holds until the daemon ends", key, value,
                    settings->state_file, strerror(-r));
        unlink(fresh);
        return r;
    }
    return 0;
}
