// SPDX-License-Identifier: MIT
#include "control/draft.h"

#include <string.h>

#include "log.h"
#include "music/arranger.h"
#include "music/disguise.h"
#include "music/score.h"

void draft_begin(struct draft *draft, int64_t start)
{
    draft->start = start;
    draft->onset_count = 0;
    draft->event_count = 0;
}

/** Whether the same key is struck at the same moment already: the score has it once. */
static bool has_twin(const struct draft *draft, const struct note *note)
{
    size_t i = draft->onset_count;
    while (i > 0 && draft->onsets[i - 1].onset == note->onset)
        if (draft->onsets[--i].pitch == note->pitch)
            return true;
    return false;
}

void draft_add_onset(struct draft *draft, const struct note *note)
{
    if (has_twin(draft, note))
        return;
    if (draft->onset_count < DRAFT_ONSETS)
        draft->onsets[draft->onset_count++] = *note;
}

void draft_add_event(struct draft *draft, const struct note *note)
{
    if (draft->event_count < DRAFT_EVENTS)
        draft->events[draft->event_count++] = *note;
}

void draft_copy(struct draft *to, const struct draft *from)
{
    to->start = from->start;
    to->onset_count = from->onset_count;
    to->event_count = from->event_count;
    to->after = from->after;
    memcpy(to->onsets, from->onsets, from->onset_count * sizeof *from->onsets);
    memcpy(to->events, from->events, from->event_count * sizeof *from->events);
}

/** The events are the ends of notes of before, and the onsets. */
static void write_events(struct draft *draft, bool arranged)
{
    size_t count = 0;
    for (size_t i = 0; i < draft->event_count; i++) {
        const struct note *note = &draft->events[i];
        if (note->onset < draft->start && (!arranged || note->pitch == arranger_pitch(note->pitch)))
            draft->events[count++] = *note;
    }
    memcpy(draft->events + count, draft->onsets, draft->onset_count * sizeof *draft->onsets);
    draft->event_count = count + draft->onset_count;
}

void draft_arrange(struct draft *draft)
{
    arranger_arrange(draft->onsets, &draft->onset_count);
    // The end of a note of before that was moved would be a note of its own.
    write_events(draft, true);
}

void draft_disguise(struct draft *draft, const struct curator *curator)
{
    for (size_t i = 0; i < draft->onset_count; i++)
        if (draft->onsets[i].duration == NOTE_OPEN)
            return;
    if (disguise_passages(curator, draft->start, draft->onsets, draft->onset_count))
        write_events(draft, false);
}

void draft_shift(struct draft *draft, int64_t shift)
{
    for (size_t i = 0; i < draft->onset_count; i++)
        draft->onsets[i].onset += shift;
    for (size_t i = 0; i < draft->event_count; i++)
        if (draft->events[i].onset >= draft->start)
            draft->events[i].onset += shift;
    draft->start += shift;
}

void draft_commit(const struct draft *draft, struct score *score)
{
    bool room = true;
    for (size_t i = 0; i < draft->event_count; i++)
        room = score_add(score, &draft->events[i]) == 0 && room;
    if (!room)
        log_warning("the score is full: some notes of a draft were left out");
    score_extend(score, draft->start + DRAFT_US);
}
