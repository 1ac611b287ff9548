// SPDX-License-Identifier: MIT
// What becomes of a draft: it is kept, or tried again.
#include "control/lane_private.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>

#include "log.h"
#include "music/arranger.h"
#include "music/score.h"

void lane_limit_voices(struct lane *lane, int64_t from)
{
    if (lane->style.telephone)
        score_limit(lane->score, from, ARRANGER_VOICES, ARRANGER_RINGS);
}

/** Puts the opening into the score, as what was composed by others and needs no judgement. */
static void commit_opening(struct lane *lane)
{
    int64_t begin = lane_piece_begin(lane);
    primer_give(&lane->primer, &lane->opening, begin);
    if (lane->style.telephone)
        arranger_arrange(lane->primer.notes, &lane->primer.count);
    for (size_t i = 0; i < lane->primer.count; i++)
        score_add(lane->score, &lane->primer.notes[i]);
    lane_limit_voices(lane, begin);
    score_extend(lane->score, lane->start);
    curator_keep(&lane->curator, lane->primer.notes, lane->primer.count, begin, lane->start);
}

/** What sounded last is held until something follows: now it is known what does. */
static void lift_pedal(struct lane *lane, const struct draft *draft)
{
    if (lane->piece && draft->onset_count)
        score_damp(lane->score, draft->onsets[0].onset);
    else if (!lane->piece)
        score_damp(lane->score, arranger_lift(draft->onsets, draft->onset_count));
}

/** Puts the draft into the score. Returns false where the moment for it has passed. */
static bool commit(struct lane *lane)
{
    struct draft *draft = &lane->draft;
    bool first = score_horizon(lane->score) == 0;
    if (lane->replaces) {
        if (score_cut(lane->score, lane->cut) < 0)
            return false;
        lane_tell(lane, "cut", "");
        curator_cut(&lane->curator, lane->cut, primer_last_onset(&lane->primer, lane->cut));
    }
    if (lane->serving & LANE_OPENING)
        commit_opening(lane);
    draft_shift(draft, lane->breath);
    if (!lane->piece && steering_closes(&lane->steering, &lane->style, lane->start))
        steering_close(&lane->steering, &lane->style, lane->score, draft);
    if (lane->style.telephone)
        lift_pedal(lane, draft);
    draft_commit(draft, lane->score);
    lane_limit_voices(lane, draft->start);
    lane->scribe.kind->keep(&lane->scribe, draft, lane->breath);
    decisions_count(&lane->decisions.kept);
    decisions_hear(&lane->decisions, draft->onsets, draft->onset_count,
                   first ? -1 : lane->curator.last_onset);
    curator_keep(&lane->curator, draft->onsets, draft->onset_count, draft->start,
                 draft->start + DRAFT_US);
    if (lane->rung <= LANE_OTHER_NET)
        steering_hear(&lane->steering, &lane->style, &lane->curator.bounds, lane->score, draft);
    atomic_store(&lane->decisions.threshold,
                 (uint64_t)lround(1000 * steering_threshold(&lane->steering, &lane->style)));
    return true;
}

static void count_reseed(struct lane *lane)
{
    struct decisions *decisions = &lane->decisions;
    atomic_fetch_add(&lane->reseeds, 1);
    decisions_count(lane->source == PRIMER_NOTHING ? &decisions->blank
                    : lane->source == PRIMER_HUMAN ? &decisions->human
                                                   : &decisions->own);
}

/** Keeps the draft. Returns false where the moment for it has passed. */
static bool keep(struct lane *lane)
{
    lane->work = LANE_RESTS;
    if (!commit(lane)) {
        // The machine was slower than the lead: begin again, further ahead. The music that was
        // composed before plays on meanwhile.
        if (lane->lead < LONGEST_LEAD_US)
            lane->lead *= 2;
        lane_begin_replacement(lane);
        return false;
    }
    if (lane->piece) {
        lane->piece_start = lane_piece_begin(lane);
        decisions_count(&lane->decisions.pieces);
    }
    if (lane->priming) {
        // One that was asked for counts, though a new piece may serve it as well.
        if (!lane->piece || lane->serving & LANE_RESEED)
            count_reseed(lane);
        lane_tell(lane, lane->piece ? "piece" : "reseed", lane->reason);
    }
    if (lane->replaces && lane->lead > LEAD_US)
        lane->lead /= 2;
    lane->priming = false;
    lane->piece = false;
    lane->replaces = false;
    lane->serving = 0;
    lane->breath = 0;
    if (lane->refused == 0)
        steering_relax(&lane->steering);
    lane->refused = 0;
    return true;
}

/** Sets the scene for another try: own music first, then a human phrase. */
static void refuse(struct lane *lane, enum curator_verdict verdict)
{
    log_debug("draft at %.1f s refused: %s", (double)lane->start / NOTE_SECOND,
              curator_verdict_name(verdict));
    steering_refuse(&lane->steering, verdict, lane->style.sampling, lane->refused);
    lane->refused++;
    bool fresh = lane->priming && lane->source <= PRIMER_HUMAN;
    if (!lane->priming)
        lane->reason = curator_verdict_name(verdict);
    lane->priming = true;
    lane->source = fresh || lane->refused > 2 ? PRIMER_HUMAN : PRIMER_BEST;
    // Whoever gave the opening wants to hear how it goes on.
    if (lane->serving & LANE_OPENING)
        lane->source = PRIMER_GIVEN;
    lane->work = LANE_RESTS;
}

/** Plays what was refused, or what no net has made. */
static void keep_unheard(struct lane *lane)
{
    if (!keep(lane))
        return;
    // What the net remembers is not what was kept.
    lane->priming = true;
    lane->source = PRIMER_HUMAN;
    lane->reason = "refused";
}

void lane_give_up(struct lane *lane)
{
    lane->doubts = true;
    if (lane_set_aside(lane))
        return;
    lane_write_relief(lane);
    keep_unheard(lane);
}

/** Patience is at its end: the least bad draft is played, or, where even that is none, music that
 * is there already. A net with which it ends again and again is set aside. */
static void end_patience(struct lane *lane)
{
    lane->patiences++;
    lane->doubts = lane->doubts || lane->patiences >= LANE_PATIENCES;
    if (lane->patiences >= LANE_PATIENCES && lane_set_aside(lane))
        return;
    if (lane->least_badness > CURATOR_TOLERABLE) {
        lane_write_relief(lane);
        keep_unheard(lane);
        return;
    }
    decisions_count(&lane->decisions.least_bad);
    draft_copy(&lane->draft, &lane->least_bad);
    draft_disguise(&lane->draft, &lane->curator);
    lane_play_on(lane, false);
    keep_unheard(lane);
}

/** What the curator says of a draft that begins at lane->start. */
static enum curator_verdict hear(struct lane *lane, const struct draft *draft, double *ret_badness)
{
    struct curator curator = lane->curator;
    if (lane->serving & LANE_OPENING) {
        const struct opening *opening = &lane->opening;
        int64_t last = opening->notes[opening->count - 1].onset;
        curator_cut(&curator, lane->start, lane_piece_begin(lane) + last);
    } else if (lane->replaces) {
        curator_cut(&curator, lane->start, primer_last_onset(&lane->primer, lane->start));
    }
    curator.last_onset -= lane->breath; // the breath is silence, too
    enum curator_verdict verdict = curator_judge(&curator, draft->onsets, draft->onset_count,
                                                 lane->start, lane->start + DRAFT_US, ret_badness);
    decisions_judge(&lane->decisions, verdict);
    return verdict;
}

/** The draft, the least bad of those that were drawn now, is not kept. */
static void try_again(struct lane *lane, const struct draft *draft, enum curator_verdict verdict,
                      double badness)
{
    if (!lane->refused || badness < lane->least_badness) {
        lane->least_badness = badness;
        draft_copy(&lane->least_bad, draft);
    }
    refuse(lane, verdict);
    if (lane->refused >= CURATOR_PATIENCE)
        end_patience(lane);
}

void lane_judge(struct lane *lane)
{
    double badness = 0;
    enum curator_verdict verdict = CURATOR_KEEP;
    if (lane->style.telephone)
        draft_arrange(&lane->draft);
    if (lane->style.curator)
        verdict = hear(lane, &lane->draft, &badness);
    if (verdict != CURATOR_KEEP) {
        try_again(lane, &lane->draft, verdict, badness);
        return;
    }
    lane_play_on(lane, true);
    keep(lane);
}

void lane_judge_sketches(struct lane *lane)
{
    const struct sketch *best = NULL;
    enum curator_verdict verdict = CURATOR_KEEP;
    double least = 0;
    for (size_t i = 0; i < LANE_SKETCH_LANES; i++) {
        struct sketch *sketch = &lane->sketches.of[i];
        if (sketch->scribe.nonsense) {
            lane_give_up(lane);
            return;
        }
        if (lane->style.telephone)
            draft_arrange(&sketch->draft);
        double badness = 0;
        enum curator_verdict one = hear(lane, &sketch->draft, &badness);
        bool kept = one == CURATOR_KEEP, was_kept = verdict == CURATOR_KEEP;
        bool better = kept != was_kept ? kept : badness < least;
        if (!best || better) {
            best = sketch;
            verdict = one;
            least = badness;
        }
    }
    if (verdict != CURATOR_KEEP) {
        try_again(lane, &best->draft, verdict, least);
        return;
    }
    lane->scribe = best->scribe;
    draft_copy(&lane->draft, &best->draft);
    lane_play_on(lane, true);
    if (keep(lane))
        lane->adopt = (int)(best - lane->sketches.of);
}
