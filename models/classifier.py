"""A judge of style: whose music is it?

Owns a small classifier of composers, trained on human music of the train splits of all archives
at hand, without songs. It sees only which keys are struck and when, so neither velocities nor the
pedal give a collection away; every onset it looks at is jittered, and in training tempo, key and
rubato are moved, more so for pages, whose tempo is often guessed; most figures are of degrees of
the key, moves and ratios. Works of the validation splits are left out of its training,
also where another archive has them in train.

A window is judged by its quarters: the mean of their log-probabilities.

    python3 -m models.classifier     how well it knows human music, of every composer
"""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from . import archive, control, originality, passages, roll, windows

SECONDS = 30.0  # of a quarter
HOURS = 1.0  # a composer with less human piano music in train is not told apart
MOST = 500  # quarters of one composer to train on
COPIES = 4  # moved ones of each
JITTER = 0.012  # seconds, standard deviation, of every onset that is looked at
LOOKS = 3  # jittered copies of each quarter to judge
_FORMAT = 1  # of the cache; raise when anything here changes
_RATIOS = np.linspace(-2.25, 2.25, 10)  # inner edges, octaves of tempo
_TIMES = np.log2(0.06 * 2.0 ** np.arange(0.0, 6.0, 0.6))  # inner edges, log2 seconds
_MOVES = np.array([-7.5, -2.5, -0.5, 0.5, 2.5, 7.5])  # inner edges of melodic moves, semitones


def _histogram(values, size):
    out = np.bincount(values, minlength=size)[:size].astype("f8")
    return np.sqrt(out / max(out.sum(), 1.0))  # Hellinger: rare things count, too


def _pairs(values, size):
    return _histogram(values[:-1] * size + values[1:], size * size)


def describe(notes):
    """Figures float32 [D] of a note array of a quarter; zeros where there are less than 12 notes."""
    pitch, onset = originality.line(notes)
    size = 12 + 144 + 2 + 27 * 2 + 49 * 2 + 12 + 7 + 14 + 11 + 121 + 11 + 9 + 6
    if len(pitch) < 12:
        return np.zeros(size, np.float32)
    pitch = pitch.astype(int)
    first = np.concatenate([[True], np.diff(onset) > 0])
    chord = np.cumsum(first) - 1
    last = np.concatenate([first[1:], [True]])
    low, high, times = pitch[first], pitch[last], onset[first]
    many = np.bincount(chord)
    share = np.bincount(pitch % 12, minlength=12) / len(pitch)
    minor, tonic = divmod(int(control.tonality(share[None])[0][0]), 12)
    degree = (pitch - tonic) % 12
    gaps = np.log2(np.maximum(np.diff(times), 0.02))
    ratio = np.searchsorted(_RATIOS, np.diff(gaps))
    bass, top = np.diff(low), np.diff(high)
    above = pitch - low[chord]
    steps = np.diff(pitch)[~first[1:]]
    parts = [
        _histogram(degree, 12), _pairs(degree, 12), np.eye(2)[minor],
        _histogram(np.clip(bass, -13, 13) + 13, 27), _histogram(np.clip(top, -13, 13) + 13, 27),
        _pairs(np.searchsorted(_MOVES, bass), 7), _pairs(np.searchsorted(_MOVES, top), 7),
        _histogram(above[~first] % 12, 12), _histogram(np.minimum(many, 7) - 1, 7), _histogram(np.minimum(steps, 13), 14),
        _histogram(ratio, 11), _pairs(ratio, 11),
        _histogram(np.searchsorted(_TIMES, gaps), 11), _histogram(np.clip(pitch // 12 - 1, 0, 8), 9),
        [np.log(len(pitch)), np.log(len(times)), pitch.mean() / 12, pitch.std() / 12, (high - low).mean() / 12,
         (np.diff(gaps) ** 2 < 0.02).mean()],
    ]
    return np.concatenate([np.asarray(p, "f8") for p in parts]).astype(np.float32)


def moved(notes, rng, score):
    """A copy in another key and tempo, as another collection would have it: pages (`score`) get
    the rubato of a hand, and any tempo; a third of all the 50 ms grid of the roll nets."""
    tempo = 0.3 if score else 0.1
    out = roll.augment(notes, int(rng.integers(-3, 4)), float(np.exp(np.clip(rng.normal(0, tempo), -0.7, 0.7))))
    if not len(out):
        return out
    onset = out["onset"].astype("f8")
    knots = np.arange(0.0, onset.max() + 4.0, 1.5)
    pace = np.exp(rng.normal(0, 0.15 if score else 0.03, len(knots)))
    onset = np.interp(onset, knots, np.concatenate([[0.0], np.cumsum(pace[:-1] * 1.5)]))
    if rng.random() < 1 / 3:
        onset = np.floor(onset * roll.FRAMES_PER_SECOND + 0.5) / roll.FRAMES_PER_SECOND
    return jittered(out, onset, rng)


def jittered(notes, onset, rng):
    """The notes struck at these times, more or less: no one's chords are exact."""
    out = notes.copy()
    out["onset"] = np.maximum(onset + rng.normal(0.0, JITTER, len(out)), 0.0)
    return out[np.argsort(out["onset"], kind="stable")]


def quarters(notes, seconds=SECONDS):
    """The whole quarters of a note array."""
    count = max(int((float(notes["offset"].max()) + windows.PAUSE) // seconds), 0) if len(notes) else 0
    return [part for part in (windows.part(notes, i * seconds, seconds) for i in range(count)) if len(part) >= 12]


class Judge:
    """The trained classifier."""

    def __init__(self, names, mean, spread, net):
        self.names, self.mean, self.spread, self.net = names, mean, spread, net

    @staticmethod
    def build(size, count):
        return nn.Sequential(nn.Dropout(0.3), nn.Linear(size, 160), nn.ReLU(), nn.Dropout(0.5), nn.Linear(160, count))

    @torch.no_grad()
    def chances(self, notes):
        """Log-probabilities [composers] of a window's notes."""
        rng = np.random.default_rng(len(notes))
        parts = [jittered(p, p["onset"], rng) for p in quarters(notes) or [notes] for _ in range(LOOKS)]
        x = (np.stack([describe(part) for part in parts]) - self.mean) / self.spread
        return torch.log_softmax(self.net(torch.from_numpy(x)), -1).mean(0).numpy()

    def judge(self, arrays, among=None):
        """The name for each note array; among: only these may be named."""
        allowed = np.array([among is None or name in among for name in self.names])
        return [self.names[int(np.where(allowed, self.chances(a), -np.inf).argmax())] for a in arrays]

    def accuracy(self, arrays, name, among=None):
        """Share of note arrays that are judged to be by `name`; NaN of none or of an unknown one."""
        if not arrays or name not in self.names:
            return float("nan")
        return float(np.mean([found == name for found in self.judge(arrays, among)]))


def train(groups, seed=1, epochs=30):
    """Judge of {composer: list of (note array of a quarter, whether it is of a page)}."""
    names = sorted(groups)
    rng = np.random.default_rng(seed)
    x, y = [], []
    for label, name in enumerate(names):
        for part, score in windows.spread(groups[name], MOST):
            for _ in range(COPIES):
                x.append(describe(moved(part, rng, score)))
                y.append(label)
    x, y = np.stack(x), np.array(y)
    mean, spread = x.mean(0), x.std(0) + 0.02
    torch.manual_seed(seed)
    net = Judge.build(x.shape[1], len(names))
    share = np.bincount(y, minlength=len(names)) / len(y)
    weight = torch.from_numpy((1.0 / np.sqrt(share * len(names))).astype("f4"))
    inputs, targets = torch.from_numpy((x - mean) / spread), torch.from_numpy(y)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05)
    size = 128
    steps = epochs * max(len(y) // size, 1)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1.0 - step / steps)
        some = torch.from_numpy(rng.integers(0, len(y), size))
        loss = nn.functional.cross_entropy(net(inputs[some]), targets[some], weight, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    net.eval()
    return Judge(names, mean, spread, net)


def lessons(archives, log=print):
    """{composer: quarters to train on} of the archives at hand, as train() takes them. A composer's
    reference, in any of them, is left out, and the works that are in it."""
    pieces = [p for a in archives for p in a.pieces if p.kind != "song"]
    hours = {}
    for piece in pieces:
        if piece.split == "train":
            hours[piece.composer] = hours.get(piece.composer, 0.0) + float(piece.notes["offset"].max()) / 3600
    names = sorted(n for n, h in hours.items() if h >= HOURS and n not in ("anonymous", "unknown", "traditional"))
    sets = {}
    for archive_ in archives:
        for name in names:
            found = windows.human(archive_.pieces, name)
            sets.setdefault(name, []).append(found)
    references = [p for found in sets.values() for h in found for p in h.reference]
    taught = [p for found in sets.values() for h in found for p in h.train]
    book = originality.Book(taught)
    seen = {index for piece in references for index in originality.related(piece.notes, book)}
    log(f"classifier: {len(taught)} pieces of {len(names)} composers, without {len(seen)} of works to be judged")
    groups = {name: [] for name in names}
    for index, piece in enumerate(taught):
        if index not in seen:
            parts = quarters(passages.close_gaps(piece.notes))
            groups[piece.composer] += [(part, piece.kind == "score") for part in parts]
    return {name: found for name, found in groups.items() if len(found) >= 20}


def load(archives, log=print):
    """The Judge of these archives, trained once and kept in the cache folder of archive.py."""
    mark = hashlib.sha256(" ".join(sorted(a.sha256 for a in archives)).encode()).hexdigest()[:16]
    path = Path(archive.cache_folder()) / f"judge-{mark}-{_FORMAT}.pt"
    if not path.is_file():
        judge = train(lessons(archives, log))
        part = path.with_suffix(f".{os.getpid()}.part")
        torch.save({"names": json.dumps(judge.names), "mean": torch.from_numpy(judge.mean),
                    "spread": torch.from_numpy(judge.spread), "net": judge.net.state_dict()}, part)
        os.replace(part, path)
    stored = torch.load(path)
    names, mean, spread = json.loads(stored["names"]), stored["mean"].numpy(), stored["spread"].numpy()
    net = Judge.build(len(mean), len(names))
    net.load_state_dict(stored["net"])
    net.eval()
    return Judge(names, mean, spread, net)


def present():
    """The archives at hand."""
    return [archive.load(archive.DATA / name) for name in (archive.MAESTRO, archive.PERMISSIVE)
            if (archive.DATA / name).is_file()]


def main():
    torch.set_num_threads(1)
    archives = present()
    judge = load(archives)
    for each in archives:
        for name in judge.names:
            found = windows.human(each.pieces, name)
            arrays = [window.notes for window in windows.of_pieces(found.reference, most=40)]
            if not arrays:
                continue
            names, counts = np.unique(judge.judge(arrays), return_counts=True)
            others = " ".join(f"{n} {c}" for n, c in zip(names, counts) if n != name)
            print(f"{each.family:10} {name:13} {len(arrays):3} windows{' held out' if found.held_out else '':9} "
                  f"accuracy {judge.accuracy(arrays, name):.2f}   {others}", flush=True)


if __name__ == "__main__":
    main()
