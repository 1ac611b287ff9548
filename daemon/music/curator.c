// SPDX-License-Identifier: MIT
#include "music/curator.h"

#include <errno.h>
#include <math.h>

#include "music/echo.h"
#include "music/quotes.h"

#define MINUTE (60 * NOTE_SECOND)

// How long the kept music is remembered: short enough to notice a texture that thins, long enough
// that a fermata or a rubato is none.
#define MEMORY (20 * NOTE_SECOND)

// The figures below are counted from MAESTRO v3's train split, 158 hours of human playing. Gaps of
// more than 3 s come 23 times an hour there, between movements and before endings mostly.

// Silence a draft may end with. It is shorter than CURATOR_LONGEST_GAP, because the first onset of
// the next draft ends the gap: a draft that begins at once must always be left.
#define LONGEST_TAIL (CURATOR_LONGEST_GAP - NOTE_SECOND / 2)

// One 10 s window in 20 is thinner than the 5th percentile, by its definition; only 1.5 in 100 are
// thinner than half of it. Below 20 onsets a minute one waits 3 s for each note, whoever wrote it.
#define FLOOR_OF_P5 0.5
#define FLOOR_LEAST 20.0

// Of all stretches of 20 s, 4 in 10,000 (Bach 14, Chopin 17, Debussy 0) go beyond 1.6 times the
// 95th percentile; of all single seconds, about 5 in a million beyond 3.2 times.
#define CEILING_OF_P95 1.6
#define BURST_OF_P95 3.2

// Repeated notes are music (Chopin's raindrops): only most of a dozen onsets on one key are stuck.
#define STUCK_ONSETS 12.0
#define STUCK_SHARE 0.6

// The 95th percentile of the pitches that sound at once has the pedal in it (10 for all piano
// music, 16 for Debussy); three times that is no texture but a held cluster.
#define SOUNDING_OF_P95 3.0

// The mean pitch of what is remembered is judged from so many notes on.
#define REGISTER_NOTES 12.0

// No composer is held to less: of one with few works little is known. What those say is let pass by
// so much more, since a work that is not among them may well repeat itself more than any of them;
// and nobody's bound is one that a phrase played for ever would never reach.
#define SHARE_LEAST 0.25
#define SHARE_MARGIN 1.2
#define SHARE_MOST 0.95
#define TIMES_LEAST 0.75
#define TIMES_MARGIN 1.4
#define TIMES_MOST 5.0
#define QUOTED_LEAST 16.0
#define QUOTED_MARGIN 0.75 // a day of music has more chances of a long quotation than any work
#define QUOTED_SHARE_LEAST 0.005

// Of human music held out of training, in drafts of 4 s, these verdicts refuse none of Bach (447),
// Chopin (519) and Debussy (36) of the open archive, and of MAESTRO none of Bach (286). Of its
// Chopin (1733) they call 9 a loop, and 3 drift, of variations 24 minutes long in one key
// (models/refusals.py). Ten seconds played again and again are refused from the third to the eighth
// time on.
//
// What is unlike the composer is weighed from here on, by how much; it never makes what is music
// intolerable. A copy or a loop is worse than a wrong register, and that than slow drift.
#define TASTE_COPY 0.8
#define TASTE_LOAN 0.6
#define TASTE_LOOP 0.8
#define TASTE_REGISTER 0.5
#define TASTE_DRIFT 0.2
#define TASTE_MOST (CURATOR_TOLERABLE - 0.1)

// A window to reseed from may not contain a longer silence, nor sound like anything but the
// composer: a priming that is thin or stuck is answered with more of it.
#define WINDOW_LONGEST_GAP (3 * NOTE_SECOND / 2)
#define WINDOW_STEP (NOTE_SECOND / 2)
#define WINDOW_GRID (NOTE_SECOND / 20)

void curator_init(struct curator *curator, const struct curator_bounds *bounds, int64_t now)
{
    // Nothing heard yet: as if the composer's usual music had gone before.
    *curator = (struct curator){
        .bounds = *bounds,
        .last_onset = now,
        .notes_per_minute = bounds->notes_per_minute[2],
        .reference = curator_any_reference,
        .end = now,
    };
    drift_init(&curator->drift);
    loan_init(&curator->loan);
}

void curator_set_bounds(struct curator *curator, const struct curator_bounds *bounds)
{
    curator->bounds = *bounds;
    drift_init(&curator->drift);
    loan_init(&curator->loan);
}

void curator_set_echo(struct curator *curator, struct echo *echo)
{
    curator->echo = echo;
}

void curator_set_quotes(struct curator *curator, const struct quotes *quotes, const char *composer)
{
    curator->quotes = quotes;
    curator->reference = curator_any_reference;
    if (quotes)
        curator_reference_parse(quotes_reference(quotes), composer, &curator->reference);
}

/** Share of what is remembered after `length` of new music. */
static double remembered(int64_t length)
{
    return exp(-(double)length / (double)MEMORY);
}

static double per_minute(size_t count, int64_t length)
{
    return (double)count * (double)MINUTE / (double)length;
}

static double draft_density(const struct curator *curator, size_t count, int64_t length)
{
    double old = remembered(length);
    return old * curator->notes_per_minute + (1 - old) * per_minute(count, length);
}

/** The longest time without an onset from `last` on, and that at the end. */
static int64_t longest_gap(const struct note *notes, size_t count, int64_t last, int64_t to,
                           int64_t *ret_tail)
{
    int64_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        if (notes[i].onset - last > longest)
            longest = notes[i].onset - last;
        last = notes[i].onset;
    }
    *ret_tail = to - last;
    return *ret_tail > longest ? *ret_tail : longest;
}

/** Badness of the silences, 0 where there is none to complain of. */
static double judge_gaps(const struct curator *curator, const struct note *notes, size_t count,
                         int64_t from, int64_t to)
{
    // After a least bad draft was kept, the gap before this one may already be too long. No draft
    // could mend that, so no more is charged than leaves time for a first onset.
    int64_t last = curator->last_onset;
    if (last < from - LONGEST_TAIL)
        last = from - LONGEST_TAIL;

    int64_t tail;
    int64_t longest = longest_gap(notes, count, last, to, &tail);
    int64_t excess = longest - CURATOR_LONGEST_GAP;
    if (tail - LONGEST_TAIL > excess)
        excess = tail - LONGEST_TAIL;
    return excess > 0 ? 2 + (double)excess / (double)NOTE_SECOND : 0;
}

/** Badness of one pitch taking up most of the onsets. */
static double judge_repetition(const struct curator *curator, const struct note *notes,
                               size_t count, int64_t length)
{
    double draft[128] = {0};
    for (size_t i = 0; i < count; i++)
        draft[notes[i].pitch & 127]++;

    double old = remembered(length), all = 0, most = 0, most_new = 0;
    for (int pitch = 0; pitch < 128; pitch++) {
        double heard = old * (double)curator->heard[pitch] + draft[pitch];
        all += heard;
        if (heard > most) {
            most = heard;
            most_new = draft[pitch];
        }
    }
    // A draft that turns to other keys is the cure and not the illness.
    bool goes_on = most_new > STUCK_SHARE * (double)count;
    return goes_on && all >= STUCK_ONSETS && most > STUCK_SHARE * all ? 1 + most / all : 0;
}

/** Badness of too many pitches held at once, as far as the draft's own notes say. */
static double judge_sounding(const struct curator *curator, const struct note *notes, size_t count,
                             int64_t from, int64_t to)
{
    double held = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t end = note_end(&notes[i]);
        held += (double)((end < to ? end : to) - notes[i].onset);
    }
    double limit = SOUNDING_OF_P95 * curator->bounds.sounding[4];
    double mean = held / (double)(to - from);
    return limit > 0 && mean > limit ? 1 + fmin(mean / limit, 4) / 4 : 0;
}

static double floor_of(const struct curator_bounds *bounds)
{
    return fmax(FLOOR_OF_P5 * bounds->notes_per_minute[0], FLOOR_LEAST);
}

static double judge_crowd(const struct curator *curator, size_t count, int64_t length)
{
    double p95 = fmax(curator->bounds.notes_per_minute[4], floor_of(&curator->bounds));
    double own = per_minute(count, length);
    double smooth = draft_density(curator, count, length);
    double limit = CEILING_OF_P95 * p95;
    bool crowded = own > limit && (smooth > limit || own > BURST_OF_P95 * p95);
    return crowded ? 1 + fmin(log2(own / limit), 4) / 4 : 0;
}

static double judge_thinness(const struct curator *curator, size_t count, int64_t length)
{
    double least = floor_of(&curator->bounds);
    double smooth = draft_density(curator, count, length);
    // A draft that is dense enough itself is the way out of a thin spell.
    if (smooth >= least || per_minute(count, length) >= least)
        return 0;
    return 1 + (least - smooth) / least;
}

/** Badness of a mean pitch that is none of the composer's. */
static double judge_register(const struct curator *curator, const struct note *notes, size_t count,
                             int64_t length)
{
    const double *band = curator->bounds.register_;
    double old = remembered(length), all = 0, sum = 0, own = 0;
    for (int pitch = 0; pitch < 128; pitch++) {
        all += old * (double)curator->heard[pitch];
        sum += old * (double)curator->heard[pitch] * pitch;
    }
    for (size_t i = 0; i < count; i++)
        own += notes[i].pitch;
    all += (double)count;
    sum += own;
    if (count == 0 || all < REGISTER_NOTES)
        return 0;
    double mean = sum / all;
    own /= (double)count;
    // A draft that leads back is the cure.
    double out = 0;
    if (mean < band[0] && own < band[0])
        out = band[0] - mean;
    else if (mean > band[2] && own > band[2])
        out = mean - band[2];
    return out > 0 ? TASTE_REGISTER + fmin(out / 12, 1) / 4 : 0;
}

/** Badness of music that was heard before. */
static double judge_loop(const struct curator *curator, const struct echo_line *line, int64_t to)
{
    struct echo_figures figures;
    echo_measure(curator->echo, line, to, &figures);
    const struct curator_reference *human = &curator->reference;
    double share = fmin(fmax(SHARE_MARGIN * human->repeated_share, SHARE_LEAST), SHARE_MOST);
    double times = fmin(fmax(TIMES_MARGIN * human->repeated_times, TIMES_LEAST), TIMES_MOST);
    double over = 0;
    // A draft that brings something new is the cure.
    if (figures.share > share && figures.draft_share > share)
        over = figures.draft_share;
    if (figures.times > times && figures.draft_times > times)
        over = fmax(over, figures.draft_times / ECHO_TIMES);
    return over > 0 ? TASTE_LOOP + over / 4 : 0;
}

size_t curator_quoted_most(const struct curator *curator)
{
    return (size_t)fmax(QUOTED_MARGIN * curator->reference.quoted_notes, QUOTED_LEAST);
}

static double judge_copy(const struct curator *curator, const struct echo_line *line,
                         int64_t length)
{
    double bound = (double)curator_quoted_most(curator);
    double longest = (double)quotes_longest(curator->quotes, line);
    if (longest > bound)
        return TASTE_COPY + fmin(longest / bound - 1, 1) / 4;
    double share = fmax(curator->reference.quoted_share, QUOTED_SHARE_LEAST);
    double over = loan_judge(&curator->loan, curator->quotes, line, length, share);
    return over > 0 ? TASTE_LOAN + fmin(over, 1) / 5 : 0;
}

static double judge_drift(const struct curator *curator, const struct note *notes, size_t count,
                          int64_t length)
{
    double out = drift_judge(&curator->drift, &curator->reference.drift, notes, count,
                             (double)length / (double)NOTE_SECOND);
    return out > 0 ? TASTE_DRIFT + fmin(out, 1) / 5 : 0;
}

/** What is music, but not this composer's, or no new one. */
struct taste {
    double copy;
    double loop;
    double register_;
    double drift;
};

static struct taste judge_taste(const struct curator *curator, const struct note *notes,
                                size_t count, int64_t from, int64_t to)
{
    struct taste taste = {
        .register_ = judge_register(curator, notes, count, to - from),
        .drift = judge_drift(curator, notes, count, to - from),
    };
    if (curator->echo) {
        struct echo_line line;
        echo_follow(curator->echo, from < curator->end ? from : curator->end, notes, count, &line);
        taste.loop = judge_loop(curator, &line, to);
        if (curator->quotes)
            taste.copy = judge_copy(curator, &line, to - from);
    }
    return taste;
}

static enum curator_verdict taste_verdict(const struct taste *taste)
{
    if (taste->copy > 0)
        return CURATOR_COPY;
    if (taste->loop > 0)
        return CURATOR_LOOP;
    if (taste->register_ > 0)
        return CURATOR_REGISTER;
    return taste->drift > 0 ? CURATOR_DRIFT : CURATOR_KEEP;
}

enum curator_verdict curator_judge(const struct curator *curator, const struct note *notes,
                                   size_t count, int64_t from, int64_t to, double *ret_badness)
{
    int64_t length = to - from;
    if (length <= 0) {
        if (ret_badness)
            *ret_badness = 0;
        return CURATOR_KEEP;
    }

    double gap = judge_gaps(curator, notes, count, from, to);
    double stuck = judge_repetition(curator, notes, count, length) +
                   ostinato_judge(&curator->ostinato, notes, count) +
                   judge_sounding(curator, notes, count, from, to);
    double crowd = judge_crowd(curator, count, length);
    double thin = judge_thinness(curator, count, length);
    struct taste taste = judge_taste(curator, notes, count, from, to);

    if (ret_badness) {
        double bad = gap + stuck + crowd + thin;
        double tasteless = taste.copy + taste.loop + taste.register_ + taste.drift;
        *ret_badness = bad + fmin(tasteless, fmax(TASTE_MOST - bad, 0));
    }
    if (gap > 0)
        return CURATOR_THIN;
    // A storm of notes is stuck as well; thinning is what mends it.
    if (crowd > 0)
        return CURATOR_CROWDED;
    if (stuck > 0)
        return CURATOR_STUCK;
    return thin > 0 ? CURATOR_THIN : taste_verdict(&taste);
}

void curator_keep(struct curator *curator, const struct note *notes, size_t count, int64_t from,
                  int64_t to)
{
    if (to <= from)
        return;
    double old = remembered(to - from);
    curator->notes_per_minute = draft_density(curator, count, to - from);
    for (int pitch = 0; pitch < 128; pitch++)
        curator->heard[pitch] *= (float)old;
    for (size_t i = 0; i < count; i++)
        curator->heard[notes[i].pitch & 127] += 1.0F;
    if (count > 0)
        curator->last_onset = notes[count - 1].onset;
    ostinato_keep(&curator->ostinato, notes, count);
    drift_keep(&curator->drift, notes, count, (double)(to - from) / (double)NOTE_SECOND);
    if (curator->echo) {
        int64_t at = from < curator->end ? from : curator->end;
        if (curator->quotes) {
            struct echo_line line;
            echo_follow(curator->echo, at, notes, count, &line);
            loan_keep(&curator->loan, curator->quotes, &line, to - from);
        }
        echo_cut(curator->echo, at);
        echo_keep(curator->echo, notes, count);
    }
    curator->end = to;
}

void curator_cut(struct curator *curator, int64_t at, int64_t last_onset)
{
    curator->last_onset = last_onset < at ? last_onset : at;
    ostinato_forget(&curator->ostinato);
    // The echo hears of it with the next draft that is kept: copies of the curator share it.
    curator->end = at < curator->end ? at : curator->end;
}

/** How far the window is from the composer's usual music; infinite where it is not good enough. */
static double window_cost(const struct curator_bounds *bounds, const struct note *notes,
                          size_t count, int64_t start, int64_t length)
{
    double density = per_minute(count, length);
    if (count == 0 || density < floor_of(bounds) || density > bounds->notes_per_minute[4] * 1.25)
        return INFINITY;

    int64_t tail;
    int64_t gap = longest_gap(notes, count, start, start + length, &tail);
    if (gap > WINDOW_LONGEST_GAP)
        return INFINITY;

    size_t times[128] = {0}, most = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += notes[i].pitch;
        size_t now = ++times[notes[i].pitch & 127];
        most = now > most ? now : most;
    }
    if ((double)count >= STUCK_ONSETS && (double)most > STUCK_SHARE * (double)count)
        return INFINITY;
    double middle = sum / (double)count;
    if (middle < bounds->register_[0] || middle > bounds->register_[2])
        return INFINITY;

    // One doubling of the density weighs as much as an octave, or two seconds of silence.
    return fabs(log2(density / fmax(bounds->notes_per_minute[2], 1))) +
           fabs(middle - bounds->register_[1]) / 12 + (double)gap / (double)(2 * NOTE_SECOND);
}

/** Index of the first note whose onset is not before `time`. */
static size_t first_from(const struct note *notes, size_t count, int64_t time)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (notes[middle].onset < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int curator_best_window(const struct curator *curator, const struct note *notes, size_t count,
                        int64_t from, int64_t to, int64_t length, int64_t *ret_start)
{
    // Frames are primed whole, so the window's start lies on their grid before `to`.
    int64_t reach = (length + WINDOW_GRID - 1) / WINDOW_GRID * WINDOW_GRID;
    double best = INFINITY;
    int64_t best_start = 0;
    for (int64_t start = to - reach; length > 0 && start >= from; start -= WINDOW_STEP) {
        size_t first = first_from(notes, count, start);
        size_t behind = first_from(notes, count, start + length);
        double cost = window_cost(&curator->bounds, notes + first, behind - first, start, length);
        // Going back in time, so that among (almost) equals the latest stays.
        if (cost < best - 0.02 || (isinf(best) && !isinf(cost))) {
            best = cost;
            best_start = start;
        }
    }
    if (isinf(best))
        return -ENOENT;
    *ret_start = best_start;
    return 0;
}

const char *curator_verdict_name(enum curator_verdict verdict)
{
    switch (verdict) {
    case CURATOR_KEEP:
        return "keep";
    case CURATOR_THIN:
        return "thin";
    case CURATOR_CROWDED:
        return "crowded";
    case CURATOR_STUCK:
        return "stuck";
    case CURATOR_COPY:
        return "copy";
    case CURATOR_LOOP:
        return "loop";
    case CURATOR_REGISTER:
        return "register";
    case CURATOR_DRIFT:
        return "drift";
    case CURATOR_VERDICTS:
        break;
    }
    return "unknown";
}
