"""Training passages: rows of notes for the transformer, cut from the pieces.

Owns what the transformer sees while it trains: which pieces are drawn how often,
augmentation, the velocities of sources that have none or other ones, pages played by the
pianist of pianist.py, and the control attributes around each note. Knows no network.

A row is T elements. An element is a note or a *start*, which stands where a piece
begins; pieces follow one another in a row, so the net learns to begin anew in the
midst of a stream. No element says that a piece ends: this music shall not.

Everything is a function of (seed, step, row), so a step number is all it takes to resume.
"""

import numpy as np

from . import archive, control, notes, pianist, roll, streams

SHARES = {"bach": 3.0, "chopin": 1.7, "debussy": 8.0}  # drawn so many times their notes
KIND_SHARES = {"performance": 3.0, "score": 1.0, "song": 0.35}  # in an archive of several kinds
LONGEST_GAP = 4.0  # seconds; longer silences are shortened to this
MINIMUM = 32  # notes; shorter pieces are left out
BEFORE, WINDOW = 3.0, 10.0  # seconds: the attributes' window begins so long before the note
KEY_BEFORE, KEY_WINDOW = 6.0, 16.0  # the same for key and chroma
PLAYED_SHARE = 0.5  # of the scores in rows, where there are performances to learn playing from
UNTOLD_SHARE = 0.25  # of the pieces in rows, told no attribute
MISSING_SHARE = 0.15  # of the attributes of the others, left out
PAUSE = 100  # ticks from a piece's last onset to the start of the next


def vocabulary(archives):
    """Composer rows: those of all archives with an hour of music in one, `other` last."""
    names = set()
    for each in archives:
        names |= set(streams.vocabulary(each.of("train"))[3:-1])
    return ["bach", "chopin", "debussy", *sorted(names), "other"]


def close_gaps(array, longest=LONGEST_GAP):
    """Note array from 0 s on without silences longer than `longest` seconds."""
    if not len(array):
        return array
    array = array.copy()
    onset, offset = array["onset"].astype("f8"), array["offset"].astype("f8")
    sounded = np.maximum.accumulate(offset)
    silence = onset[1:] - sounded[:-1]
    moved = onset[0] + np.concatenate([[0.0], np.cumsum(np.maximum(silence - longest, 0.0))])
    array["onset"], array["offset"] = onset - moved, offset - moved
    return array


def source(piece):
    """The collection that a piece of the permissive archive comes from; of MAESTRO, its kind."""
    parts = piece.file.split("/")
    return parts[-2] if piece.kind != "performance" and len(parts) > 2 else piece.kind


def levelled(pieces):
    """Pieces whose velocities speak one language: each source's mean and spread moved to those
    of the performances. Flat ones are left alone."""
    groups = {}
    for piece in pieces:
        if not piece.flat:
            groups.setdefault(source(piece), []).append(piece.notes["velocity"])
    told = {name: np.concatenate(found).astype("f8") for name, found in groups.items()}
    if "performance" not in told:
        return pieces
    mean, spread = told["performance"].mean(), told["performance"].std()
    out = []
    for piece in pieces:
        own = told.get(source(piece))
        if not piece.flat and piece.kind != "performance":
            array = piece.notes.copy()
            level = (array["velocity"] - own.mean()) / max(own.std(), 1.0) * spread + mean
            array["velocity"] = np.clip(np.round(level), 1, 127)
            piece = piece._replace(notes=array)
        out.append(piece)
    return out


def piano(pieces):
    """The pieces that roll nets learn from: no songs, velocities levelled()."""
    return levelled([p for p in pieces if p.kind != "song"])


def attributes(array):
    """control.py's NOTES_BUCKETS' attributes around every note, float [N,6]."""
    onset = array["onset"].astype("f8")

    def window(before, length):
        return np.searchsorted(onset, onset - before), np.searchsorted(onset, onset - before + length)

    def total(values, low, high):
        sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, 0)])
        return sums[high] - sums[low]

    low, high = window(BEFORE, WINDOW)
    count = np.maximum(high - low, 1)
    classes = total(np.eye(12)[array["pitch"] % 12], *window(KEY_BEFORE, KEY_WINDOW))
    key, chroma = control.tonality(classes / np.maximum(classes.sum(1, keepdims=True), 1))
    return np.stack([
        (high - low) * 60.0 / WINDOW,
        total(array["pitch"].astype("f8"), low, high) / count,
        total(array["velocity"].astype("f8"), low, high) / count,
        total(array["offset"].astype("f8") - onset, low, high) / WINDOW,
        key,
        chroma,
    ], 1)


def told(values, which):
    """Multi-hot [N,control.NOTES_SIZE] float32 of attributes [N,6]; which [6] bool: those that are told."""
    out = np.zeros((len(values), control.NOTES_SIZE), np.float32)
    place = 0
    for index, edges in enumerate(control.NOTES_BUCKETS.values()):
        if which[index]:
            bucket = np.searchsorted(edges, values[:, index], "right")
            out[np.arange(len(values)), place + bucket] = 1.0
        place += len(edges) + 1
    return out


class Passages:
    """Rows over the pieces. next(step) gives the arrays of one training step."""

    def __init__(self, pieces, names, batch, length, seed):
        self.pieces = [p for p in levelled(pieces) if len(p.notes) >= MINIMUM]
        if not self.pieces:
            raise ValueError("no piece is long enough to train on")
        self.names, self.batch, self.length, self.seed = names, batch, length, seed
        kinds = {p.kind for p in self.pieces}
        self.played = PLAYED_SHARE if {"performance", "score"} <= kinds else 0.0
        weight = np.array([
            len(p.notes) * SHARES.get(p.composer, 1.0) * (KIND_SHARES[p.kind] if len(kinds) > 1 else 1.0)
            for p in self.pieces
        ])
        self.weight = np.cumsum(weight / weight.sum())

    def _elements(self, piece, rng):
        """(elements() of an augmented piece, its kind). A page may be played by the pianist of
        pianist.py; then it counts as a performance of which only the pitches are to be learnt."""
        tempo = 0.2 if piece.kind != "performance" else 0.08
        array = roll.augment(close_gaps(piece.notes), int(rng.integers(-5, 7)),
                             float(np.exp(rng.uniform(-tempo, tempo))), int(rng.integers(-8, 9)))
        if piece.kind != "score" or rng.random() >= self.played:
            return elements(piece, array, rng), piece.kind
        return elements(piece, pianist.play(array, piece.flat, rng), rng, played=True), "performance"

    def row(self, rng):
        """One row of length + 1 elements."""
        parts, count = [], 0
        while count < self.length + 1:
            piece = self.pieces[min(int(np.searchsorted(self.weight, rng.random())), len(self.pieces) - 1)]
            part, kind = self._elements(piece, rng)
            if not parts:  # begin anywhere, so that every note is drawn as often as another
                place = int(rng.integers(0, max(len(part["starts"]) - self.length // 2, 1)))
                part = {name: values[place:] for name, values in part.items()}
            size = len(part["starts"])
            part["composer"] = np.full(size, streams.row(self.names, piece.composer), np.int64)
            part["kind"] = np.full(size, archive.KINDS.index(kind), np.int64)
            if parts:
                part["ticks"] = part["ticks"] + parts[-1]["ticks"][-1] + PAUSE
            parts.append(part)
            count += size
        return {name: np.concatenate([p[name] for p in parts])[: self.length + 1] for name in parts[0]}

    def next(self, step):
        """dict for Transformer.losses: see batch()."""
        return batch([self.row(np.random.default_rng([self.seed, step, row])) for row in range(self.batch)])


def elements(piece, array, rng=None, played=False):
    """Elements of a note array of `piece`; rng draws what is told of it (None: nothing); played: its
    times and velocities are pianist.py's, not to be learnt."""
    tuples, order = notes.from_notes(array)
    array = array[order]
    size = len(tuples) + 1
    out = {
        "tuples": np.concatenate([np.zeros((1, 4), np.int64), tuples]),
        "starts": np.arange(size) == 0,
        "ticks": np.concatenate([[0, 0], np.cumsum(notes.DELTA_TICKS[tuples[1:, 0]])])[:size],
        "told": np.zeros((size, control.NOTES_SIZE), np.float32),
        "timed": np.full(size, not played),
        "dynamic": np.full(size, not piece.flat and not played),
    }
    if rng is not None and rng.random() >= UNTOLD_SHARE:
        which = rng.random(len(control.NOTES_BUCKETS)) >= MISSING_SHARE
        which[2] &= not piece.flat
        of_notes = told(attributes(array), which)
        out["told"] = np.concatenate([of_notes[:1], of_notes])
    return out


def batch(rows):
    """Arrays of rows of T+1 elements: tuples [B,T,4], starts [B,T], composer, kind, number and
    ticks [B,T], told [B,T,control.NOTES_SIZE], target [B,T,4], known [B,T,4] float32: 0 where the
    next element is no note, its delta means nothing (a piece's first note), its velocity is flat
    or its delta, duration and velocity are not a person's."""
    whole = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    known = np.repeat(~whole["starts"][:, 1:, None], 4, 2)
    known[..., 0] &= ~whole["starts"][:, :-1]
    known[..., 0] &= whole["timed"][:, 1:]
    known[..., 2] &= whole["timed"][:, 1:]
    known[..., 3] &= whole["dynamic"][:, 1:]
    count, length = whole["starts"][:, :-1].shape
    return {
        "tuples": whole["tuples"][:, :-1].astype(np.int64),
        "starts": whole["starts"][:, :-1],
        "composer": whole["composer"][:, :-1],
        "kind": whole["kind"][:, :-1],
        "number": np.tile(np.arange(length), (count, 1)),
        "ticks": whole["ticks"][:, :-1],
        "told": whole["told"][:, :-1],
        "target": whole["tuples"][:, 1:].astype(np.int64),
        "known": known.astype(np.float32),
    }
