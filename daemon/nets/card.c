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

struct card_strings {
    struct words *composers, *offered, *kinds;
    char *name, *family, *licence, *stats;
    struct net_habits *habits;
    uint8_t **plans; ///< of each composer
};

static const char *const controls[NET_CONTROLS] = {"density", "register", "loudness", "polyphony"};

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

/** Typical control values as buckets, and the plan, of one composer. */
static int read_habits(struct card *card, const struct safetensors *file, uint32_t composer,
                       float edges[NET_CONTROLS][MAX_EDGES], const int edge_counts[NET_CONTROLS])
{
    struct card_strings *s = card->strings;
    struct net_habits *habits = &s->habits[composer];
    const char *name = s->composers->words[composer];
    const char *typical = safetensors_metadata(file, "control");
    float values[NET_CONTROLS];
    memset(habits->control, -1, sizeof habits->control);
    if (typical && card->info.buckets[0] &&
        numbers_of(typical, name, values, NET_CONTROLS) == NET_CONTROLS)
        for (int i = 0; i < NET_CONTROLS; i++) {
            int bucket = 0;
            while (bucket < edge_counts[i] && values[i] >= edges[i][bucket])
                bucket++;
            habits->control[i] = (int8_t)bucket;
        }

    char tensor_name[300];
    snprintf(tensor_name, sizeof tensor_name, "plan.%s", name);
    const struct safetensors_tensor *plan = safetensors_find(file, tensor_name);
    if (!plan)
        return 0;
    if (plan->type != SAFETENSORS_U8 || plan->dimensions != 2 || plan->shape[1] != NET_CONTROLS ||
        plan->shape[0] > UINT32_MAX)
        return amiss(file, "a composer's plan is no table of four columns of bytes");
    if (plan->elements == 0)
        return 0;
    s->plans[composer] = malloc(plan->size);
    if (!s->plans[composer])
        return -ENOMEM;
    memcpy(s->plans[composer], plan->data, plan->size);
    for (uint64_t i = 0; i < plan->elements; i++) {
        uint8_t bucket = s->plans[composer][i];
        if (bucket != NET_PLAN_GAP && bucket >= card->info.buckets[i % NET_CONTROLS])
            return amiss(file, "a composer's plan names a bucket that there is not");
    }
    habits->plan = (const uint8_t(*)[NET_CONTROLS])s->plans[composer];
    habits->plan_count = (uint32_t)plan->shape[0];
    return 0;
}

static int read_control(struct card *card, const struct safetensors *file)
{
    const char *text = safetensors_metadata(file, "control_buckets");
    float edges[NET_CONTROLS][MAX_EDGES];
    int counts[NET_CONTROLS] = {0};
    // The file of a net that heeds none may still tell what its composers were trained with.
    for (int i = 0; card->info.kind_count && text && i < NET_CONTROLS; i++) {
        counts[i] = numbers_of(text, controls[i], edges[i], MAX_EDGES);
        if (counts[i] < 1)
            return amiss(file, "its control_buckets are no lists of numbers");
        card->info.buckets[i] = (uint32_t)counts[i] + 1;
    }
    int r = 0;
    for (uint32_t i = 0; i < card->info.composer_count && r == 0; i++)
        r = read_habits(card, file, i, edges, counts);
    return r;
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
    s->stats = text_of(file, "stats", "{}");
    s->habits = calloc(s->composers->count, sizeof *s->habits);
    s->plans = calloc(s->composers->count, sizeof *s->plans);
    if (!s->name || !s->family || !s->licence || !s->stats || !s->habits || !s->plans)
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
        .stats = s->stats,
    };
    const char *loss = safetensors_metadata(file, "validation_loss");
    if (!spa_atod(loss, &card->info.validation_loss))
        card->info.validation_loss = NAN;
    return read_control(card, file);
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
    free(s->stats);
    free(s);
    memset(card, 0, sizeof *card);
}
