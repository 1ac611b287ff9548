"""Accents: how a composer goes from note to note, told to the pitches that the transformer draws.

Owns the tables accent.COMPOSER, stride.COMPOSER and compass.COMPOSER of a weights file, and the counting that
they come of.
What the net has learnt of a composer it forgets as it plays: its own music is all it hears. An accent leads
it back note by note. After the *turn* t, the last three intervals modulo the octave, the interval i adds

    others (log p(i | t, composer) - log p(i | t, other composers))
    + own (log p(i | t, composer) - log p(i | t, the net's music in his manner))

to the logit of each pitch that it leads to (daemon/music's curator hears none of it). The first term
is a judge of four notes that is asked of every note (as in FUDGE, Yang and Klein 2021), the second a
density ratio: drawn so, the net's turns become as frequent as the composer's. Where a note begins a chord,
its *stride*, in semitones from the lowest note of the chord before, adds such a sum too, by weights of its
own, after the two strides before: the way of the left hand. Third, every pitch has a place in the *compass*,

    weight (log p(octave | its pitch class, composer) - log p(octave | its pitch class, the net's music)),

in each passage of two minutes counted OFTEN times at most, so that what a few works do often is not taken for
what he always does: Mozart's piano ended at the F below the seventh C, which a net that has read Liszt forgets.
Which pitch classes are played is left to the net and its plans.

The others count the more the nearer they are
to the composer (nearness()); rivals, whom the net is taken for, can be given a share before (--against). p is
counted in the train split, backed off to shorter turns and to none. Music is counted as the net plays it:
pages are played first (pianist.py), chords in the order of their onsets.

    python3 -m models.accent --weights FILE --played FOLDER --out FILE

FOLDER is of `fermatad --soak --net NET`, with weights that have no accents, hours of it. Deterministic.
"""

import argparse
import json

import numpy as np
import torch

from . import archive, export, notes, originality, passages, pianist, roll, safetensors, soak, windows

STEPS = 3  # intervals of a turn
TURNS = 12**STEPS
SORTS = 7  # of strides: down by an octave or so, a leap, a step; none; up
STRIDES = SORTS**2  # the last two
WIDEST = 13  # semitones; a wider stride is as this
PITCHES = 128
BY_TURN, BY_STRIDE = (0.3, 0.4), (0.5, 0.6)  # weights of the others and the own: report/findings.md
BY_COMPASS = 1.0
NEAR = 60.0
CHORD = originality.CHORD // 10_000  # ticks between notes of one chord
DOUBT = 30.0  # notes that count as much as what a turn one interval shorter says
MOST = 2.5  # that any pitch is given or taken by a turn or stride
OFTEN = 2  # times that a pitch is counted in one passage
TAKEN, GIVEN = 6.0, 0.5  # at most, by the compass
LEAST = 8000  # notes of a composer that counts among the others
KINDS = ("accent", "stride", "compass")  # tables of a composer, KIND.COMPOSER
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


def sort_of(stride):
    """The sort, 0 to 6, of strides in semitones."""
    return 3 + np.sign(stride) * np.searchsorted([1, 3, 8], np.abs(stride), "right")


def strides(array):
    """[STRIDES, 2 WIDEST + 1] float64 of a note array: how often the first note of a chord is so far from
    the lowest one of the chord before, after each two strides. In the order that a net plays; chords as
    originality.line() has them."""
    tuples = notes.from_notes(array)[0]
    out = np.zeros((STRIDES, 2 * WIDEST + 1))
    begins = np.flatnonzero(np.concatenate([[True], notes.DELTA_TICKS[tuples[1:, 0]] > CHORD])) if len(tuples) else []
    if len(begins) < 4:
        return out
    pitch = tuples[:, 1].astype(int)
    low = np.minimum.reduceat(pitch, begins)
    sorts = sort_of(np.diff(low))
    found = np.clip(pitch[begins[3:]] - low[2:-1], -WIDEST, WIDEST) + WIDEST
    np.add.at(out, (sorts[:-2] * SORTS + sorts[1:-1], found), 1)
    return out


def chances(table):
    """p(interval | turn) [TURNS, 12] of counts, or p(stride | strides): where a turn is rare, those of shorter ones."""
    size, length = (12, STEPS) if table.shape == (TURNS, 12) else (SORTS, 2)
    whole = np.asarray(table, "f8").reshape([size] * length + [-1])
    p = (whole.sum(tuple(range(length))) + 1) / (whole.sum() + whole.shape[-1])
    for shorter in range(length - 1, -1, -1):
        some = whole.sum(tuple(range(shorter))) if shorter else whole
        p = (some + DOUBT * p) / (some.sum(-1, keepdims=True) + DOUBT)
    return p.reshape(table.shape)


def pitches(cut):
    """[PITCHES] float64: how often each pitch is struck in note arrays of passages, in each OFTEN times at most."""
    return sum((np.minimum(np.bincount(one["pitch"], minlength=PITCHES), OFTEN) for one in cut), np.zeros(PITCHES))


def octaves(table):
    """log p(octave | pitch class) [PITCHES] of counts; what is rare is as the pitches around it are."""
    near = np.convolve(table + 1e-3, np.array([1, 4, 6, 4, 1]) / 16, "same")
    out = np.zeros(PITCHES)
    for name in range(12):
        mine = np.arange(name, PITCHES, 12)
        out[mine] = np.log((table[mine] + DOUBT * near[mine] / near[mine].sum()) / (table[mine].sum() + DOUBT))
    return out


def compass(own, played, weight=BY_COMPASS):
    """Table [PITCHES] float32 of a composer's pitches and the net's."""
    found = np.clip(weight * (octaves(own) - octaves(played)), -TAKEN, GIVEN)
    found[: roll.LOWEST], found[roll.HIGHEST + 1 :] = 0, 0  # never drawn
    return found.astype(np.float32)


def nearness(own, others, near, rivals=()):
    """Shares [N] of other composers' counts: exp(-near KL), the divergence of what follows a turn from
    what follows in the composer's own music, in nats a note. All alike where near is 0. `rivals`, whom he is
    taken for: shares [N] that some of them have whatever they are, of 1 in all."""
    his, turns = np.log(chances(own)), own / own.sum()
    far = np.array([(turns * (his - np.log(chances(table)))).sum() for table in others])
    shares = np.exp(near * (far.min() - far))
    given = np.asarray(rivals, "f8") if len(rivals) else np.zeros(len(others))
    return given + (1 - given.sum()) * shares / shares.sum()


def accent(own, others, played, weights=BY_TURN, near=NEAR, rivals=()):
    """Table float32, of the shape of the counts: a composer's, a list of other composers', and the net's."""
    shares = nearness(own, others, near, rivals)
    rest = sum(share * table / table.sum() for share, table in zip(shares, others)) * own.sum()
    his = np.log(chances(own))
    found = weights[0] * (his - np.log(chances(rest))) + weights[1] * (his - np.log(chances(played)))
    return np.clip(found, -MOST, MOST).astype(np.float32)


def heard_in(arrays, cut):
    """The counts of a composer's note arrays, and of the passages that they are cut into: (turns, strides, pitches)."""
    return sum(counts(intervals(a)) for a in arrays), sum(strides(a) for a in arrays), pitches(cut)


def human(pieces, seed=3):
    """{composer: (turns, strides, pitches)} of piano pieces, pages as the pianist plays them."""
    rng, found = np.random.default_rng(seed), {}
    for piece in sorted(pieces, key=lambda p: p.file):
        if piece.kind == "song" or len(piece.notes) < passages.MINIMUM or piece.composer in NAMELESS:
            continue
        array = passages.close_gaps(piece.notes)
        if piece.kind == "score":
            array = pianist.play(array, piece.flat, rng)
        found.setdefault(piece.composer, []).append(piece._replace(notes=array))
    return {name: heard_in([piece.notes for piece in mine], [one.notes for one in windows.of_pieces(mine)])
            for name, mine in found.items()}


def played(folder):
    """{composer: (turns, strides, pitches)} of a soak's music."""
    hours = {}
    for stream in soak.read(folder).streams:
        hours.setdefault(stream.composer, []).extend(stream.hour(hour) for hour in range(stream.hours()))
    return {name: heard_in(mine, [one.notes for hour in mine for one in windows.of_stream(hour, name, "", None)])
            for name, mine in hours.items() if mine}


def tables(pieces, heard, by_turn=BY_TURN, by_stride=BY_STRIDE, by_compass=BY_COMPASS, near=NEAR, against=()):
    """{tensor's name: table} of every composer that the net was heard as; against: (composer, rival, share)."""
    found = human(pieces)
    out = {}
    for name, net in heard.items():
        others = {other: table for other, table in sorted(found.items()) if other != name and table[0].sum() >= LEAST}
        given = {rival: share for composer, rival, share in against if composer == name}
        if name not in found or not others:
            continue
        for rival in set(given) - set(others):
            raise SystemExit(f"--against {name} {rival}: there is too little music of {rival}; there is enough of {', '.join(others)}")
        rivals = [given.get(other, 0.0) for other in others]
        for index, (kind, weights) in enumerate(zip(KINDS, (by_turn, by_stride))):
            if any(weights):
                out[f"{kind}.{name}"] = accent(
                    found[name][index], [o[index] for o in others.values()], net[index], weights, near, rivals)
        if by_compass and found[name][2].any() and net[2].any():
            out[f"compass.{name}"] = compass(found[name][2], net[2], by_compass)
    return out


def shares(words, composers):
    """[(composer, rival, share)] of what --against was given, for one of the composers."""
    out, sums = [], {}
    for composer, rival, word in words:
        told = f"--against {composer} {rival} {word}:"
        if composer not in composers:
            raise SystemExit(f"{told} accents are made for {', '.join(composers)}")
        if any((composer, rival) == known[:2] for known in out):
            raise SystemExit(f"{told} {rival} has a share already")
        try:
            share = float(word)
        except ValueError:
            share = -1.0
        sums[composer] = sums.get(composer, 0.0) + share
        if not 0 < share <= 1 or sums[composer] > 1:
            raise SystemExit(f"{told} a share is a number over 0, and all of {composer}'s rivals have 1 at most")
        out.append((composer, rival, share))
    return out


def load(stored, names):
    """([composers, TURNS, 12], [composers, STRIDES, 2 WIDEST + 1], [composers, PITCHES]) float32 of a weights file's
    tensors, zero where it has none; None if nowhere."""
    out = torch.zeros(len(names), TURNS, 12), torch.zeros(len(names), STRIDES, 2 * WIDEST + 1), torch.zeros(len(names), PITCHES)
    for row, name in enumerate(names):
        for kind, table in zip(KINDS, out):
            if f"{kind}.{name}" in stored:
                table[row] = stored[f"{kind}.{name}"].float()
    return out if any(table.any() for table in out) else None


def _whose(tensor):
    """The composer whose table a tensor is, or None."""
    kind, _, name = tensor.partition(".")
    return name if kind in KINDS else None


def main():
    parser = argparse.ArgumentParser(description="Give a transformer's weights file the accents of its composers.")
    parser.add_argument("--weights", required=True, help="weights file")
    parser.add_argument("--played", required=True, metavar="FOLDER", help="soak of it, played without accents")
    parser.add_argument("--composer", action="append", help="whose; those of others are left as they are (default: all)")
    parser.add_argument("--data", help="the archive it was trained on (default: ../shared/data's permissive one)")
    for option, default, what in (("--turns", BY_TURN, "turns"), ("--strides", BY_STRIDE, "strides")):
        parser.add_argument(option, type=float, nargs=2, default=default, metavar=("OTHERS", "OWN"),
                            help=f"weights, for {what}, of what other composers would play and of what the net played by itself")
    parser.add_argument("--compass", type=float, default=BY_COMPASS, metavar="WEIGHT", help="weight of the compass (0: none)")
    parser.add_argument("--near", type=float, default=NEAR, help="how much more the nearest others count (0: all alike)")
    parser.add_argument("--against", nargs=3, action="append", default=[], metavar=("COMPOSER", "RIVAL", "SHARE"),
                        help="a share, before the rest is given by nearness, of one whom the net is taken for")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    stored, about = safetensors.read(arguments.weights)
    data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
    if export.FAMILIES[data.family] != about["family"]:
        raise SystemExit(f"{arguments.weights} is of the family {about['family']}: give its archive with --data")
    offered = json.loads(about["offered"])
    wanted = arguments.composer or offered
    if set(wanted) - set(offered):
        raise SystemExit(f"{arguments.weights} offers {', '.join(offered)}: give those with --composer")
    against = shares(arguments.against, wanted)
    heard = {name: table for name, table in played(arguments.played).items() if name in wanted}
    found = tables(data.of("train"), heard, arguments.turns, arguments.strides, arguments.compass, arguments.near, against)
    for name, table in found.items():
        print(f"accent: {name}: {np.sqrt((table**2).mean()):.3f} in the mean square")
    covered = {_whose(name) for name in found}
    if set(wanted) - covered:
        raise SystemExit(f"no accents for {', '.join(sorted(set(wanted) - covered))}: {arguments.played} has no music in the manner, or"
                         f" {data.name} too little of the composer; say with --composer whose you want")
    stored = {name: tensor for name, tensor in stored.items() if _whose(name) not in wanted}
    stored.update({name: torch.from_numpy(table).to(torch.bfloat16) for name, table in found.items()})
    told = {name: how for name, how in json.loads(about.get("accent", "{}")).items() if name in offered}
    for composer in wanted:
        options = "".join(f" --against {c} {rival} {share}" for c, rival, share in against if c == composer)
        told[composer] = {"command": f"python3 -m models.accent --weights FILE --played FOLDER --data {data.name}"
                          f" --composer {composer} --turns {' '.join(map(str, arguments.turns))}"
                          f" --strides {' '.join(map(str, arguments.strides))} --compass {arguments.compass} --near {arguments.near}{options} --out FILE",
                          "commit": export.commit()}
    safetensors.write(arguments.out, stored, {**about, "accent": json.dumps(told)})
    print(f"accent: {arguments.out} sha256 {export.digest(arguments.out)}")


if __name__ == "__main__":
    main()
