// SPDX-License-Identifier: MIT
#include "nets/tables.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute/buffer.h"
#include "nets/engine.h"
#include "nets/form.h"
#include "nets/net.h"
#include "nets/safetensors.h"
#include "log.h"

#define COMPOSER_ROW (TABLES_LOGITS + 1)
#define SEEN_ROWS 605
#define TICK_ROWS 1
/** An accent, shaders/accent.glsl: intervals, of each turn of three, strides, of each two before,
 * and pitches. */
#define ACCENT_TURNS 1728
#define ACCENT_INTERVALS 12
#define ACCENT_STRIDES 49
#define ACCENT_WIDTHS 27
#define ACCENT_PITCHES 128
#define ACCENT_SIZE                                                                                \
    (ACCENT_TURNS * ACCENT_INTERVALS + ACCENT_STRIDES * ACCENT_WIDTHS + ACCENT_PITCHES)
#define MOST_ROWS 65536

const uint32_t tables_sizes[TABLES_FIELDS] = {95, 128, 64, 32};

static const char *const fields[TABLES_FIELDS] = {"delta", "pitch", "duration", "velocity"};

/** The rows as they are put together. */
struct pile {
    const struct safetensors *file;
    float *values;
    uint32_t width, used;
};

/** Puts `rows` rows on the pile; 0: one, of a tensor of one dimension. */
static int put(struct pile *pile, const char *name, uint32_t rows)
{
    const struct safetensors_tensor *tensor;
    int r = safetensors_matrix(pile->file, name, rows ? rows : pile->width, rows ? pile->width : 0,
                               &tensor);
    if (r < 0)
        return r;
    float *out = pile->values + (size_t)pile->used * pile->width;
    for (uint64_t i = 0; i < tensor->elements; i++)
        out[i] = safetensors_float(tensor, i);
    pile->used += rows ? rows : 1;
    return 0;
}

/** What the heads see of fields drawn before, and their biases. */
static int put_heads(struct pile *pile)
{
    char name[32];
    int r = 0;
    for (int head = 1; head < TABLES_FIELDS && r == 0; head++)
        for (int former = 0; former < head && r == 0; former++) {
            snprintf(name, sizeof name, "head%d.seen%d", head, former);
            r = put(pile, name, tables_sizes[former]);
        }
    for (int head = 0; head < TABLES_FIELDS && r == 0; head++) {
        const struct safetensors_tensor *bias;
        snprintf(name, sizeof name, "head%d.bias", head);
        r = safetensors_matrix(pile->file, name, tables_sizes[head], 0, &bias);
        for (uint64_t i = 0; r == 0 && i < bias->elements; i++)
            pile->values[(size_t)pile->used * pile->width + i] = safetensors_float(bias, i);
        pile->used++;
    }
    return r;
}

/** What the delta bins mean, in ticks of 10 ms (models/notes.py), and how many may be drawn. */
static uint32_t put_ticks(struct pile *pile)
{
    float *out = pile->values + (size_t)pile->used++ * pile->width;
    uint32_t drawn = 0;
    double before = 30;
    for (uint32_t i = 0; i < tables_sizes[0]; i++) {
        if (i > 30) {
            double exact = rint(30 * pow(800.0 / 30.0, (double)(i - 30) / 64.0));
            before = fmax(exact, before + 1);
        }
        out[i] = i > 30 ? (float)before : (float)i;
        drawn += out[i] <= NET_LONGEST_DELTA_TICKS;
    }
    return drawn;
}

/** A composer's `what`, or NULL. */
static const struct safetensors_tensor *find_of(const struct safetensors *file, const char *what,
                                                const char *composer)
{
    char name[300];
    snprintf(name, sizeof name, "%s.%s", what, composer);
    return safetensors_find(file, name);
}

static bool has_accent(const struct safetensors *file, const char *composer)
{
    return find_of(file, "accent", composer) || find_of(file, "stride", composer) ||
           find_of(file, "compass", composer);
}

/** How many composers come up to the last that has an accent. */
static uint32_t count_accents(const struct safetensors *file, const struct net_info *info)
{
    uint32_t count = info->composer_count;
    while (count > 0 && !has_accent(file, info->composers[count - 1]))
        count--;
    return count;
}

static uint64_t accent_rows(uint32_t accents, uint32_t width)
{
    return ((uint64_t)accents * ACCENT_SIZE + width - 1) / width;
}

/** One of them, if there is one. */
static int put_accent(struct pile *pile, const char *what, const char *composer, uint32_t rows,
                      uint32_t columns, float *out)
{
    const struct safetensors_tensor *tensor = find_of(pile->file, what, composer);
    if (!tensor)
        return 0;
    int r = safetensors_matrix(pile->file, tensor->name, rows, columns, &tensor);
    for (uint64_t i = 0; r == 0 && i < tensor->elements; i++)
        out[i] = safetensors_float(tensor, i);
    return r;
}

/** One behind the other, without a gap; those of composers that have none are zero. */
static int put_accents(const struct tables *tables, struct pile *pile, const struct net_info *info)
{
    float *out = pile->values + (size_t)pile->used * pile->width;
    int r = 0;
    for (uint32_t i = 0; i < tables->accents && r == 0; i++, out += ACCENT_SIZE) {
        r = put_accent(pile, "accent", info->composers[i], ACCENT_TURNS, ACCENT_INTERVALS, out);
        if (r == 0)
            r = put_accent(pile, "stride", info->composers[i], ACCENT_STRIDES, ACCENT_WIDTHS,
                           out + (size_t)ACCENT_TURNS * ACCENT_INTERVALS);
        if (r == 0)
            r = put_accent(pile, "compass", info->composers[i], ACCENT_PITCHES, 0,
                           out + ACCENT_SIZE - ACCENT_PITCHES);
    }
    pile->used += (uint32_t)accent_rows(tables->accents, pile->width);
    return r;
}

static int put_all(struct tables *tables, struct pile *pile, const struct net_info *info,
                   uint32_t controls)
{
    char name[32];
    int r = 0;
    for (int i = 0; i < TABLES_FIELDS && r == 0; i++) {
        snprintf(name, sizeof name, "embed.%s", fields[i]);
        r = put(pile, name, tables_sizes[i]);
    }
    if (r == 0)
        r = put(pile, "embed.start", 0);
    if (r == 0)
        r = put(pile, "embed.composer", info->composer_count);
    tables->kinds = pile->used;
    if (r == 0)
        r = put(pile, "embed.kind", info->kind_count);
    tables->controls = pile->used;
    if (r == 0)
        r = put(pile, "embed.control", controls);
    tables->seen = pile->used;
    if (r == 0)
        r = put_heads(pile);
    if (r == 0)
        tables->deltas = put_ticks(pile);
    tables->accent = pile->used;
    if (r == 0)
        r = put_accents(tables, pile, info);
    return r;
}

int tables_init(struct tables *tables, const struct engine_place *place, uint32_t width)
{
    const struct net_info *info = place->info;
    const uint32_t controls = info->control_count;
    memset(tables, 0, sizeof *tables);
    for (int i = 0; i < NET_CONTROLS; i++)
        tables->buckets[i / 4] |= (info->control_rows[i] & 255) << 8 * (i % 4);
    tables->accents = count_accents(place->file, info);
    uint64_t rows = COMPOSER_ROW + info->composer_count + info->kind_count + controls + SEEN_ROWS +
                    TABLES_FIELDS + TICK_ROWS + accent_rows(tables->accents, width);
    if (rows > MOST_ROWS || controls > 255 || !controls || !info->kind_count) {
        log_error(
            "%s: broken weights file: a transformer needs kinds and control_buckets (fetch it "
            "again)",
            safetensors_path(place->file));
        return -EBADMSG;
    }
    tables->width = width;
    size_t size = (size_t)rows * tables->width * sizeof(float);
    struct pile pile = {place->file, calloc(1, size), tables->width, 0};
    if (!pile.values)
        return -ENOMEM;
    int r = put_all(tables, &pile, info, controls);
    if (r == 0)
        r = buffer_new(place->form->device, size, BUFFER_DEVICE,
                       place->form->texel ? BUFFER_RGBA32F : BUFFER_NO_TEXEL, &tables->rows);
    if (r == 0)
        r = buffer_write(tables->rows, 0, pile.values, size);
    free(pile.values);
    if (r < 0)
        tables_finish(tables);
    return r;
}

void tables_finish(struct tables *tables)
{
    buffer_free(tables->rows);
    memset(tables, 0, sizeof *tables);
}
