// SPDX-License-Identifier: MIT
// Nets of the roll vocabulary: a run is a second of frames.
#include "control/scribe.h"

#include <string.h>

_Static_assert(ROLL_PITCHES == NET_FRAME_CELLS, "roll and net speak of the same frame");
_Static_assert(ROLL_FRAME_US *NET_FRAMES_PER_SECOND == NOTE_SECOND, "and of the same time");
_Static_assert(SCRIBE_PRIME_FRAMES % NET_RUN_STEPS == 0, "a phrase is whole runs");
_Static_assert(SCRIBE_DRAFT_FRAMES % NET_RUN_STEPS == 0, "and so is a draft");

static void roll_cut(struct scribe *scribe, int64_t at)
{
    roll_reader_init(&scribe->roll.reader, at / ROLL_FRAME_US);
}

static enum primer_source roll_prime(struct scribe *scribe, enum primer_source source,
                                     int64_t start, int64_t piece_start, const char *composer,
                                     const struct curator *curator)
{
    struct scribe_roll_state *roll = &scribe->roll;
    struct primer *primer = scribe->primer;
    if (source == PRIMER_NOTHING || (source == PRIMER_LATEST && start < PRIMER_US))
        source = PRIMER_HUMAN;
    if (source == PRIMER_LATEST && start - piece_start < PRIMER_US / 2)
        source = PRIMER_HUMAN;
    if (source == PRIMER_GIVEN)
        roll_cut(scribe, start);
    source = primer_choose(primer, source, start, PRIMER_US, composer, curator);
    roll_write(primer->notes, primer->count, primer->from, SCRIBE_PRIME_FRAMES, 0, roll->phrase);
    roll->primed = 0;
    roll->written = 0;
    scribe->nonsense = false;
    return source;
}

static bool roll_go_on(struct scribe *scribe, int64_t start, struct draft *draft)
{
    scribe->roll.primed = SCRIBE_PRIME_FRAMES;
    scribe->roll.written = 0;
    return false;
}

static bool roll_primes(const struct scribe *scribe)
{
    return scribe->roll.primed < SCRIBE_PRIME_FRAMES;
}

static void roll_feed(struct scribe *scribe, struct net_lane *input)
{
    const struct scribe_roll_state *roll = &scribe->roll;
    if (!roll_primes(scribe))
        return;
    input->forced = roll->phrase + roll->primed * ROLL_PITCHES;
    input->forced_count = NET_RUN_STEPS;
}

/** Reads the frames of the draft into it. */
static void read_frames(const struct scribe_roll_state *roll, int64_t start, struct draft *draft)
{
    struct note events[2 * ROLL_PITCHES];
    size_t latest[ROLL_PITCHES];
    draft_begin(draft, start);
    draft->after = roll->reader;
    for (size_t frame = 0; frame < SCRIBE_DRAFT_FRAMES; frame++) {
        size_t count = roll_reader_push(&draft->after, roll->frames + frame * ROLL_PITCHES, events,
                                        2 * ROLL_PITCHES);
        for (size_t i = 0; i < count; i++) {
            const struct note *event = &events[i];
            draft_add_event(draft, event);
            if (event->duration == NOTE_OPEN) {
                latest[event->pitch] = draft->onset_count;
                draft_add_onset(draft, event);
            } else if (event->onset >= start && latest[event->pitch] < draft->onset_count) {
                draft->onsets[latest[event->pitch]].duration = event->duration;
            }
        }
    }
    // The curator hears what is still open as long as it lasts within the draft.
    int64_t end = start + DRAFT_US;
    for (size_t i = 0; i < draft->onset_count; i++)
        if (draft->onsets[i].duration == NOTE_OPEN)
            draft->onsets[i].duration = end - draft->onsets[i].onset;
}

static bool roll_take(struct scribe *scribe, const uint8_t *tokens, int64_t start,
                      struct draft *draft)
{
    struct scribe_roll_state *roll = &scribe->roll;
    if (roll_primes(scribe)) {
        roll->primed += NET_RUN_STEPS;
        return false;
    }
    for (size_t i = 0; i < (size_t)NET_RUN_STEPS * ROLL_PITCHES; i++)
        scribe->nonsense = scribe->nonsense || tokens[i] > NET_CELL_HOLD;
    memcpy(roll->frames + roll->written * ROLL_PITCHES, tokens,
           (size_t)NET_RUN_STEPS * ROLL_PITCHES);
    roll->written += NET_RUN_STEPS;
    if (roll->written < SCRIBE_DRAFT_FRAMES)
        return false;
    read_frames(roll, start, draft);
    return true;
}

static void roll_copy_phrase(struct scribe *scribe, int64_t start, struct draft *draft)
{
    const struct primer *primer = scribe->primer;
    roll_write(primer->notes, primer->count, primer->from, SCRIBE_DRAFT_FRAMES, 0,
               scribe->roll.frames);
    read_frames(&scribe->roll, start, draft);
}

static void roll_keep(struct scribe *scribe, const struct draft *draft, int64_t breath)
{
    int64_t frames = breath / ROLL_FRAME_US;
    struct roll_reader *reader = &scribe->roll.reader;
    *reader = draft->after;
    reader->frame += frames;
    for (size_t pitch = 0; pitch < ROLL_PITCHES; pitch++)
        if (reader->open[pitch] >= 0)
            reader->open[pitch] += frames;
}

const struct scribe_kind scribe_roll = {
    .vocabulary = NET_ROLL,
    .cut = roll_cut,
    .prime = roll_prime,
    .go_on = roll_go_on,
    .feed = roll_feed,
    .primes = roll_primes,
    .take = roll_take,
    .copy_phrase = roll_copy_phrase,
    .keep = roll_keep,
};

void scribe_init(struct scribe *scribe, struct primer *primer, enum net_vocabulary vocabulary,
                 int64_t at)
{
    *scribe = (struct scribe){
        .kind = vocabulary == NET_NOTES ? &scribe_notes : &scribe_roll,
        .primer = primer,
    };
    scribe->kind->cut(scribe, at);
}
