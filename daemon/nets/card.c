// SPDX-License-Identifier: MIT
#include "nets/card.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spa/utils/json.h>
#include <spa/utils/string.h>

#include "nets/safetensors.h"
#include "nets/words.h"
#include "log.h"

#define MAX_EDGES 32
#define MAX_COLUMNS 16

struct card_strings {
    struct words *composers, *offered, *kinds;
    char *name, *family, *licence;
    struct net_habits *habits;
    uint8_t **plans; ///< of each composer
    float edges[NET_CONTROLS][MAX_EDGES];
};

static const char *const controls[NET_CONTROLS] = {"density",   "register", "loudness",
                                                   "polyphony", "key",      "chroma"};

/** The attributes of a file, in its order: columns of plans, rows of the table of controls. */
struct columns {
    int count;
    int control[MAX_COLUMNS]; ///< enum net_control; -1: one that this version does not know
    int edge_counts[MAX_COLUMNS];
    float edges[MAX_COLUMNS][MAX_EDGES];
};

/** The metadata's text for `key`, or `otherwise`; NULL when memory is short. */
static char *text_of(const struct safetensors *file, const char *key, const char *otherwise)
{
    const char *value = safetensors_metadata(file, key);
    return strdup(value ? value : otherwise);
}

/** The numbers of an array that is the value of `key` in a JSON object; how many, or -1. */
static int numbers_of(const char *json, const char *key, float *ret_numbers, int room)
{
    struct spa_json root, object, array;
    const char *value;
    char name[256];
    spa_json_init(&root, json, strlen(json));
    if (spa_json_enter_object(&root, &object) < 0)
        return -1;
    while (spa_json_get_string(&object, name, sizeof name) > 0) {
        int length = spa_json_next(&object, &value);
        if (length <= 0)
            return -1;
        if (!spa_json_is_array(value, length)) {
            if (strcmp(name, key) == 0)
                return -1;
            continue;
        }
        spa_json_enter(&object, &array);
        if (strcmp(name, key) != 0)
            continue;
        int count = 0;
        while ((length = spa_json_next(&array, &value)) > 0)
            if (count == room || spa_json_parse_float(value, length, &ret_numbers[count++]) <= 0)
                return -1;
        return length < 0 ? -1 : count;
    }
    return -1;
}

static int amiss(const struct safetensors *file, const char *what)
{
    log_error("%s: broken weights file: %s (fetch it again)", safetensors_path(file), what);
    return -EBADMSG;
}

static int read_names(struct card *card, const struct safetensors *file)
{
    struct card_strings *s = card->strings;
    const char *composers = safetensors_metadata(file, "composers");
    const char *offered = safetensors_metadata(file, "offered");
    const char *kinds = safetensors_metadata(file, "kinds");
    int r = words_parse(composers ? composers : "", &s->composers);
    if (r == 0)
        r = words_parse(offered ? offered : composers, &s->offered);
    if (r == 0 && s->composers->count == 0)
        r = -EBADMSG;
    for (uint32_t i = 0; r == 0 && i < s->offered->count; i++)
        if (words_find(s->composers, s->offered->words[i]) < 0)
            r = -EBADMSG;
    if (r == -EBADMSG)
        return amiss(file, "its metadata name no composers, or offer one that it does not have");
    if (r == 0)
        r = words_parse(kinds ? kinds : "[]", &s->kinds);
    if (r == -EBADMSG)
        return amiss(file, "its metadata name no kinds");
    return r;
}

/** The composer's typical texture, as buckets. */
static void read_typical(struct net_habits *habits, const struct safetensors *file,
                         const char *name, const struct columns *columns)
{
    const char *typical = safetensors_metadata(file, "control");
    float values[MAX_COLUMNS];
    memset(habits->control, -1, sizeof habits->control);
    int count = typical ? numbers_of(typical, name, values, columns->count) : -1;
    for (int i = 0; i < count; i++) {
        int bucket = 0;
        while (bucket < columns->edge_counts[i] && values[i] >= columns->edges[i][bucket])
            bucket++;
        if (columns->control[i] >= 0)
            habits->control[columns->control[i]] = (int8_t)bucket;
    }
}

static int read_plan(struct card *card, const struct safetensors *file, uint32_t composer,
                     const struct columns *columns)
{
    struct card_strings *s = card->strings;
    char name[300];
    snprintf(name, sizeof name, "plan.%s", s->composers->words[composer]);
    const struct safetensors_tensor *plan = safetensors_find(file, name);
    if (!plan)
        return 0;
    if (plan->type != SAFETENSORS_U8 || plan->dimensions != 2 ||
        plan->shape[1] != (uint64_t)columns->count || plan->shape[0] > UINT32_MAX)
        return amiss(file, "a composer's plan is no table of bytes with a column for each of the "
                           "control_buckets");
    if (plan->elements == 0 || columns->count == 0)
        return 0;
    uint8_t *out = s->plans[composer] = malloc(plan->shape[0] * NET_CONTROLS);
    if (!out)
        return -ENOMEM;
    memset(out, NET_PLAN_GAP, plan->shape[0] * NET_CONTROLS);
    for (uint64_t i = 0; i < plan->elements; i++) {
        uint64_t row = i / plan->shape[1], column = i % plan->shape[1];
        uint8_t bucket = ((const uint8_t *)plan->data)[i];
        if (bucket != NET_PLAN_GAP && bucket > columns->edge_counts[column])
            return amiss(file, "a composer's plan names a bucket that there is not");
        if (columns->control[column] >= 0)
            out[row * NET_CONTROLS + (uint64_t)columns->control[column]] = bucket;
    }
    s->habits[composer].plan = (const uint8_t(*)[NET_CONTROLS])out;
    s->habits[composer].plan_count = (uint32_t)plan->shape[0];
    return 0;
}

/** Adds an attribute of the file to those known, and its rows to the table's. */
static int add_column(struct card *card, const char *text, const char *name,
                      struct columns *columns)
{
    int column = columns->count;
    if (column == MAX_COLUMNS)
        return -EBADMSG;
    int count = numbers_of(text, name, columns->edges[column], MAX_EDGES);
    if (count < 1)
        return -EBADMSG;
    columns->count++;
    columns->edge_counts[column] = count;
    columns->control[column] = -1;
    for (int i = 0; i < NET_CONTROLS; i++)
        if (strcmp(controls[i], name) == 0) {
            columns->control[column] = i;
            card->info.buckets[i] = (uint32_t)count + 1;
            card->info.control_rows[i] = card->info.control_count;
            memcpy(card->strings->edges[i], columns->edges[column], sizeof columns->edges[column]);
            card->info.edges[i] = card->strings->edges[i];
        }
    card->info.control_count += (uint32_t)count + 1;
    return 0;
}

static int read_columns(struct card *card, const char *text, struct columns *columns)
{
    struct spa_json root, object;
    const char *value;
    char name[32];
    spa_json_init(&root, text, strlen(text));
    if (spa_json_enter_object(&root, &object) < 0)
        return -EBADMSG;
    int r = 0;
    while (r == 0 && spa_json_get_string(&object, name, sizeof name) > 0) {
        if (spa_json_next(&object, &value) <= 0)
            return -EBADMSG;
        r = add_column(card, text, name, columns);
    }
    return r;
}

static int read_control(struct card *card, const struct safetensors *file)
{
    const char *text = safetensors_metadata(file, "control_buckets");
    struct columns columns = {0};
    // The file of a net that heeds none may still tell what its composers were trained with.
    if (card->info.kind_count && text && read_columns(card, text, &columns) < 0)
        return amiss(file, "its control_buckets are no lists of numbers");
    int r = 0;
    for (uint32_t i = 0; i < card->info.composer_count && r == 0; i++) {
        const char *name = card->strings->composers->words[i];
        read_typical(&card->strings->habits[i], file, name, &columns);
        r = read_plan(card, file, i, &columns);
    }
    return r;
}

static int read_temperature(struct card *card, const struct safetensors *file)
{
    const char *text = safetensors_metadata(file, "temperature");
    double *value = &card->info.temperature;
    *value = 1;
    if (text && (!spa_atod(text, value) || !(*value >= 0.5 && *value <= 2)))
        return amiss(file, "its temperature is no number from 0.5 to 2");
    return 0;
}

static int read_all(struct card *card, const struct safetensors *file)
{
    struct card_strings *s = card->strings;
    const char *format = safetensors_metadata(file, "format");
    if (!format || strcmp(format, "fermata-net-1") != 0) {
        log_error("%s is no net of ours: its format is \"%s\", not \"fermata-net-1\"",
                  safetensors_path(file), format ? format : "");
        return -EBADMSG;
    }
    int r = read_names(card, file);
    if (r < 0)
        return r;
    s->name = text_of(file, "net", "");
    s->family = text_of(file, "family", "");
    s->licence = text_of(file, "licence", "");
    s->habits = calloc(s->composers->count, sizeof *s->habits);
    s->plans = calloc(s->composers->count, sizeof *s->plans);
    if (!s->name || !s->family || !s->licence || !s->habits || !s->plans)
        return -ENOMEM;
    card->info = (struct net_info){
        .name = s->name,
        .family = s->family,
        .licence = s->licence,
        .composers = s->composers->words,
        .composer_count = s->composers->count,
        .habits = s->habits,
        .offered = s->offered->words,
        .offered_count = s->offered->count,
        .kinds = s->kinds->words,
        .kind_count = s->kinds->count,
    };
    const char *loss = safetensors_metadata(file, "validation_loss");
    if (!spa_atod(loss, &card->info.validation_loss))
        card->info.validation_loss = NAN;
    int warm = read_temperature(card, file);
    return warm < 0 ? warm : read_control(card, file);
}

int card_init(struct card *card, const struct safetensors *file)
{
    memset(card, 0, sizeof *card);
    card->strings = calloc(1, sizeof *card->strings);
    int r = card->strings ? read_all(card, file) : -ENOMEM;
    if (r < 0)
        card_finish(card);
    return r;
}

void card_finish(struct card *card)
{
    struct card_strings *s = card->strings;
    if (!s)
        return;
    for (uint32_t i = 0; s->plans && i < s->composers->count; i++)
        free(s->plans[i]);
    free(s->plans);
    free(s->habits);
    words_free(s->composers);
    words_free(s->offered);
    words_free(s->kinds);
    free(s->name);
    free(s->family);
    free(s->licence);
    free(s);
    memset(card, 0, sizeof *card);
}
