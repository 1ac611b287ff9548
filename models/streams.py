"""Training streams: endless walks through the pieces, and the noise upon them.

Owns what the net sees while it trains: B parallel streams, each of which walks
through one augmented piece after another in chunks of T frames. The net's state
is carried from chunk to chunk and zeroed where a stream begins a new piece, so
it learns contexts far longer than T and learns to run for ever. The last,
incomplete chunk of a piece is left out: this music shall not learn to end.

Everything is a function of (seed, stream, number of the piece in the stream),
so the position to resume from is a few integers a stream.
"""

import numpy as np

from . import control, pianist, roll

SHARES = {"bach": 3.0, "chopin": 3.0, "debussy": 6.0}  # drawn so many times their share
LONGEST_GAP = 2 * roll.FRAMES_PER_SECOND  # longer silences in a piece are shortened to this
MINIMUM = 10 * roll.FRAMES_PER_SECOND  # shorter pieces are left out, frames
MID_PIECE = 0.25  # share of pieces begun at a random place, as a reseeded net begins

NOISE = {  # of all notes, before scaling by the piece's own noise level (0..2)
    "drop": 0.04,
    "jitter": 0.05,
    "wrong": 0.012,
    "shorten": 0.06,
    "add": 0.015,
    "velocity": 5.0,  # standard deviation, MIDI units
    "element": 0.02,  # of all entries of the sounding plane
}

# From this training step on, newly begun pieces also drift (see drift): first the net learns
# music, then to come back to it. Without this, free-running Chopin and Debussy slowed down, grew
# soft and stayed so: the net believed its own thin past.
DRIFT_FROM = 1250
DRIFT = {  # (share of the segments that get it, how much)
    "loud": (0.5, 12.0),  # standard deviation of the velocities' offset, MIDI units
    "thin": (0.35, 0.5),  # up to so many of the notes are missing
    "thick": (0.15, 0.25),  # up to so many are added
    "stretch": (0.3, 0.8),  # durations times up to exp(+-this)
}
DRIFT_SECONDS = (5.0, 15.0)  # shortest segment, and mean of what comes on top


def vocabulary(pieces, hours=1.0, first=("bach", "chopin", "debussy")):
    """Composer names in row order: `first`, those with `hours` of music by name, `other`."""
    seconds = {}
    for piece in pieces:
        seconds[piece.composer] = seconds.get(piece.composer, 0.0) + float(piece.notes["offset"].max())
    rest = sorted(name for name, s in seconds.items() if s >= hours * 3600 and name not in first)
    return [*first, *rest, "other"]


def row(names, composer):
    """Row of a composer's short name; `other`, the last row, for those not in the vocabulary."""
    return names.index(composer) if composer in names else len(names) - 1


def begin_at_zero(events):
    """Roll moved so that the first onset is frame 0."""
    events = events.copy()
    if len(events):
        first = int(events["on"][0])
        events["on"] -= first
        events["off"] -= first
    return events


def clean(notes):
    """The roll that a net is trained and validated on: from 0, gaps closed."""
    return roll.close_gaps(begin_at_zero(roll.from_notes(notes)), LONGEST_GAP)


def _added(events, away_frames, away_pitch, rng):
    """Notes that a net might have thrown in: short, near the given ones in time and pitch."""
    added = events.copy()
    count = len(added)
    added["on"] = np.maximum(added["on"] + rng.integers(-away_frames, away_frames + 1, count), 0)
    added["off"] = added["on"] + rng.integers(1, 12, count)
    pitch = added["pitch"].astype(int) + rng.integers(-away_pitch, away_pitch + 1, count)
    added["pitch"] = np.clip(pitch, roll.LOWEST, roll.HIGHEST)
    return added


def drift(events, rng):
    """Roll whose loudness, density and durations go astray for some 20 s at a time.

    The targets stay human, so the net learns to lead a texture that has become
    too thin, thick, soft, loud, dry or blurred back to the composer's own.
    """
    shortest, mean = (seconds * roll.FRAMES_PER_SECOND for seconds in DRIFT_SECONDS)
    count = int(roll.length(events) // shortest) + 2
    edges = np.cumsum(shortest + rng.exponential(mean, count))

    def drawn(name, values):
        share = DRIFT[name][0]
        return np.where(rng.random(count + 1) < share, values, 0.0)

    loud = drawn("loud", rng.normal(0.0, DRIFT["loud"][1], count + 1))
    thin = drawn("thin", rng.uniform(0.0, DRIFT["thin"][1], count + 1))
    thick = drawn("thick", rng.uniform(0.0, DRIFT["thick"][1], count + 1))
    stretch = drawn("stretch", rng.uniform(-DRIFT["stretch"][1], DRIFT["stretch"][1], count + 1))
    segment = np.searchsorted(edges, events["on"])
    out = events.copy()
    length = (events["off"] - events["on"]) * np.exp(stretch[segment])
    out["off"] = out["on"] + np.maximum(np.round(length), 1).astype(int)
    out["velocity"] = np.clip(np.round(events["velocity"] + loud[segment]), 1, 127)
    extra = _added(out[rng.random(len(out)) < thick[segment]], 20, 12, rng)
    out = out[rng.random(len(out)) >= thin[segment]]
    return roll.tidy(np.concatenate([out, extra]))


def spoil(events, rng, level):
    """Roll with notes dropped, moved, mistaken, cut short, added, as a net's own music would be."""
    noisy = events[rng.random(len(events)) >= NOISE["drop"] * level].copy()
    count = len(noisy)
    if not count:
        return noisy
    moved = rng.random(count) < NOISE["jitter"] * level
    shift = np.where(moved, rng.integers(0, 2, count) * 2 - 1, 0)
    noisy["on"] = np.maximum(noisy["on"] + shift, 0)
    wrong = rng.random(count) < NOISE["wrong"] * level
    away = rng.choice(np.array([-12, -2, -1, 1, 2, 12]), count)
    pitch = noisy["pitch"].astype(int) + np.where(wrong, away, 0)
    noisy["pitch"] = np.clip(pitch, roll.LOWEST, roll.HIGHEST)
    short = rng.random(count) < NOISE["shorten"] * level
    length = np.maximum(noisy["off"] - noisy["on"], 1)
    noisy["off"] = noisy["on"] + np.where(short, np.ceil(length * rng.random(count)), length).astype(int)
    loud = np.round(rng.normal(0.0, NOISE["velocity"] * level, count))
    noisy["velocity"] = np.clip(noisy["velocity"] + loud, 1, 127)
    added = _added(noisy[rng.random(count) < NOISE["add"] * level], 40, 7, rng)
    return roll.tidy(np.concatenate([noisy, added]))


class Streams:
    """B streams over the pieces. next() gives the arrays of one training step."""

    def __init__(self, pieces, names, batch, frames, seed):
        self.pieces = [p for p in pieces if roll.length(clean(p.notes)) >= MINIMUM]
        if not self.pieces:
            raise ValueError("no piece is long enough to train on")
        self.names = names
        self.batch, self.frames, self.seed = batch, frames, seed
        weight = np.array(
            [float(p.notes["offset"].max()) * SHARES.get(p.composer, 1.0) for p in self.pieces]
        )
        self.weight = np.cumsum(weight / weight.sum())
        self.number = [0] * batch  # of the piece in the stream
        self.place = [0] * batch  # next frame in the piece
        self.loaded = [0] * batch  # the training step at which the stream's piece was begun
        self.rolls = [None] * batch  # (clean, noisy, composer row, level, length)
        for stream in range(batch):
            self._load(stream)
            self.place[stream] = self._first(stream)
        self.fresh = np.ones(batch, bool)

    def _rng(self, stream):
        return np.random.default_rng([self.seed, stream, self.number[stream]])

    def _load(self, stream):
        rng = self._rng(stream)
        piece = self.pieces[min(int(np.searchsorted(self.weight, rng.random())), len(self.pieces) - 1)]
        notes = roll.augment(
            piece.notes, int(rng.integers(-5, 7)), float(rng.uniform(0.9, 1.1)), int(rng.integers(-8, 9))
        )
        if piece.kind == "score":  # or a net would learn to play like a printed page
            notes = pianist.play(notes, piece.flat, rng)
        events = clean(notes)
        level = float(rng.uniform(0.0, 2.0))
        astray = drift(events, rng) if self.loaded[stream] >= DRIFT_FROM else events
        noisy = spoil(astray, rng, level)
        self.rolls[stream] = (events, noisy, row(self.names, piece.composer), level, roll.length(events))

    def _first(self, stream):
        rng = np.random.default_rng([self.seed, stream, self.number[stream], 1])
        share = 1.0 if self.number[stream] == 0 else MID_PIECE  # streams must not begin in step
        room = self.rolls[stream][4] - self.frames - 1
        return int(rng.integers(0, max(room, 1))) if rng.random() < share else 0

    def next(self, step):
        """One chunk: dict of
        x [T,B,256] float32, as the net shall see it, noise included;
        target [T,B,256] float32, the clean next frames; composer [B] int64;
        known [T,B,128] bool: false where x sounds a pitch that the clean roll does not: nothing is
        known of how such a note should go on (the next frame is silent there, and a net taught
        that cuts its own unlikely notes off after one frame);
        fresh [B] bool: this stream's state is to be zeroed first;
        control [B,control.SIZE] float32: what the net is told of the music (control.py).
        """
        frames, batch = self.frames, self.batch
        x = np.zeros((batch, frames, roll.FRAME), np.float32)
        target = np.zeros((batch, frames, roll.FRAME), np.float32)
        first = np.zeros((batch, 1, roll.FRAME), np.float32)
        composer = np.zeros(batch, np.int64)
        level = np.zeros(batch, np.float32)
        told = np.zeros((batch, control.SIZE), np.float32)
        for stream in range(batch):
            if self.place[stream] + frames + 1 > self.rolls[stream][4]:
                self.number[stream] += 1
                self.loaded[stream] = step
                self._load(stream)
                self.place[stream] = self._first(stream)
                self.fresh[stream] = True
            events, noisy, composer[stream], level[stream], _ = self.rolls[stream]
            place = self.place[stream]
            roll.dense(noisy, place, frames, x[stream])
            roll.dense(events, place, 1, first[stream])
            roll.dense(events, place + 1, frames, target[stream])
            told[stream] = control.drawn(
                control.attributes(events, place), np.random.default_rng([self.seed, 0xC0, step, stream])
            )
            self.place[stream] = place + frames
        rng = np.random.default_rng([self.seed, 0x5EED, step])
        lost = rng.random((batch, frames, roll.PITCHES), np.float32) < NOISE["element"] * level[:, None, None]
        x[..., : roll.PITCHES][lost] = 0.0
        sounds = np.concatenate([first, target[:, :-1]], 1)[..., : roll.PITCHES] > 0
        known = sounds | (x[..., : roll.PITCHES] == 0)
        out = {
            "known": np.ascontiguousarray(known.transpose(1, 0, 2)),
            "x": np.ascontiguousarray(x.transpose(1, 0, 2)),
            "target": np.ascontiguousarray(target.transpose(1, 0, 2)),
            "composer": composer,
            "fresh": self.fresh.copy(),
            "control": told,
        }
        self.fresh[:] = False
        return out

    def position(self):
        """What resume() needs."""
        return {
            "number": list(self.number),
            "place": list(self.place),
            "loaded": list(self.loaded),
            "fresh": self.fresh.tolist(),
        }

    def resume(self, position):
        """Go on exactly where position() was taken."""
        self.number = list(position["number"])
        self.loaded = list(position.get("loaded", [0] * self.batch))
        for stream in range(self.batch):
            self._load(stream)
        self.place = list(position["place"])
        self.fresh = np.array(position["fresh"], bool)
