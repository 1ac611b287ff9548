"""Originality: does music quote the training data, or itself?

Owns the measure. Notes are taken in the order of their chords (onsets, in whole microseconds, no
more than 30 ms from the one before; low to high); a *run* is 12 successive ones, told by their 11 pitch intervals, so transposition hides no
copy. Where rhythm counts, every step of the run takes as long as the source's to 10 %, at
whatever tempo.

    python3 -m models.originality FOLDER [--data PATH]     of the MIDI files in FOLDER

Trills and scales occur everywhere: judge by what human works share with other works.
"""

import argparse
from pathlib import Path

import numpy as np

from . import archive, midi

LENGTH = 12
CHORD = 30_000  # microseconds between onsets of one chord
RHYTHM = 0.1
SOURCES = 64  # places looked at where a run occurs in many
SAME_WORK = 0.1  # two pieces that share so many of their runs are one work
_BASE = np.uint64(1099511628211)  # FNV's prime, as the base of a polynomial hash modulo 2^64


def line(notes):
    """(pitch int16 [N], onset of its chord float64 [N], seconds) of a note array.

    daemon/music/line.h tells the same line."""
    order = np.argsort(notes["onset"], kind="stable")
    onset = notes["onset"][order].astype("f8")
    apart = np.diff(np.rint(onset * 1e6).astype(np.int64)) > CHORD
    chord = np.concatenate([[0], np.cumsum(apart)]) if len(onset) else np.zeros(0, int)
    pitch = notes["pitch"][order].astype(np.int16)
    low = np.lexsort((pitch, chord))
    first = np.concatenate([[True], np.diff(chord) > 0]) if len(onset) else np.zeros(0, bool)
    return pitch[low], onset[first][chord]


def runs(pitch):
    """One uint64 hash for each run of a line's pitches."""
    steps = np.diff(pitch.astype(np.int64)) + 200
    count = len(steps) - (LENGTH - 1) + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    out = np.zeros(count, np.uint64)
    for offset in range(LENGTH - 1):
        out = out * _BASE + steps[offset : offset + count].astype(np.uint64)
    return out


class Book:
    """The runs of many pieces, to look up."""

    def __init__(self, pieces):
        lines = [line(p.notes) for p in pieces]
        hashes = [runs(pitch) for pitch, _ in lines]
        starts = np.cumsum([0] + [len(pitch) for pitch, _ in lines])
        self.starts = starts[:-1]  # of the pieces among the notes
        self.onset = np.concatenate([onset for _, onset in lines]) if lines else np.zeros(0)
        place = [start + np.arange(len(h)) for start, h in zip(starts, hashes)]
        whole = np.concatenate(hashes) if lines else np.zeros(0, np.uint64)
        order = np.argsort(whole, kind="stable")
        self.hash = whole[order]
        self.place = (np.concatenate(place) if lines else np.zeros(0, int))[order].astype(np.int64)

    def pairs(self, pitch):
        """(place in the line, place in the book) int64 of runs that are alike, SOURCES at most of each."""
        mine = runs(pitch)
        low = np.searchsorted(self.hash, mine, "left")
        many = np.minimum(np.searchsorted(self.hash, mine, "right") - low, SOURCES)
        here = np.repeat(np.arange(len(mine)), many)
        within = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        return here, self.place[np.repeat(low, many) + within]

    def pieces(self, places):
        """Numbers of the pieces that hold these places."""
        return np.searchsorted(self.starts, places, "right") - 1


def in_rhythm(onset, here, book, there, tick=0.01):
    """Which pairs of runs have the same rhythm to 10 %, or to one `tick`, the music's time grid."""
    span = np.arange(LENGTH)
    a, b = np.diff(onset[here[:, None] + span], axis=1), np.diff(book.onset[there[:, None] + span], axis=1)
    scale = a.sum(1) / np.maximum(b.sum(1), 1e-9)
    scaled = b * scale[:, None]
    close = np.abs(a - scaled) <= np.maximum(RHYTHM * scaled, tick)
    return (close & ((a > 0) == (b > 0))).all(1) & (scale > 1 / 3) & (scale < 3)


def longest(here, there):
    """Notes of the longest passage whose runs are pairs, one after the other in both."""
    if not len(here):
        return 0
    order = np.lexsort((here, there - here))
    here, there = here[order], there[order]
    goes_on = (np.diff(here) == 1) & (np.diff(there) == 1)
    ends = np.flatnonzero(np.concatenate([~goes_on, [True]]))
    return int(np.diff(np.concatenate([[-1], ends])).max()) + LENGTH - 1


def measure(notes, book, tick=0.01, without=()):
    """{runs, quoted, quoted_rhythm: shares of the runs that occur in the book; longest,
    longest_rhythm: notes; repeated: share that occurred before in the same music}.

    without: numbers of the book's pieces that do not count."""
    pitch, onset = line(notes)
    mine = runs(pitch)
    if not len(mine):
        return {"runs": 0, "quoted": 0.0, "quoted_rhythm": 0.0, "longest": 0, "longest_rhythm": 0, "repeated": 0.0}
    here, there = book.pairs(pitch)
    if len(without):
        counts = ~np.isin(book.pieces(there), list(without))
        here, there = here[counts], there[counts]
    same = in_rhythm(onset, here, book, there, tick)
    return {
        "runs": len(mine),
        "quoted": len(np.unique(here)) / len(mine),
        "quoted_rhythm": len(np.unique(here[same])) / len(mine),
        "longest": longest(here, there),
        "longest_rhythm": longest(here[same], there[same]),
        "repeated": 1.0 - len(np.unique(mine)) / len(mine),
    }


def related(notes, book):
    """Numbers of the book's pieces that are the same work as this music."""
    pitch, _ = line(notes)
    here, there = book.pairs(pitch)
    pair = np.unique(book.pieces(there) * (len(pitch) + 1) + here)
    count = np.bincount(pair // (len(pitch) + 1), minlength=len(book.starts))
    sizes = np.diff(np.append(book.starts, len(book.onset)))
    return np.flatnonzero(count > SAME_WORK * np.maximum(np.minimum(len(pitch), sizes), LENGTH)).tolist()


def works(pieces):
    """The pieces as lists of one work each, in the order of the first one's file."""
    pieces = sorted(pieces, key=lambda p: p.file)
    book = Book(pieces)
    root = list(range(len(pieces)))

    def find(index):
        while root[index] != index:
            index = root[index]
        return index

    for index, piece in enumerate(pieces):
        for other in related(piece.notes, book):
            a, b = find(index), find(other)
            root[max(a, b)] = min(a, b)
    groups = {}
    for index, piece in enumerate(pieces):
        groups.setdefault(find(index), []).append(piece)
    return list(groups.values())


def of_set(arrays, book, tick=0.01, others=False):
    """measure() of several note arrays together; others: without the works that they are."""
    found = [measure(a, book, tick, related(a, book) if others else ()) for a in arrays]
    total = max(sum(f["runs"] for f in found), 1)
    out = {"runs": total}
    for name in ("quoted", "quoted_rhythm", "repeated"):
        out[name] = sum(f[name] * f["runs"] for f in found) / total
    for name in ("longest", "longest_rhythm"):
        out[name] = max((f[name] for f in found), default=0)
    return out


def main():
    parser = argparse.ArgumentParser(description="Look for copies of the train split in MIDI files.")
    parser.add_argument("folder")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's MAESTRO)")
    arguments = parser.parse_args()
    data = archive.load(arguments.data)
    book = Book(data.of("train"))

    def shown(figures):
        return (f"12-note runs quoted {figures['quoted']:.5f}, in rhythm {figures['quoted_rhythm']:.5f}, "
                f"longest {figures['longest']}, in rhythm {figures['longest_rhythm']}, repeated {figures['repeated']:.5f}")

    for path in sorted(Path(arguments.folder).rglob("*.mid")):
        print(f"{path.name}: {shown(measure(midi.read(str(path)), book))}")
    for composer in ("bach", "chopin"):
        pieces = data.of("validation", composer)
        if pieces:
            print(f"human {composer}, validation, other works: {shown(of_set([p.notes for p in pieces], book, others=True))}")


if __name__ == "__main__":
    main()
