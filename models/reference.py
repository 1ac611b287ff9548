"""Reference: what is human for the daemon's curator, beyond density and register (stats.py).

Owns the figures that quotes-*.safetensors carries for each composer, in the definitions of
daemon/music/echo.h, quotes.h and drift.h: how much his music repeats itself, how long it quotes
other works, how slowly it changes. All from the train split, no work twice. Only where a composer's
works of train quote each other more than works that nobody learnt from do, as when editions differ too
much to be told as one work, what is quoted can be bounded by the held-out ones, too (held_out()).

    repeated_share    share of the runs of 3 minutes that were heard in the 30 minutes before each
    repeated_times    mean over the runs of a minute of how often that was, up to 8; in both a
                      second counts as one run at least
    quoted_notes      notes of the longest passage of a work that is other works'
    quoted_share      share of all runs that are other works', those that lie alone not counted
    FIGURE_10min, FIGURE_60min for density, pace, register, spread: [low, high] of averages
                      that lose half of what they know in that time
"""

import collections

import numpy as np
from scipy import signal

from . import originality, passages

DRAFT = 4.0  # seconds; daemon/control/draft.h
MEMORY = 1800.0  # daemon/music/echo.h
LONG, SHORT = 180.0, 60.0
TIMES = 8
PAUSE = 1.0  # seconds between pieces laid end to end
HALF_LIVES = {"10min": 600.0, "60min": 3600.0}  # daemon/music/drift.h
FIGURES = ("density", "pace", "register", "spread")
REPEATED = 99.5  # percentile over drafts: what of 1,000 drafts five go beyond
BAND = (0.5, 99.5)  # percentiles of the slow averages
QUOTED = 95  # percentile over pieces
HOURS = 60  # of pieces drawn at random, for the slow averages
FEWEST = 8  # pieces, without which a composer has no figures of his own
HOLDING = 3  # held-out works that can hold him: few ones make the guard stricter, never less strict


class TooFew(Exception):
    """A composer has too few works to be held to."""



def distinct(pieces):
    """Pieces of which no two are, or hold, the same work."""
    pieces = sorted((p for p in pieces if len(p.notes) >= originality.LENGTH), key=lambda p: p.file)
    book, out, taken = originality.Book(pieces), [], set()
    for index, piece in enumerate(pieces):
        if taken.isdisjoint(originality.related(piece.notes, book)):
            taken.add(index)
            out.append(piece)
    return out


def laid(pieces):
    """Note array [onset, offset: f8; pitch] of pieces end to end, their silences shortened."""
    parts, at = [], 0.0
    for piece in pieces:
        notes = passages.close_gaps(piece.notes)
        part = np.zeros(len(notes), [("onset", "f8"), ("offset", "f8"), ("pitch", "u1")])
        for name in ("onset", "offset"):
            part[name] = notes[name].astype("f8") - float(notes["onset"].min()) + at
        part["pitch"] = notes["pitch"]
        parts.append(part)
        at = float(part["offset"].max()) + PAUSE
    return np.concatenate(parts)


def times_heard(runs, onset):
    """How often each run was heard in the 30 minutes before it, up to TIMES."""
    out, heard = np.zeros(len(runs), int), collections.defaultdict(collections.deque)
    for index, (run, now) in enumerate(zip(runs.tolist(), onset.tolist())):
        before = heard[run]
        while before and before[0] < now - MEMORY:
            before.popleft()
        out[index] = min(len(before), TIMES)
        before.append(now)
    return out


def repetition(notes):
    """(share, times) at the end of each draft of a note array, as echo_measure() tells them."""
    pitch, onset = originality.line(notes)
    times = times_heard(originality.runs(pitch), onset[originality.LENGTH - 1 :])
    onset = onset[originality.LENGTH - 1 :]
    ends = np.arange(1, int(onset[-1] // DRAFT) + 1) * DRAFT
    last = np.searchsorted(onset, ends)

    def window(values, seconds):
        total = np.concatenate([[0.0], np.cumsum(values)])
        first = np.searchsorted(onset, ends - seconds)
        return (total[last] - total[first]) / np.maximum(last - first, seconds) * np.minimum(ends / seconds, 1)

    return window(times > 0, LONG), window(times, SHORT)


def longest_quotation(runs, found):
    """Notes of the longest passage of runs that were found, those that come again not counted."""
    best = 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2]):
        best = max(best, len(np.unique(runs[start:end])))
    return best + originality.LENGTH - 1 if best else 0


def share(found):
    """How many of the runs that were found have a neighbour that was; daemon/music/loan.h."""
    beside = np.zeros(len(found), bool)
    beside[1:] |= found[:-1]
    beside[:-1] |= found[1:]
    return int((found & beside).sum())


def quotation(piece, book):
    """(longest_quotation(), share(), runs) of a piece, of all works of the book but its own."""
    notes = piece.notes
    runs = originality.runs(originality.line(notes)[0])
    here, there = book.pairs(originality.line(notes)[0])
    own = originality.related(notes, book)
    found = np.zeros(len(runs), bool)
    found[here[~np.isin(book.pieces(there), own)]] = True
    return longest_quotation(runs, found), share(found), len(runs)


def sums(notes):
    """What drift.c sums up of each draft of a note array: [drafts, seconds+notes+chords+pitches+12]."""
    order = np.argsort(notes["onset"], kind="stable")
    onset, pitch = notes["onset"][order].astype("f8"), notes["pitch"][order].astype(int)
    count = int(onset[-1] // DRAFT) + 1
    draft = (onset // DRAFT).astype(int)
    chord = np.concatenate([[True], np.diff(np.rint(onset * 1e6).astype(np.int64)) > originality.CHORD])
    chord |= np.concatenate([[True], np.diff(draft) > 0])
    out = np.zeros((count, 16))
    out[:, 0] = DRAFT
    np.add.at(out[:, 1], draft, 1)
    np.add.at(out[:, 2], draft, chord)
    np.add.at(out[:, 3], draft, pitch)
    np.add.at(out, (draft, 4 + pitch % 12), 1)
    return out


def averages(table, half_life):
    """[drafts, FIGURES] of fading sums, from the draft on at which the half-life has been heard."""
    old = 0.5 ** (DRAFT / half_life)
    faded = signal.lfilter([1.0], [1.0, -old], table, axis=0)[int(half_life / DRAFT) :]
    share = faded[:, 4:] / np.maximum(faded[:, 1:2], 1e-6)
    spread = -(share * np.log2(np.maximum(share, 1e-12))).sum(1)
    return np.stack([faded[:, 1] / faded[:, 0] * 60, faded[:, 0] / np.maximum(faded[:, 2], 1e-6) * 1000,
                     faded[:, 3] / np.maximum(faded[:, 1], 1e-6), spread], 1)


def bands(pieces, rng):
    """{FIGURE_10min: [low, high], ...} of pieces drawn at random until they last HOURS."""
    tables = [sums(laid([piece])) for piece in pieces]
    drawn, total = [], 0
    while total < HOURS * 3600 / DRAFT:
        drawn.append(tables[rng.integers(len(tables))])
        total += len(drawn[-1])
    table, out = np.concatenate(drawn), {}
    for name, half_life in HALF_LIVES.items():
        found = averages(table, half_life)
        for index, figure in enumerate(FIGURES):
            low, high = np.percentile(found[:, index], BAND)
            out[f"{figure}_{name}"] = [round(float(low), 3), round(float(high), 3)]
    return out


def quoted(pieces, book):
    """The figures of what pieces have of other works."""
    longest, borrowed, count = np.array([quotation(piece, book) for piece in pieces]).T
    return {"quoted_notes": [float(np.ceil(np.percentile(longest, QUOTED)))],
            "quoted_share": [round(float(borrowed.sum() / count.sum()), 5)]}


def held_out(figures, pieces, book):
    """of() with what is quoted no more than these pieces quote, which no net has learnt from."""
    return {**figures, **{name: min(bound, figures[name]) for name, bound in quoted(pieces, book).items()}}


def of(pieces, book, seed=1):
    """The figures of a composer's pieces."""
    rng = np.random.default_rng(seed)
    again, times = repetition(laid([pieces[i] for i in rng.permutation(len(pieces))]))
    return {
        "repeated_share": [round(float(np.percentile(again, REPEATED)), 4)],
        "repeated_times": [round(float(np.percentile(times, REPEATED)), 4)],
        **quoted(pieces, book),
        **bands(pieces, rng),
    }


def groups_of(pieces):
    """{composer: his pieces, no songs}"""
    groups = collections.defaultdict(list)
    for piece in pieces:
        if piece.kind != "song":
            groups[piece.composer].append(piece)
    return groups


def holding(groups, composer):
    """The distinct() works of the validation split that hold a composer. Raises TooFew."""
    works = distinct(groups.get(composer, []))
    if len(works) < HOLDING:
        raise TooFew(f"{composer} cannot be held to {len(works)} works in the validation split; {HOLDING} are needed")
    return works


def of_archive(data, book, strict=(), most=400, log=print):
    """{composer: of()} of the train split, of the `strict` ones held_out() by the validation split, and
    "any": of pieces of all composers, evenly, but with bands that hold those of every composer, since it
    stands for any one of them. Raises TooFew of a strict one with too few works in either split."""
    groups, others = groups_of(data.of("train")), groups_of(data.of("validation"))
    works = {composer: holding(others, composer) for composer in strict}
    out, every = {}, []
    for composer in sorted(groups):
        pieces = distinct(groups[composer])
        every += pieces
        if len(pieces) >= FEWEST:
            out[composer] = of(pieces, book)
            if composer in strict:
                out[composer] = held_out(out[composer], works[composer], book)
                log(f"reference: {composer}: held to {len(works[composer])} works: {out[composer]['quoted_notes'][0]:.0f} "
                    f"notes, {out[composer]['quoted_share'][0]:.5f}")
            log(f"reference: {composer}: {len(pieces)} pieces: {out[composer]}")
    if set(strict) - set(out):
        raise TooFew(f"{', '.join(sorted(set(strict) - set(out)))}: there are fewer than {FEWEST} works in the train split")
    step = -(-len(every) // most)
    whole = of(every[::step], book)
    for name in whole:
        if len(whole[name]) == 2:
            low, high = zip(*(found[name] for found in [*out.values(), whole]))
            whole[name] = [min(low), max(high)]
    out["any"] = whole
    log(f"reference: any: {len(every[::step])} pieces: {out['any']}")
    return out
