// SPDX-License-Identifier: MIT
#include "nets/shape.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spa/utils/json.h>

#include "nets/safetensors.h"
#include "log.h"

#define HEAD 64
#define PERIODS 16
#define MOST_HIDDEN 4096
#define LEAST_WINDOW 16
#define MOST_WINDOW 2048 // shares[] of shaders/attend_plain.comp

static int unfit(const struct safetensors *file, const char *name, const char *what)
{
    log_error("%s: a transformer whose \"%s\" this version cannot play: %s", safetensors_path(file),
              name, what);
    return -EBADMSG;
}

/** The numbers of the metadata's array `key`; how many, or -1. */
static int numbers_of(const struct safetensors *file, const char *key, float *ret_numbers, int room)
{
    const char *text = safetensors_metadata(file, key);
    struct spa_json root, array;
    const char *token;
    int length, count = 0;
    if (!text)
        return -1;
    spa_json_init(&root, text, strlen(text));
    if (spa_json_enter_array(&root, &array) < 0)
        return -1;
    while ((length = spa_json_next(&array, &token)) > 0)
        if (count == room || spa_json_parse_float(token, length, &ret_numbers[count++]) <= 0)
            return -1;
    // The tokenizer is content with an array that just stops.
    return length < 0 || array.cur >= array.end || *array.cur != ']' ? -1 : count;
}

/** The pairs `first`, `first` + 2, ...: periods from the shortest to the longest. */
static int read_periods(struct shape *shape, const struct safetensors *file, const char *key,
                        uint32_t first)
{
    float ends[2];
    if (numbers_of(file, key, ends, 2) != 2 || !(ends[0] >= 2) || !(ends[1] > ends[0]) ||
        !(ends[1] < 1e9f))
        return unfit(file, key, "it needs a shortest period of 2 or more, and a longest");
    for (uint32_t i = 0; i < PERIODS; i++) {
        double period = ends[0] * pow((double)ends[1] / ends[0], i / (PERIODS - 1.0));
        shape->frequencies[first + 2 * i] = (uint32_t)llrint(4294967296.0 / period);
    }
    return 0;
}

static int read_windows(struct shape *shape, const struct safetensors *file)
{
    float windows[SHAPE_MOST_LAYERS];
    int count = numbers_of(file, "windows", windows, SHAPE_MOST_LAYERS);
    if (count < 1)
        return unfit(file, "windows", "it needs a list of 1 to 16 numbers");
    shape->layers = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        // Numbers of notes wrap at 2^32, and their places in the ring must go on there.
        if (!(windows[i] >= LEAST_WINDOW && windows[i] <= MOST_WINDOW) ||
            ((uint32_t)windows[i] & ((uint32_t)windows[i] - 1)) != 0)
            return unfit(file, "windows", "they must be powers of two, 16 to 2048");
        shape->windows[i] = (uint32_t)windows[i];
    }
    return 0;
}

int shape_init(struct shape *shape, const struct safetensors *file)
{
    memset(shape, 0, sizeof *shape);
    const char *vocabulary = safetensors_metadata(file, "vocabulary");
    if (!vocabulary || strncmp(vocabulary, "notes-4", 7) != 0 ||
        (vocabulary[7] && vocabulary[7] != ' '))
        return unfit(file, "vocabulary", "only notes-4 is known");
    const struct safetensors_tensor *start = safetensors_find(file, "embed.start");
    if (!start || start->dimensions != 1 || start->shape[0] < 256 || start->shape[0] > 1024 ||
        start->shape[0] % 256 != 0)
        return unfit(file, "embed.start", "it must have 256, 512, 768 or 1024 values");
    shape->width = (uint32_t)start->shape[0];
    shape->heads = shape->width / HEAD;
    const char *heads = safetensors_metadata(file, "heads");
    if (!heads || strtoul(heads, NULL, 10) != shape->heads)
        return unfit(file, "heads", "each must have 64 of the net's features");
    const struct safetensors_tensor *up = safetensors_find(file, "layer0.up");
    if (!up || up->dimensions != 2 || up->shape[0] < 256 || up->shape[0] > MOST_HIDDEN ||
        up->shape[0] % 256 != 0)
        return unfit(file, "layer0.up", "it must have rows in multiples of 256, at most 4096");
    shape->hidden = (uint32_t)up->shape[0];
    shape->bytes = up->type == SAFETENSORS_I8;

    int r = read_windows(shape, file);
    if (r == 0)
        r = read_periods(shape, file, "periods_notes", 0);
    if (r == 0)
        r = read_periods(shape, file, "periods_ticks", 1);
    return r;
}

int shape_matrix(const struct shape *shape, const struct safetensors *file, const char *name,
                 uint64_t rows, uint64_t columns, const struct safetensors_tensor **ret_tensor)
{
    const struct safetensors_tensor *tensor = NULL;
    int r = safetensors_matrix(file, name, rows, columns, &tensor);
    if (r < 0)
        return r;
    // One kernel computes them all.
    if ((tensor->type == SAFETENSORS_I8) != shape->bytes)
        return unfit(file, name, "either all of its large matrices must be I8 or none");
    *ret_tensor = tensor;
    return 0;
}
