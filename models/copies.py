"""Copies: does generated music quote the training data, or itself?

Owns the measure: the share of a roll's runs of 12 successive notes, taken as
their 11 pitch intervals (so transposition does not hide a copy), that occur
anywhere in the train split, or earlier in the same roll.

    python3 -m models.copies FOLDER [--data PATH]     of the MIDI files in FOLDER

Human music of the validation split is measured beside it; other performances
of a piece that is also in the train split are copies in this sense.
"""

import argparse
from pathlib import Path

import numpy as np

from . import archive, midi, roll

LENGTH = 12
_BASE = np.uint64(1099511628211)  # FNV's prime, as the base of a polynomial hash modulo 2^64


def runs(events):
    """One uint64 hash for each run of LENGTH notes of a roll, in the order of (on, pitch)."""
    steps = np.diff(events["pitch"].astype(np.int64)) + 200
    count = len(steps) - (LENGTH - 1) + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    out = np.zeros(count, np.uint64)
    for offset in range(LENGTH - 1):
        out = out * _BASE + steps[offset : offset + count].astype(np.uint64)
    return out


def known(pieces):
    """Sorted hashes of all runs of the pieces."""
    return np.unique(np.concatenate([runs(roll.from_notes(p.notes)) for p in pieces]))


def quoted(events, book):
    """Share of a roll's runs that are in the book."""
    mine = runs(events)
    return float(np.isin(mine, book).mean()) if len(mine) else 0.0


def repeated(events):
    """Share of a roll's runs that have occurred before in it."""
    mine = runs(events)
    return 1.0 - len(np.unique(mine)) / len(mine) if len(mine) else 0.0


def main():
    parser = argparse.ArgumentParser(description="Look for copies of the train split in MIDI files.")
    parser.add_argument("folder")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's MAESTRO)")
    arguments = parser.parse_args()
    data = archive.load(arguments.data)
    book = known(data.of("train"))
    for path in sorted(Path(arguments.folder).glob("*.mid")):
        events = roll.from_notes(midi.read(str(path)))
        print(f"{path.name}: {len(events)} notes, quoted {quoted(events, book):.5f}, repeated {repeated(events):.5f}")
    for composer in ("bach", "chopin"):
        rolls = [roll.from_notes(p.notes) for p in data.of("validation", composer)]
        shares = [quoted(events, book) for events in rolls]
        print(f"human {composer}, validation: quoted median {np.median(shares):.5f}, "
              f"repeated median {np.median([repeated(e) for e in rolls]):.5f}")


if __name__ == "__main__":
    main()
