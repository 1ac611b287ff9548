"""Soaks: what `fermatad --soak` has written, measured beside human music.

Owns the reading of its folders and the figures that need human music: how much the features of
2-minute windows overlap at times of the day (OA), runs heard again, passages copied. Knows no
page and no picture (never_dry.py).
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from . import features, midi, originality, windows

HOUR = 3600.0
RUN = 16  # notes; daemon/music/gauge.h
MEMORY = 1800.0  # seconds; the same
BLOCK = 20  # minutes of a point of the trend; daemon/control/soak_stream.h
MARKS = (1, 10, 60, 480, 1440)  # minutes at which OA is told
SPAN = 20  # minutes of music that OA is told of, but for the first
SPREAD = 72  # spans at most, a whole day: how much OA differs by chance, and whether it changes
REFERENCE, TRAIN = 60, 150  # human windows, as evaluate.py has them

# A soak writes ticks of 1 ms, which "f4" cannot tell apart an hour on: where 30 ms make a chord and the net's
# own grid is 10 ms, a hundredth of one decides what the line of notes is.
EXACT = np.dtype([("onset", "f8"), ("offset", "f8"), ("pitch", "u1"), ("velocity", "u1")])


class Stream(NamedTuple):
    """One stream of a soak."""

    net: str
    composer: str
    found: dict  # its figures in soak.json
    minutes: list  # of dicts, the lines of minutes.jsonl
    folder: Path

    def seconds(self):
        return self.found["seconds"]

    def rates(self):
        """Notes of each whole minute."""
        return np.array([m["notes"] for m in self.minutes if m["seconds"] == 60.0], float)

    def hour(self, index):
        """Notes of an hour, from its beginning on; none where it is not there."""
        path = self.folder / f"hour-{index:02d}.mid"
        try:
            notes = (midi.read(str(path)) if path.is_file() else np.zeros(0, midi.NOTE)).astype(EXACT)
        except ValueError:  # an hour without a note
            return np.zeros(0, EXACT)
        for name in ("onset", "offset"):
            notes[name] = np.rint(notes[name] * 1e3) / 1e3
        return notes

    def hours(self):
        return int(np.ceil(self.seconds() / HOUR))


class Soak(NamedTuple):
    """One run of fermatad --soak."""

    about: dict  # soak.json
    streams: list

    def way(self):
        """How it was played, in words: "" as Fermata plays by itself."""
        said = [] if self.about["curator"] else ["curator off"]
        if self.about["threshold"] != 0.5:
            said.append(f"threshold {self.about['threshold']:g}")
        if self.about["sampling"] != "sample":
            said.append(f"{self.about['sampling']} sampling")
        return ", ".join(said)

    def command(self):
        """The command that makes it again."""
        a, every = self.about, 3600 if self.about["seconds"] % 3600 == 0 else 60
        length = f"--{'hours' if every == 3600 else 'minutes'} {a['seconds'] / every:g}"
        nets = " ".join(f"--net {net['net']}" for net in a["nets"])
        nets += "".join(f" --composer {name}" for name in dict.fromkeys(stream.composer for stream in self.streams))
        extra = "" if a["curator"] else " --curator off"
        extra += f" --threshold {a['threshold']:g}" if a["threshold"] != 0.5 else ""
        extra += f" --sampling {a['sampling']}" if a["sampling"] != "sample" else ""
        extra += f" --reseed-interval {a['reseed_interval']}" if a["reseed_interval"] else ""
        return f"fermatad --soak {length} --seed {a['seed']} --licence any {nets}{extra} --out FOLDER"


def read(folder):
    """The Soak of a folder. Raises FileNotFoundError where there is none."""
    folder = Path(folder)
    about = json.loads((folder / "soak.json").read_text(encoding="utf-8"))
    streams = []
    for net in about["nets"]:
        for found in net["streams"]:
            lines = (folder / found["folder"] / "minutes.jsonl").read_text(encoding="utf-8").splitlines()
            streams.append(Stream(net["net"], found["composer"], found, [json.loads(line) for line in lines],
                                  folder / found["folder"]))
    return Soak(about, streams)


def slope(rates):
    """(notes a minute each hour, and its 95 % confidence interval) over blocks of BLOCK minutes, or
    None of less than three."""
    blocks = rates[: len(rates) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(1)
    if len(blocks) < 3:
        return None
    hours = (np.arange(len(blocks)) + 0.5) * BLOCK / 60
    line = stats.linregress(hours, blocks)
    wide = stats.t.ppf(0.975, len(blocks) - 2) * line.stderr
    return line.slope, line.slope - wide, line.slope + wide


def kept(hours, values):
    """(what OA comes to at 24 h over what it is at 10 min, and its 95 % confidence interval), by the
    straight line through spans at these hours; None of less than a dozen. A single span differs from the
    next by some 3 %: two of them tell nothing."""
    if len(values) < 12:
        return None
    line = stats.linregress(hours, values)
    first, day = line.intercept + line.slope / 6, 24 - 1 / 6
    wide = stats.t.ppf(0.975, len(values) - 2) * line.stderr
    return tuple(1 + slope * day / first for slope in (line.slope, line.slope - wide, line.slope + wide))


def repeats(notes):
    """(runs of RUN notes, those heard before within MEMORY seconds) of a note array."""
    pitch, onset = originality.line(notes)
    if len(pitch) < RUN:
        return 0, 0
    steps = np.lib.stride_tricks.sliding_window_view(np.diff(pitch.astype(np.int16)), RUN - 1)
    _, run = np.unique(steps, axis=0, return_inverse=True)
    at = onset[RUN - 1 :]
    order = np.lexsort((at, run))
    again = (np.diff(run[order]) == 0) & (np.diff(at[order]) <= MEMORY)
    return len(run), int(again.sum())


def copied(runs, found):
    """{quoted: share of runs that were found, longest: notes of the longest passage of such}. A run
    that comes again within a passage, as in a trill, is none more; so daemon/music/quotes.c has it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], found, [False]]).astype(np.int8)))
    passages = [len(np.unique(runs[start:end])) for start, end in zip(edges[::2], edges[1::2])]
    longest = max(passages, default=0)
    return {"quoted": sum(passages) / max(len(runs), 1), "longest": longest + originality.LENGTH - 1 if longest else 0,
            "runs": len(runs)}


def copied_of(notes, book, own=None):
    """copied() of a note array, from a book's pieces; `own`: the work it is, which is no copy."""
    pitch, _ = originality.line(notes)
    runs, found = originality.runs(pitch), np.zeros(max(len(pitch) - originality.LENGTH + 1, 0), bool)
    here, there = book.pairs(pitch)
    found[here if own is None else here[~np.isin(book.pieces(there), own)]] = True
    return copied(runs, found)


def together(copies):
    """copied() of several."""
    total = max(sum(c["runs"] for c in copies), 1)
    return {"quoted": sum(c["quoted"] * c["runs"] for c in copies) / total,
            "longest": max((c["longest"] for c in copies), default=0)}


class Reference:
    """One composer's human music of one archive, measured once."""

    def __init__(self, pieces, composer, book):
        human = windows.human(pieces, composer)
        reference = windows.of_pieces(human.reference, most=REFERENCE)
        if len(reference) < 3:
            raise ValueError(f"{composer}: too little human music to measure against")
        self.table = features.table(reference)
        self.train = features.table(windows.of_pieces(human.train, most=TRAIN))
        found = [repeats(p.notes) for p in human.reference + human.train]
        self.repeated = sum(again for _, again in found) / max(sum(runs for runs, _ in found), 1)
        works = [p.notes for p in human.reference]
        self.copies = together([copied_of(notes, book, originality.related(notes, book)) for notes in works])
        self.limits = {}

    def oa(self, tables):
        """Mean OA over the features of windows' tables beside the human reference; None of less than
        three windows."""
        if len(tables) < 3:
            return None
        some = {name: np.stack([table[name] for table in tables]) for name in features.NAMES}
        overlaps = np.array([oa for oa, _ in features.compare(some, self.table).values()])
        return float(np.nanmean(overlaps)) if np.isfinite(overlaps).any() else None

    def ceiling(self, count):
        """The same of so many human windows of train: (mean, standard deviation) over draws."""
        if count not in self.limits:
            rng = np.random.default_rng(1)
            size, drawn = len(self.train["ioi"]), []
            for _ in range(10):
                rows = rng.choice(size, min(count, size), replace=False)
                drawn.append(self.oa([features.rows(self.train, row) for row in rows]))
            self.limits[count] = float(np.mean(drawn)), float(np.std(drawn))
        return self.limits[count]


def span_at(mark, minutes):
    """First minute, an even one, of the span around a mark of a stream of so many minutes."""
    return max(0, min(mark - SPAN // 2, minutes - SPAN)) // 2 * 2


def wanted(minutes):
    """{mark in minutes: numbers of windows of two minutes}, and the windows of SPREAD spans over a
    stream of so many minutes."""
    width = int(windows.SECONDS // 60)
    marks = {1: [0]} if minutes >= width else {}
    spread = []
    if minutes >= SPAN:
        first = {mark: span_at(mark, minutes) for mark in MARKS[1:] if mark <= minutes}
        marks.update({mark: list(range(f // width, (f + SPAN) // width)) for mark, f in first.items()})
        for f in np.unique(np.linspace(0, minutes // SPAN - 1, SPREAD).astype(int)) * SPAN:
            spread.append(list(range(f // width, (f + SPAN) // width)))
    return marks, spread


def walk(stream, book):
    """(tables of the windows that OA wants, what is copied) of a stream, hour by hour."""
    marks, spread = wanted(int(stream.seconds() // 60))
    numbers = sorted({n for some in [*marks.values(), *spread] for n in some})
    each = int(HOUR // windows.SECONDS)
    tables, copies = {}, []
    for hour in range(stream.hours()):
        notes = stream.hour(hour)
        if len(notes):
            copies.append(copied_of(notes, book))
        for number in (n for n in numbers if n // each == hour):
            part = windows.part(notes, number % each * windows.SECONDS, windows.SECONDS)
            if len(part) >= 16:
                window = windows.Window(stream.composer, str(number), False, part)
                tables[number] = features.of(window)
    return tables, together(copies)


def decided(streams):
    """{decision: how often in an hour} of the streams that tell, {} where none does; what is no count
    is the last one's."""
    told = [s for s in streams if s.found.get("decided")]
    hours = sum(s.seconds() for s in told) / HOUR
    names = told[-1].found["decided"] if told else ()
    each = {name: sum(s.found["decided"].get(name, 0) for s in told) / hours for name in names}
    for name in ("longest_gap_ms", "threshold_permille"):
        if name in each:
            each[name] = told[-1].found["decided"][name]
    return each


def measure(streams, human, book):
    """The figures of the streams of one net, composer and way. What there is one of is the longest
    stream's, what is worst is the worst of all; OA at one minute is of the beginnings of all."""
    longest = max(streams, key=Stream.seconds)
    walked = [walk(stream, book) for stream in streams]
    tables = walked[streams.index(longest)][0]
    minutes = int(longest.seconds() // 60)
    marks, spread = wanted(minutes)
    oa = {mark: human.oa([tables[n] for n in numbers if n in tables]) for mark, numbers in marks.items() if mark > 1}
    oa[1] = human.oa([found[0] for found, _ in walked if 0 in found])
    chance = [(np.mean(numbers) * windows.SECONDS / HOUR, human.oa([tables[n] for n in numbers if n in tables]))
              for numbers in spread]
    chance = np.array([(at, value) for at, value in chance if value is not None]).reshape(-1, 2)
    rates = longest.rates()
    hours = longest.found["hours"] or ([float(rates.mean())] if len(rates) else [])
    low, _, high = longest.found["band"]
    runs, again = (sum(s.found[key] for s in streams) for key in ("runs", "repeated"))
    silent = max(streams, key=lambda s: s.found["silence"])
    return {
        "seconds": sum(s.seconds() for s in streams), "longest": longest.seconds(), "streams": len(streams),
        "rates": rates, "band": longest.found["band"], "hours": hours,
        "outside": int(sum(not low <= rate <= high for rate in hours)), "slope": slope(rates),
        "silence": silent.found["silence"], "silence_at": silent.found["silence_at"],
        "onset_gap": max(s.found["onset_gap"] for s in streams),
        "repeated": again / runs if runs else 0.0,
        "copies": {name: (max if "longest" in name else np.mean)([c[name] for _, c in walked])
                   for name in walked[0][1]},
        "oa": oa, "oa_spread": float(chance[:, 1].std()) if len(chance) > 2 else None,
        "oa_kept": kept(*chance.T) if longest.seconds() >= MARKS[-1] * 60 else None,
        "windows": len(tables),
        "resident": [m["resident"] for m in longest.minutes],
        "done": longest.minutes[-1]["done"] if longest.minutes else {},
        "decided": decided(streams),
        "broken": [text for s in streams for text in s.found["broken"]],
    }
