// SPDX-License-Identifier: MIT
// Nets of the notes vocabulary: a run is so many notes, however long they take.
#include "control/scribe.h"

#include <string.h>

#include "music/seedbook.h"

_Static_assert(sizeof(struct tuple) == NET_NOTE_FIELDS, "a tuple is a step as it is fed");

/** How far back the latest notes are looked for; less where the piece is younger. */
#define REACH_US (120 * NOTE_SECOND)

static void notes_cut(struct scribe *scribe, int64_t at)
{
    struct scribe_notes_state *notes = &scribe->notes;
    notes->waiting_count = 0;
    notes->drafted = 0;
    notes->former = at;
    notes->floor = at;
}

/** Spells the primer's phrase from its time `from` on, and what waits behind it. */
static void spell(struct scribe *scribe, int64_t from, int64_t start)
{
    struct scribe_notes_state *notes = &scribe->notes;
    struct primer *primer = scribe->primer;
    size_t first = 0;
    while (first < primer->count && primer->notes[first].onset < from)
        first++;
    size_t count = primer->count - first;
    for (size_t i = 0; i < notes->waiting_count && first + count < PRIMER_NOTES; i++)
        primer->notes[first + count++] = notes->waiting[i];
    size_t most = scribe->soon ? SCRIBE_PRIME_NOTES_SOON : SCRIBE_PRIME_NOTES;
    if (count > most) {
        first += count - most;
        count = most;
    }
    struct note *chosen = primer->notes + first;
    notes->to_feed = tuple_spell(chosen, count, primer->to, notes->phrase);
    if (count)
        notes->former = chosen[count - 1].onset;
}

static enum primer_source notes_prime(struct scribe *scribe, enum primer_source source,
                                      int64_t start, int64_t piece_start, const char *composer,
                                      const struct curator *curator)
{
    struct scribe_notes_state *notes = &scribe->notes;
    struct primer *primer = scribe->primer;
    if (source != PRIMER_LATEST)
        notes_cut(scribe, start);
    if (source == PRIMER_HUMAN && (!primer->book || !seedbook_count(primer->book, composer)))
        source = PRIMER_NOTHING;
    source = primer_choose(primer, source, start, REACH_US, composer, curator);
    notes->to_feed = 0;
    notes->primed = 0;
    scribe->nonsense = false;
    notes->floor = start;
    if (source == PRIMER_LATEST) {
        spell(scribe, piece_start, start);
    } else if (source == PRIMER_GIVEN) {
        spell(scribe, INT64_MIN, start); // it goes on from the last note of it
    } else if (source != PRIMER_NOTHING) {
        spell(scribe, primer->from, start);
        notes->former = start; // the phrase is of another time
    }
    return notes->to_feed ? source : PRIMER_NOTHING;
}

/** Writes the draft where everything up to its end is there. */
static bool write_draft(struct scribe_notes_state *notes, int64_t start, struct draft *draft)
{
    int64_t end = start + DRAFT_US;
    if (notes->former < end && notes->waiting_count < SCRIBE_WAITING)
        return false;
    draft_begin(draft, start);
    notes->drafted = 0;
    while (notes->drafted < notes->waiting_count && notes->waiting[notes->drafted].onset < end) {
        draft_add_onset(draft, &notes->waiting[notes->drafted]);
        draft_add_event(draft, &notes->waiting[notes->drafted]);
        notes->drafted++;
    }
    return true;
}

static bool notes_go_on(struct scribe *scribe, int64_t start, struct draft *draft)
{
    return write_draft(&scribe->notes, start, draft);
}

static bool notes_primes(const struct scribe *scribe)
{
    return scribe->notes.to_feed - scribe->notes.primed >= NET_RUN_NOTES;
}

static void notes_feed(struct scribe *scribe, struct net_lane *input)
{
    struct scribe_notes_state *notes = &scribe->notes;
    size_t left = notes->to_feed - notes->primed;
    notes->feeding = left < NET_RUN_NOTES ? left : NET_RUN_NOTES;
    if (!notes->feeding)
        return;
    input->forced = (const uint8_t *)(notes->phrase + notes->primed);
    input->forced_count = (uint32_t)notes->feeding;
}

/** Whether all of the tuples are what is drawn where no logit is a number (shaders/draw.glsl). */
static bool are_nonsense(const struct tuple *tuples, size_t count)
{
    static const struct tuple fallback = {.pitch = NET_LOWEST_PITCH};
    size_t same = 0;
    while (same < count && !memcmp(&tuples[same], &fallback, sizeof fallback))
        same++;
    return count >= NET_RUN_NOTES / 2 && same == count;
}

static bool notes_take(struct scribe *scribe, const uint8_t *tokens, int64_t start,
                       struct draft *draft)
{
    struct scribe_notes_state *notes = &scribe->notes;
    notes->primed += notes->feeding;
    struct tuple tuples[NET_RUN_NOTES];
    memcpy(tuples, tokens, sizeof tuples);
    if (are_nonsense(tuples + notes->feeding, NET_RUN_NOTES - notes->feeding))
        scribe->nonsense = true;
    for (size_t i = notes->feeding; i < NET_RUN_NOTES; i++) {
        struct tuple tuple = tuples[i];
        struct note note = tuple_note(&tuple, notes->former);
        if (note.onset < notes->floor)
            note.onset = notes->floor;
        notes->former = note.onset;
        if (notes->waiting_count < SCRIBE_WAITING)
            notes->waiting[notes->waiting_count++] = note;
    }
    return write_draft(notes, start, draft);
}

static void notes_copy_phrase(struct scribe *scribe, int64_t start, struct draft *draft)
{
    const struct primer *primer = scribe->primer;
    draft_begin(draft, start);
    for (size_t i = 0; i < primer->count; i++) {
        struct note note = primer->notes[i];
        if (note.onset < primer->from || note.onset >= primer->from + DRAFT_US)
            continue;
        note.onset += start - primer->from;
        draft_add_onset(draft, &note);
        draft_add_event(draft, &note);
    }
}

static void notes_keep(struct scribe *scribe, const struct draft *draft, int64_t breath)
{
    struct scribe_notes_state *notes = &scribe->notes;
    size_t left = notes->waiting_count - notes->drafted;
    memmove(notes->waiting, notes->waiting + notes->drafted, left * sizeof *notes->waiting);
    for (size_t i = 0; i < left; i++)
        notes->waiting[i].onset += breath;
    notes->waiting_count = left;
    notes->drafted = 0;
    notes->former += breath;
    notes->floor = draft->start + DRAFT_US;
}

const struct scribe_kind scribe_notes = {
    .vocabulary = NET_NOTES,
    .cut = notes_cut,
    .prime = notes_prime,
    .go_on = notes_go_on,
    .feed = notes_feed,
    .primes = notes_primes,
    .take = notes_take,
    .copy_phrase = notes_copy_phrase,
    .keep = notes_keep,
};
