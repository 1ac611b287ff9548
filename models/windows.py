"""Windows: music cut to one length, so that sets of it can be compared.

Owns which human music a composer is measured against, and the folder of MIDI that others may
bring instead. Knows no measure.

A piece that is long enough is cut into windows of its own; what is shorter is laid end to end,
a second apart, and cut then: a stream, too, holds the end of one piece and the start of another.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import archive, midi, originality, passages

SECONDS = 120.0
PAUSE = 1.0  # seconds between short pieces laid end to end
FEWEST = 5  # windows of a composer's validation split; where there are less, works of train are held out
HELD_OUT = 0.3  # share of such a composer's music, by works


class Window(NamedTuple):
    """So many seconds of music, from 0 on."""

    composer: str
    source: str  # file of the piece, of the first where there are several
    flat: bool  # velocities say nothing
    notes: np.ndarray


def part(notes, start, seconds):
    """The notes struck in [start, start + seconds), moved to 0 and ended by then."""
    first, last = np.searchsorted(notes["onset"], [start, start + seconds])
    out = notes[first:last].copy()
    out["onset"] -= start
    out["offset"] = np.minimum(out["offset"] - start, seconds)
    return out


def _cut(notes, composer, source, flat, seconds):
    count = int((float(notes["offset"].max()) + PAUSE) // seconds) if len(notes) else 0
    found = [Window(composer, source, flat, part(notes, i * seconds, seconds)) for i in range(count)]
    return [window for window in found if len(window.notes) >= 16]


def of_pieces(pieces, seconds=SECONDS, most=None):
    """Windows of pieces of one composer, in the order of their files; at most so many, spread evenly."""
    out, short = [], {True: [], False: []}
    for piece in sorted(pieces, key=lambda p: p.file):
        notes = passages.close_gaps(piece.notes)
        if len(notes) and float(notes["offset"].max()) >= seconds:
            out += _cut(notes, piece.composer, piece.file, piece.flat, seconds)
        elif len(notes):
            short[piece.flat].append((piece, notes))
    for flat, found in short.items():
        joined, at = [], 0.0
        for _, notes in found:
            moved = notes.copy()
            moved["onset"] += at
            moved["offset"] += at
            at = float(moved["offset"].max()) + PAUSE
            joined.append(moved)
        if joined:
            out += _cut(np.concatenate(joined), found[0][0].composer, found[0][0].file, flat, seconds)
    return spread(out, most)


def of_stream(notes, composer, source, count, seconds=SECONDS):
    """`count` windows spread over a composed stream, gaps and all; less where it is too short."""
    return spread(_cut(notes, composer, source, False, seconds), count)


def spread(found, most):
    """At most so many of a list, evenly."""
    if most is None or len(found) <= most:
        return found
    return [found[i] for i in np.linspace(0, len(found) - 1, most).round().astype(int)]


class Human(NamedTuple):
    """The human music of one composer."""

    reference: list  # pieces to measure against
    train: list  # pieces of the train split that are no reference
    held_out: bool  # the reference is held out of train: the net may have seen it


def human(pieces, composer, test=None):
    """Human of a composer's pieces without songs; the reference is validation, the pieces of
    `test` where given, or works of train where validation is too little."""
    mine = [p for p in pieces if p.composer == composer and p.kind != "song"]
    train = [p for p in mine if p.split == "train"]
    if test is not None:
        return Human([p for p in test if p.composer == composer], train, False)
    validation = [p for p in mine if p.split == "validation"]
    if len(of_pieces(validation)) >= FEWEST:
        return Human(validation, train, False)
    total, held = sum(len(p.notes) for p in train), []
    works = originality.works(train)
    for work in works[1::2] + works[::2]:
        if sum(len(p.notes) for p in held) < HELD_OUT * total:
            held += work
    files = {p.file for p in held}
    return Human(held, [p for p in train if p.file not in files], True)


def folder(path):
    """Pieces of a folder of MIDI with a folder a composer. Raises ValueError where there is none."""
    out = []
    for file in sorted(Path(path).glob("*/*")):
        if file.suffix.lower() not in (".mid", ".midi"):
            continue
        notes = midi.read(str(file))
        if len(notes):
            flat = float(notes["velocity"].std()) < 2.0
            out.append(archive.Piece(archive.short_name(file.parent.name), "validation", file.stem, str(file),
                                     "performance", flat, notes))
    if not out:
        raise ValueError(f"{path}: no MIDI in it; lay one folder a composer there, with his pieces")
    return out
