"""Human seeds: short phrases that start a channel, normalised, from the train split.

Owns models/weights/seeds-*.txt. Deterministic: same archive, same file.

    python3 -m models.seeds [--data PATH] [--out FILE] [--count 16]

Of each work at most one phrase of 10 s is taken: the one that begins after a
breath (no onset in the 0.3 s before, in a piece's middle) and needs the least
change. Changes made: tempo, within a fifth, towards the composer's median
density; transposition by semitones so that the median pitch is the composer's;
an offset of all velocities so that their mean is the composer's. No phrase
waits longer than 1.5 s for an onset, or is silent for as long.

Format, UTF-8: lines with `#` are comments; a block is `phrase COMPOSER SOURCE`
and a line `ONSET_MS DURATION_MS PITCH VELOCITY` for each note, sorted by onset,
the first onset 0; an empty line ends the block.
"""

import argparse
import math
import re
from pathlib import Path

import numpy as np

from . import archive, export, midi, passages, roll, stats

SECONDS = 10.0
BREATH = 0.3
LONGEST_WAIT = 1.5
TEMPI = np.round(np.arange(0.8, 1.201, 0.04), 2)


def typical(pieces):
    """A composer's (median notes per minute over 10 s windows, median pitch, mean velocity)."""
    rolls = [roll.from_notes(p.notes) for p in pieces]
    rate = float(np.median(np.concatenate([stats.density(events) for events in rolls])))
    notes = np.concatenate([p.notes for p in pieces])
    return rate, float(np.median(notes["pitch"])), float(notes["velocity"].mean())


def window(notes, start, tempo):
    """Notes with onsets in the `SECONDS` at that tempo from `start`, from 0, cut at the end."""
    onset = notes["onset"].astype("f8")
    some = notes[(onset >= start - 5e-4) & (onset < start + (SECONDS - 0.1) * tempo)].copy()
    some["onset"] = np.maximum(some["onset"] - start, 0.0) / tempo
    some["offset"] = np.minimum((some["offset"] - start) / tempo, SECONDS)
    return some


def cost(notes, start, tempo, want):
    """How far a window is from the composer's typical music; infinite if it will not do."""
    rate, pitch, _ = want
    some = window(notes, start, tempo)
    if len(some) < 8:
        return math.inf
    waits = np.diff(np.concatenate([some["onset"], [SECONDS]]))
    if waits.max() > LONGEST_WAIT:
        return math.inf
    shift = round(pitch - float(np.median(some["pitch"])))
    moved = some["pitch"].astype(int) + shift
    if moved.min() < roll.LOWEST or moved.max() > roll.HIGHEST or abs(shift) > 12:
        return math.inf
    density = len(some) * 60.0 / SECONDS
    return 2.0 * abs(math.log(density / rate)) + abs(math.log(tempo)) + abs(shift) / 24.0


def best(notes, want):
    """(cost, start, tempo) of a piece's best window; cost is infinite if there is none."""
    onset = notes["onset"].astype("f8")
    end = float(notes["offset"].max())
    breath = np.concatenate([[True], np.diff(onset) >= BREATH])
    found = (math.inf, 0.0, 1.0)
    for start in onset[breath]:
        if start + SECONDS * 1.2 > end:
            break
        for tempo in TEMPI:
            value = cost(notes, start, tempo, want)
            if value < found[0]:
                found = (value, float(start), float(tempo))
    return found


def normalised(notes, start, tempo, want):
    """The phrase as (onset ms, duration ms, pitch, velocity) rows, sorted, first onset 0."""
    _, pitch, loud = want
    some = window(notes, start, tempo)
    shift = round(pitch - float(np.median(some["pitch"])))
    offset = round(loud - float(some["velocity"].mean()))
    some["pitch"] = some["pitch"].astype(int) + shift
    some["velocity"] = np.clip(some["velocity"].astype(int) + offset, 1, 127)
    some["onset"] -= some["onset"].min()
    some = midi.separate(some)
    rows = []
    for on, off, p, v in some.tolist():
        on_ms, off_ms = round(on * 1000), round(off * 1000)
        rows.append((on_ms, max(off_ms - on_ms, 1), p, v))
    return sorted(rows)


def work(title):
    """A key for the work: its opus or BWV number where the title has one, else the title's words."""
    number = re.search(r"\b(op|bwv)\W*(\d+)", title.lower())
    if number:
        return " ".join(number.groups())
    return " ".join(re.findall(r"[a-z0-9]+", title.lower()))


def runs(rows, length=6):
    """The set of a phrase's pitch-interval runs, to tell whether two phrases are the same music."""
    steps = np.diff([pitch for _, _, pitch, _ in rows])
    return {tuple(steps[i : i + length]) for i in range(len(steps) - length + 1)}


def choose(pieces, want, count):
    """[(piece, rows)] of the `count` works that need least change, no music twice."""
    found = [(best(p.notes, want), p) for p in pieces]
    found = [item for item in found if item[0][0] < math.inf]
    found.sort(key=lambda item: (item[0][0], item[1].file))
    chosen, works, heard = [], set(), set()
    for (_, start, tempo), piece in found:
        rows = normalised(piece.notes, start, tempo, want)
        mine = runs(rows)
        if work(piece.title) in works or len(mine & heard) > 0.1 * len(mine):
            continue
        works.add(work(piece.title))
        heard |= mine
        chosen.append((piece, rows))
        if len(chosen) == count:
            break
    return chosen


def sources(data, composer, count):
    """A composer's pieces to choose from: performances, and where those are few, scores that say
    how loud, in the performances' loudness."""
    pieces = [p for p in passages.levelled(data.of("train")) if p.composer == composer and not p.flat]
    performed = [p for p in pieces if p.kind == "performance"]
    return performed if len(performed) >= count else performed + [p for p in pieces if p.kind == "score"]


def main():
    parser = argparse.ArgumentParser(description="Choose and normalise human seed phrases.")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's MAESTRO)")
    parser.add_argument("--out", help="default: models/weights/seeds-FAMILY.txt")
    parser.add_argument("--composers", default=",".join(export.OFFERED), help="short names, with commas")
    parser.add_argument("--count", type=int, default=16, help="phrases per composer")
    arguments = parser.parse_args()
    data = archive.load(arguments.data)
    lines = [
        "# Fermata: human seed phrases, excerpts of the data, normalised in tempo,",
        "# register and loudness. Each line: onset_ms duration_ms pitch velocity.",
        f"# Licence: {archive.LICENCES[data.family]}",
        f"# Attribution: {archive.ATTRIBUTIONS[data.family]}",
        f"# Data: {data.name} sha256 {data.sha256}, train split",
        f"# Command: python3 -m models.seeds --data {data.name} --composers {arguments.composers} --count {arguments.count}",
        "",
    ]
    for composer in arguments.composers.split(","):
        pieces = sources(data, composer, arguments.count)
        if not pieces:
            raise SystemExit(f"seeds: no music of {composer} in the train split")
        want = typical(pieces)
        chosen = choose(pieces, want, arguments.count)
        print(f"seeds: {composer}: {len(chosen)} phrases; median {want[0]:.0f} notes per minute, "
              f"pitch {want[1]:.0f}, mean velocity {want[2]:.0f}")
        for piece, rows in chosen:
            lines.append(f"phrase {composer} {' '.join(piece.title.split())} [{piece.file}]")
            lines += [" ".join(map(str, row)) for row in rows]
            lines.append("")
    out = arguments.out or str(export.WEIGHTS.parent / f"seeds-{export.FAMILIES[data.family]}.txt")
    Path(out).write_text("\n".join(lines), encoding="utf-8")
    print(f"seeds: {out}")


if __name__ == "__main__":
    main()
