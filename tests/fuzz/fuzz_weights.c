// SPDX-License-Identifier: MIT
// Any bytes as a weights file: the arrays, the card of the net in it, the statistics in it for the
// curator, and as the quotes of a family.
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "music/curator.h"
#include "music/quotes.h"
#include "nets/card.h"
#include "nets/safetensors.h"
#include "nets/words.h"

static const char *const names[] = {"weight", "bias", "filter", "plan.bach", "lstm1.control"};

static void check_arrays(const struct safetensors *file)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct safetensors_tensor *tensor = safetensors_find(file, names[i]);
        const struct safetensors_tensor *matrix;
        if (!tensor)
            continue;
        unsigned sum = 0; // every byte can be read
        for (size_t k = 0; k < tensor->size; k++)
            sum += ((const uint8_t *)tensor->data)[k];
        fuzz_saw(300 + (unsigned)tensor->type, sum);
        uint64_t columns = tensor->dimensions == 2 ? tensor->shape[1] : 0;
        if (tensor->dimensions < 1 || tensor->dimensions > 2 ||
            safetensors_matrix(file, names[i], tensor->shape[0], columns, &matrix) < 0)
            continue;
        for (uint64_t k = 0; k < matrix->elements; k++)
            (void)safetensors_float(matrix, k);
    }
}

static void check_card(const struct safetensors *file)
{
    struct card card;
    if (card_init(&card, file) < 0)
        return;
    const struct net_info *info = &card.info;
    FUZZ_HOLDS(info->composer_count > 0 && info->name && info->family && info->licence);
    for (uint32_t i = 0; i < info->offered_count; i++)
        fuzz_saw(310, strlen(info->offered[i]));
    for (uint32_t i = 0; i < info->composer_count; i++)
        for (uint32_t row = 0; row < info->habits[i].plan_count; row++)
            for (int k = 0; k < NET_CONTROLS; k++) {
                uint8_t bucket = info->habits[i].plan[row][k];
                FUZZ_HOLDS(bucket == NET_PLAN_GAP || bucket < info->buckets[k]);
            }
    fuzz_saw(311, info->control_count);
    card_finish(&card);
}

static void check_words(const struct safetensors *file)
{
    const char *stats = safetensors_metadata(file, "stats");
    const char *reference = safetensors_metadata(file, "reference");
    const struct safetensors_tensor *filter = safetensors_find(file, "filter");
    struct curator_bounds bounds;
    struct curator_reference any;
    struct quotes *quotes;
    if (stats && curator_bounds_parse(stats, "bach", &bounds) == 0)
        for (int i = 0; i < 5; i++)
            FUZZ_HOLDS(bounds.notes_per_minute[i] >= 0 &&
                       (!i || bounds.notes_per_minute[i] >= bounds.notes_per_minute[i - 1]));
    if (!reference || curator_reference_parse(reference, "bach", &any) < 0)
        return;
    fuzz_saw(320, (uint64_t)(any.quoted_share * 100));
    if (filter && quotes_new(filter->data, filter->size, 5, reference, &quotes) == 0) {
        for (uint64_t run = 0; run < 64; run++)
            fuzz_saw(321, quotes_have(quotes, run * UINT64_C(0x9e3779b97f4a7c15)));
        quotes_free(quotes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct safetensors *file;
    if (safetensors_new(fuzz_path(bytes, size), &file) < 0)
        return 0;
    check_arrays(file);
    check_card(file);
    check_words(file);
    safetensors_free(file);
    return 0;
}
