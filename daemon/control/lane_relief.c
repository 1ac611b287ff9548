// SPDX-License-Identifier: MIT
// What is done when nets fail: another net plays, and where there is none, music that is there
// already.
#include "control/lane_private.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "control/repertoire.h"
#include "log.h"
#include "music/roll.h"
#include "music/score.h"

static const char *const words[] = {
    [LANE_WELL] = NULL,
    [LANE_LEAST_BAD] = "least-bad: every draft is refused; the least bad ones are played",
    [LANE_OTHER_NET] =
        "net: the net cannot be read, or fails; another one plays until it is well again",
    [LANE_REPLAY] = "replay: no net composes; what was played before is played again, varied",
    [LANE_PHRASES] = "phrases: no net composes; human phrases are played",
};

void lane_set_rung(struct lane *lane, enum lane_rung rung)
{
    if (rung == lane->rung)
        return;
    lane->rung = rung;
    atomic_store(&lane->trouble, words[rung]);
    const char *name = lane->style.channel, *channel = *name ? "channel " : "";
    const char *colon = *name ? ": " : "";
    if (rung == LANE_WELL)
        log_notice("%s%s%sthe music in the manner of %s is composed by net %s again", channel, name,
                   colon, lane->style.composer, lane->style.net);
    else
        log_warning("%s%s%sthe music in the manner of %s on net %s is degraded: %s", channel, name,
                    colon, lane->style.composer, lane->style.net, words[rung]);
    lane_tell(lane, "rung", "");
}

const char *lane_trouble(const struct lane *lane)
{
    return atomic_load(&lane->trouble);
}

void lane_play_on(struct lane *lane, bool well)
{
    bool other = strcmp(lane->net, lane->style.net) != 0;
    replay_end(&lane->replay, lane->start);
    if (well) {
        lane->patiences = 0;
        aside_forget(&lane->aside, lane->playing);
    }
    lane_set_rung(lane, lane->patiences >= LANE_PATIENCES ? LANE_LEAST_BAD
                        : other                           ? LANE_OTHER_NET
                                                          : LANE_WELL);
}

bool lane_set_aside(struct lane *lane)
{
    if (!lane->others || !lane->playing)
        return false;
    log_warning("net %s makes nothing that can be played; another one takes its place, and it will "
                "be tried again",
                lane->net);
    aside_put(&lane->aside, lane->playing, lane->start);
    decisions_count(&lane->decisions.set_aside);
    lane->work = LANE_RESTS;
    lane->refused = 0;
    lane->patiences = 0;
    lane->steering.trim = 0;
    lane->priming = true;
    lane->source = lane->piece ? lane_piece_source(lane) : PRIMER_LATEST;
    lane->reason = "net";
    return true;
}

bool lane_doubts(struct lane *lane)
{
    bool doubts = lane->doubts;
    lane->doubts = false;
    return doubts;
}

void lane_welcome(struct lane *lane, const struct repertoire_net *known)
{
    aside_forget(&lane->aside, known);
    if (lane->playing != known)
        return;
    lane->patiences = 0;
    lane_forget(lane, "net");
}

/** Of the nets that are not set aside, one that offers the composer before the others; `count`
 * where there is none. The net `not` does not count. */
static size_t choose_other(const struct lane *lane, const struct repertoire_net *const *nets,
                           size_t count, const struct repertoire_net * not )
{
    size_t second = count;
    for (size_t i = 0; i < count; i++) {
        if (nets[i] == not || aside_holds(&lane->aside, nets[i], lane->start))
            continue;
        if (repertoire_offers(nets[i], lane->style.composer))
            return i;
        if (second == count)
            second = i;
    }
    return second;
}

size_t lane_choose(struct lane *lane, const struct repertoire_net *const *nets, size_t count)
{
    const char *wanted = lane_listen(lane);
    size_t at = 0;
    while (at < count && strcmp(nets[at]->name, wanted) != 0)
        at++;
    size_t other = choose_other(lane, nets, count, at < count ? nets[at] : NULL);
    size_t choice = at;
    if (at == count || (aside_holds(&lane->aside, nets[at], lane->start) && other < count))
        choice = other < count || !count ? other : 0;
    lane->others = choice < count && choose_other(lane, nets, count, nets[choice]) < count;
    return choice;
}

static void count_relief(struct lane *lane, enum replay_source source)
{
    bool kept = source == REPLAY_KEPT;
    decisions_count(kept ? &lane->decisions.replays : &lane->decisions.phrases);
    lane_set_rung(lane, kept ? LANE_REPLAY : LANE_PHRASES);
}

void lane_write_relief(struct lane *lane)
{
    struct primer *primer = &lane->primer;
    enum replay_source source =
        replay_play(&lane->replay, lane->score, score_horizon(lane->score), primer->book,
                    lane->style.composer, DRAFT_US, primer->notes, PRIMER_NOTES, &primer->count);
    primer->from = 0;
    primer->to = DRAFT_US;
    count_relief(lane, source);
    lane->scribe.kind->copy_phrase(&lane->scribe, lane->start, &lane->draft);
    if (lane->style.telephone)
        draft_arrange(&lane->draft);
}

/** What is held over the horizon, its end not composed, ends there. */
static void close_notes(struct lane *lane, int64_t horizon)
{
    struct primer *primer = &lane->primer;
    primer->count = score_copy_sounding(lane->score, horizon - NOTE_SECOND, horizon, primer->notes,
                                        PRIMER_NOTES);
    for (size_t i = 0; i < primer->count; i++) {
        struct note note = primer->notes[i];
        if (note.duration != NOTE_OPEN)
            continue;
        note.duration = horizon - note.onset;
        score_add(lane->score, &note);
    }
}

void lane_lend(struct lane *lane, const struct repertoire *repertoire)
{
    struct primer *primer = &lane->primer;
    const struct repertoire_net *asked = repertoire_find(repertoire, lane->style.net);
    if (!primer->book && asked)
        primer->book = asked->book;
    for (size_t i = 0; !primer->book && i < repertoire_count(repertoire); i++)
        primer->book = repertoire_net(repertoire, i)->book;
}

/** In whose manner it is to be; what is asked for while nothing composes is heard of here alone. */
static void find_composer(struct lane *lane, char ret_composer[32])
{
    pthread_mutex_lock(&lane->mutex);
    memcpy(ret_composer, lane->asked.composer, sizeof lane->asked.composer);
    pthread_mutex_unlock(&lane->mutex);
}

bool lane_relieve(struct lane *lane, int64_t least)
{
    struct primer *primer = &lane->primer;
    char composer[sizeof lane->asked.composer];
    bool played = false;
    find_composer(lane, composer);
    while (score_horizon(lane->score) - score_position(lane->score) < least) {
        int64_t start = score_horizon(lane->score);
        close_notes(lane, start);
        enum replay_source source =
            replay_play(&lane->replay, lane->score, start, primer->book, composer, DRAFT_US,
                        primer->notes, PRIMER_NOTES, &primer->count);
        if (source == REPLAY_NOTHING)
            break;
        draft_begin(&lane->relief, start);
        for (size_t i = 0; i < primer->count; i++) {
            struct note note = primer->notes[i];
            note.onset += start;
            draft_add_onset(&lane->relief, &note);
            draft_add_event(&lane->relief, &note);
        }
        if (lane->style.telephone)
            draft_arrange(&lane->relief);
        draft_commit(&lane->relief, lane->score);
        lane_limit_voices(lane, start);
        curator_keep(&lane->curator, lane->relief.onsets, lane->relief.onset_count, start,
                     start + DRAFT_US);
        count_relief(lane, source);
        lane->relieved = played = true;
    }
    return played;
}

bool lane_settle(struct lane *lane)
{
    if (!lane->relieved)
        return false;
    lane->relieved = false;
    // What is composed beside the score is not concerned.
    if (lane->replaces)
        return false;
    lane->work = LANE_RESTS;
    lane->refused = 0;
    int64_t at = (score_horizon(lane->score) + ROLL_FRAME_US - 1) / ROLL_FRAME_US * ROLL_FRAME_US;
    lane->scribe.kind->cut(&lane->scribe, at);
    lane->priming = true;
    lane->source = lane->piece ? lane_piece_source(lane) : PRIMER_LATEST;
    lane->reason = lane->piece ? lane->reason : "device";
    return true;
}
