"""Quotes: the 12-note runs of the training data as a filter, for the daemon's guard against copies.

Owns models/weights/quotes-*.safetensors: a Bloom filter of all runs (originality.py) of an archive's
train split, and the figures of that archive's human music beside it (reference.py). Where a net was
trained on another archive first, that one's runs are in it --also. Where a composer's works of train
quote each other more than those that were held out do, --held-out COMPOSER holds him to these. Deterministic.

    python3 -m models.quotes [--data PATH] [--also PATH] [--held-out COMPOSER]... [--out FILE]
    python3 -m models.quotes --golden tests/data/golden-quotes.safetensors

The file holds one tensor, filter (U8), and metadata. A run sets `hashes` bits: the bit number i is
((at + i * step) >> 32) * bits >> 32, where at and step are spread(run) and spread(run + GOLDEN) | 1
modulo 2^64 (Kirsch and Mitzenmacher 2006); bit n is bit n % 8 of byte n / 8. daemon/music/quotes.c
reads it. --golden writes made-up music, its runs and a filter of half of them, for that one's test.
"""

import argparse
import json
import math

import numpy as np
import torch

from . import archive, export, originality, reference, safetensors

BITS = 8  # a run
HASHES = round(BITS * math.log(2))
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FORMAT = "fermata-quotes-1"
STRANGERS = 1 << 20  # random runs that the rate of false ones is measured with


def spread(x):
    """The finalizer of splitmix64 of a uint64 array."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def places(runs, bits, hashes):
    """uint64 [hashes, N]: the bits of each run."""
    at, step = spread(runs), spread(runs + GOLDEN) | np.uint64(1)
    steps = np.arange(hashes, dtype=np.uint64)[:, None] * step
    return (((at + steps) >> np.uint64(32)) * np.uint64(bits)) >> np.uint64(32)


def build(runs, size, hashes=HASHES):
    """The filter of so many bytes, uint8 [size]."""
    flags = np.zeros(size * 8, np.uint8)
    for place in places(runs, size * 8, hashes):
        flags[place] = 1
    return np.packbits(flags, bitorder="little")


def have(filter_, runs, hashes=HASHES):
    """Which runs the filter takes for its own."""
    place = places(runs, len(filter_) * 8, hashes)
    bits = filter_[place >> np.uint64(3)] >> (place & np.uint64(7)).astype(np.uint8) & 1
    return bits.all(0)


def runs_of(pieces):
    """The distinct runs of pieces, sorted."""
    found = [originality.runs(originality.line(p.notes)[0]) for p in pieces]
    return np.unique(np.concatenate(found))


def strangers(runs, count=STRANGERS, seed=1):
    """Random runs that are none of these."""
    drawn = np.random.default_rng(seed).integers(0, 1 << 64, count, np.uint64)
    return drawn[~np.isin(drawn, runs)]


def write_quotes(path, data, command, also=None, strict=()):
    """Builds and writes the file of an archive, with the runs of another one that was learnt from, too;
    figures of `strict` composers as reference.of_archive() has them, and TooFew."""
    archives = [data, also] if also else [data]
    taught = [piece for each in archives for piece in each.of("train")]
    runs = runs_of(taught)
    size = -(-len(runs) * BITS // 8)
    filter_ = build(runs, size)
    if not have(filter_, runs).all():
        raise SystemExit("quotes: the filter does not hold its own runs")
    wrong = float(have(filter_, strangers(runs)).mean())
    # Against its own archive: the other one has other editions of the same works, which would seem to quote them.
    figures = reference.of_archive(data, originality.Book(list(data.of("train"))), strict)
    safetensors.write(path, {"filter": torch.from_numpy(filter_)}, {
        "format": FORMAT,
        "family": export.FAMILIES[data.family],
        "data": "; ".join(f"{each.name} sha256 {each.sha256}, train split" for each in archives),
        "licence": archive.LICENCES[data.family],
        "attribution": "; ".join(archive.ATTRIBUTIONS[each.family] for each in archives),
        "command": command,
        "commit": export.commit(),
        "run": f"{originality.LENGTH} notes, chords within {originality.CHORD // 1000} ms low to high, by intervals",
        "runs": str(len(runs)),
        "bits": str(size * 8),
        "hashes": str(HASHES),
        "false_positives": f"{wrong:.4f}",
        "reference": json.dumps(figures),
    })
    print(f"quotes: {path}: {len(runs)} runs, {size} bytes, {wrong:.2%} false; sha256 {export.digest(path)}")


def made_up(count=3000, seed=5):
    """(onset in microseconds int64, pitch uint8) of chords that are rolled, struck and overlapping."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 4_000, 29_999, 30_000, 30_001, 60_000, 250_000], count)
    return np.cumsum(steps), rng.integers(30, 100, count).astype(np.uint8)


def write_golden(path):
    """Test vectors: notes, the runs of their line, a filter of every other run, what it says."""
    onset, pitch = made_up()
    notes = np.zeros(len(onset), [("onset", "f8"), ("pitch", "u1")])
    notes["onset"], notes["pitch"] = onset / 1e6, pitch
    runs = originality.runs(originality.line(notes)[0])
    kept = np.unique(runs[::2])
    filter_ = build(kept, len(kept))
    whole = {"onset": onset.astype("<i8"), "run": runs.astype("<u8")}
    safetensors.write(path, {
        **{name: torch.from_numpy(array.view(np.int32).reshape(-1, 2)) for name, array in whole.items()},
        "pitch": torch.from_numpy(pitch),
        "filter": torch.from_numpy(filter_),
        "had": torch.from_numpy(have(filter_, runs).astype(np.uint8)),
    }, {
        "format": FORMAT, "hashes": str(HASHES), "licence": "MIT",
        "command": "python3 -m models.quotes --golden tests/data/golden-quotes.safetensors",
    })
    print(f"quotes: {path}: {len(runs)} runs")


def main():
    parser = argparse.ArgumentParser(description="Write the filter of the train split's runs.")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's permissive one)")
    parser.add_argument("--also", metavar="PATH", help="archive that nets of the family were trained on before")
    parser.add_argument("--held-out", metavar="COMPOSER", action="append", default=[],
                        help="hold his music to what his works of the validation split quote, too (again for others)")
    parser.add_argument("--out", help="default: models/weights/quotes-FAMILY.safetensors")
    parser.add_argument("--golden", metavar="FILE", help="write test vectors instead")
    arguments = parser.parse_args()
    if arguments.golden:
        write_golden(arguments.golden)
        return
    data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
    out = arguments.out or str(export.WEIGHTS.parent / f"quotes-{export.FAMILIES[data.family]}.safetensors")
    also = archive.load(arguments.also) if arguments.also else None
    command = f"python3 -m models.quotes --data {data.name}" + (f" --also {also.name}" if also else "")
    command += "".join(f" --held-out {composer}" for composer in arguments.held_out)
    try:
        write_quotes(out, data, command, also, arguments.held_out)
    except reference.TooFew as error:
        raise SystemExit(f"quotes: --held-out: {error}") from error


if __name__ == "__main__":
    main()
