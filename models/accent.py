"""Accents: how a composer turns from note to note, told to the pitches that the transformer draws.

Owns the tables accent.COMPOSER of a weights file, and the counting that they come of. What the net
has learnt of a composer it forgets as it plays: its own music is all it hears. An accent leads it
back note by note. After the *turn* t, the last three intervals modulo the octave, the interval i adds

    others (log p(i | t, composer) - log p(i | t, other composers))
    + own (log p(i | t, composer) - log p(i | t, the net's music in his manner))

to the logit of each pitch that it leads to (daemon/music's curator hears none of it). The first term
is a judge of four notes that is asked of every note (as in FUDGE, Yang and Klein 2021), the second a
density ratio: drawn so, the net's turns become as frequent as the composer's. The others count alike,
or the more the nearer they are to the composer (nearness()). p is counted in the train split,
backed off from three intervals to none. Music is counted as the net plays it: pages are played first
(pianist.py), chords in the order of their onsets.

    python3 -m models.accent --weights FILE --played FOLDER [--others 0.5] [--near 0] [--own 0.7] --out FILE

FOLDER is of `fermatad --soak --net NET`, with weights that have no accents, hours of it. Deterministic.
"""

import argparse
import json

import numpy as np
import torch

from . import archive, export, notes, passages, pianist, safetensors, soak

STEPS = 3  # intervals of a turn
TURNS = 12**STEPS
OTHERS, OWN = 0.5, 0.7  # chosen by measure: report/findings.md
DOUBT = 30.0  # notes that count as much as what a turn one interval shorter says
MOST = 2.5  # that any pitch is given or taken
LEAST = 8000  # notes of a composer that counts among the others
NAMELESS = ("anonymous", "unknown", "traditional")


def intervals(array):
    """The intervals modulo 12 from note to note of a note array, in the order that a net plays."""
    return np.diff(notes.from_notes(array)[0][:, 1].astype(int)) % 12


def counts(steps):
    """[TURNS, 12] float64: how often each interval came after each turn."""
    at = np.zeros(max(len(steps) - STEPS, 0), int)
    for index in range(STEPS + 1):
        at = at * 12 + steps[index : index + len(at)]
    return np.bincount(at, minlength=TURNS * 12).reshape(TURNS, 12).astype("f8")


def chances(table):
    """p(interval | turn) [TURNS, 12] of counts: where a turn is rare, those of shorter ones."""
    whole = np.asarray(table, "f8").reshape([12] * (STEPS + 1))
    p = (whole.sum(tuple(range(STEPS))) + 1) / (whole.sum() + 12)
    for length in range(STEPS - 1, -1, -1):
        some = whole.sum(tuple(range(length))) if length else whole
        p = (some + DOUBT * p) / (some.sum(-1, keepdims=True) + DOUBT)
    return p.reshape(TURNS, 12)


def nearness(own, others, near):
    """Shares [N] of other composers' counts: exp(-near KL), the divergence of what follows a turn from
    what follows in the composer's own music, in nats a note. All alike where near is 0."""
    his, turns = np.log(chances(own)), own / own.sum()
    far = np.array([(turns * (his - np.log(chances(table)))).sum() for table in others])
    shares = np.exp(near * (far.min() - far))
    return shares / shares.sum()


def accent(own, others, played, weights=(OTHERS, OWN), near=0.0):
    """Table float32 [TURNS, 12] of a composer's counts, a list of other composers', and the net's."""
    shares = nearness(own, others, near)
    rest = sum(share * table / table.sum() for share, table in zip(shares, others)) * own.sum()
    his = np.log(chances(own))
    found = weights[0] * (his - np.log(chances(rest))) + weights[1] * (his - np.log(chances(played)))
    return np.clip(found, -MOST, MOST).astype(np.float32)


def human(pieces, seed=3):
    """{composer: counts} of piano pieces, pages as the pianist plays them."""
    rng, out = np.random.default_rng(seed), {}
    for piece in sorted(pieces, key=lambda p: p.file):
        if piece.kind == "song" or len(piece.notes) < passages.MINIMUM or piece.composer in NAMELESS:
            continue
        array = passages.close_gaps(piece.notes)
        if piece.kind == "score":
            array = pianist.play(array, piece.flat, rng)
        out[piece.composer] = out.get(piece.composer, 0) + counts(intervals(array))
    return out


def played(folder):
    """{composer: counts} of a soak's music."""
    out = {}
    for stream in soak.read(folder).streams:
        for hour in range(stream.hours()):
            out[stream.composer] = out.get(stream.composer, 0) + counts(intervals(stream.hour(hour)))
    return out


def tables(pieces, heard, weights=(OTHERS, OWN), near=0.0):
    """{composer: table} of every composer that the net was heard as."""
    found = human(pieces)
    out = {}
    for name, table in heard.items():
        others = [t for other, t in sorted(found.items()) if other != name and t.sum() >= LEAST]
        if name in found and others:
            out[name] = accent(found[name], others, table, weights, near)
    return out


def load(stored, names):
    """[composers, TURNS, 12] float32 of a weights file's tensors, zero where it has none; None if nowhere."""
    out = torch.zeros(len(names), TURNS, 12)
    for row, name in enumerate(names):
        if f"accent.{name}" in stored:
            out[row] = stored[f"accent.{name}"].float()
    return out if out.any() else None


def main():
    parser = argparse.ArgumentParser(description="Give a transformer's weights file the accents of its composers.")
    parser.add_argument("--weights", required=True, help="weights file")
    parser.add_argument("--played", required=True, metavar="FOLDER", help="soak of it, played without accents")
    parser.add_argument("--data", help="the archive it was trained on (default: ../shared/data's permissive one)")
    parser.add_argument("--others", type=float, default=OTHERS, help="weight of what other composers would play")
    parser.add_argument("--near", type=float, default=0.0, help="how much more the nearest of them count (0: all alike)")
    parser.add_argument("--own", type=float, default=OWN, help="weight of what the net played by itself")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    stored, about = safetensors.read(arguments.weights)
    data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
    if export.FAMILIES[data.family] != about["family"]:
        raise SystemExit(f"{arguments.weights} is of the family {about['family']}: give its archive with --data")
    heard = {name: table for name, table in played(arguments.played).items() if name in json.loads(about["offered"])}
    found = tables(data.of("train"), heard, (arguments.others, arguments.own), arguments.near)
    for name, table in found.items():
        print(f"accent: {name}: {np.sqrt((table**2).mean()):.3f} in the mean square; {int(heard[name].sum())} notes heard")
    stored = {name: tensor for name, tensor in stored.items() if not name.startswith("accent.")}
    stored.update({f"accent.{name}": torch.from_numpy(table).to(torch.bfloat16) for name, table in found.items()})
    command = (f"python3 -m models.accent --weights FILE --played FOLDER --data {data.name}"
               f" --others {arguments.others} --near {arguments.near} --own {arguments.own} --out FILE")
    safetensors.write(arguments.out, stored, {**about, "accent": json.dumps(
        {"others": arguments.others, "near": arguments.near, "own": arguments.own, "command": command, "commit": export.commit()})})
    print(f"accent: {arguments.out} sha256 {export.digest(arguments.out)}")


if __name__ == "__main__":
    main()
