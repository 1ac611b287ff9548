// SPDX-License-Identifier: MIT
#include "control/decisions.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void decisions_judge(struct decisions *decisions, enum curator_verdict verdict)
{
    decisions_count(&decisions->judged);
    if ((size_t)verdict < DECISIONS_VERDICTS)
        decisions_count(&decisions->verdicts[verdict]);
}

void decisions_hear(struct decisions *decisions, const struct note *notes, size_t count,
                    int64_t last)
{
    uint64_t longest = atomic_load(&decisions->gap);
    for (size_t i = 0; i < count; i++) {
        int64_t gap = last < 0 ? 0 : notes[i].onset - last;
        if (gap > 0 && (uint64_t)gap > longest)
            longest = (uint64_t)gap;
        last = notes[i].onset;
    }
    atomic_store(&decisions->gap, longest);
}

/** A verdict that this curator has. */
static bool is_known(size_t verdict)
{
    return strcmp(curator_verdict_name((enum curator_verdict)verdict), "unknown") != 0;
}

size_t decisions_list(struct decisions *decisions, struct decision ret_list[DECISION_ROOM])
{
    size_t count = 0;
    uint64_t refused = 0;
    for (size_t i = CURATOR_KEEP + 1; i < DECISIONS_VERDICTS; i++)
        refused += atomic_load(&decisions->verdicts[i]);
    ret_list[count++] = (struct decision){"judged", atomic_load(&decisions->judged)};
    ret_list[count++] = (struct decision){"kept", atomic_load(&decisions->kept)};
    ret_list[count++] = (struct decision){"refused", refused};
    for (size_t i = CURATOR_KEEP + 1; i < DECISIONS_VERDICTS && is_known(i); i++) {
        struct decision *one = &ret_list[count++];
        snprintf(one->name, sizeof one->name, "refused_%s",
                 curator_verdict_name((enum curator_verdict)i));
        one->value = atomic_load(&decisions->verdicts[i]);
    }
    const struct decision others[] = {
        {"redrawn", atomic_load(&decisions->redrawn)},
        {"least_bad", atomic_load(&decisions->least_bad)},
        {"reseeds_own", atomic_load(&decisions->own)},
        {"reseeds_human", atomic_load(&decisions->human)},
        {"reseeds_blank", atomic_load(&decisions->blank)},
        {"phrases", atomic_load(&decisions->phrases)},
        {"replays", atomic_load(&decisions->replays)},
        {"set_aside", atomic_load(&decisions->set_aside)},
        {"pieces", atomic_load(&decisions->pieces)},
        {"longest_gap_ms", atomic_load(&decisions->gap) / 1000},
        {"threshold_permille", atomic_load(&decisions->threshold)},
    };
    memcpy(ret_list + count, others, sizeof others);
    return count + sizeof others / sizeof *others;
}
