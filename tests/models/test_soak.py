"""Soaks: a made-up folder is read, measured beside made-up human music, and told on a page."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

from models import midi, never_dry, originality, soak

from hand import piece

BAND = [200, 350, 500]


def walk(count, seed, step=0.2, start=0.0, shift=0):
    """A line of single notes that no other seed plays."""
    rng = np.random.default_rng(seed)
    onset = start + np.arange(count) * step
    return np.array(list(zip(onset, onset + 0.1, rng.integers(40, 80, count) + shift, [64] * count)), midi.NOTE)


def figures(notes, seconds, **more):
    """What the daemon would say of a stream."""
    rates = [int(((notes["onset"] >= 60 * m) & (notes["onset"] < 60 * m + 60)).sum()) for m in range(int(seconds // 60))]
    lines = [{"minute": m, "seconds": 60.0, "notes": n, "resident": 10**8, "done": {"piece start": 1}} for m, n in enumerate(rates)]
    hours = [float(np.mean(rates[h * 60 : h * 60 + 60])) for h in range(len(rates) // 60)]
    return {"composer": "bach", "seconds": float(seconds), "band": BAND, "silence": 1.0, "silence_at": 5.0, "onset_gap": 1.5,
            "runs": 1000, "repeated": 20, "hours": hours, "broken": [], "done": {}, **more}, lines


def lay(folder, streams, **settings):
    """A soak's folder of [(net, composer, seed, notes, seconds, more)]."""
    nets = {}
    for net, composer, seed, notes, seconds, more in streams:
        path = folder / net / f"{composer}-{seed}"
        path.mkdir(parents=True)
        found, lines = figures(notes, seconds, composer=composer, seed=seed, folder=f"{net}/{composer}-{seed}", **more)
        (path / "minutes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        for hour in range(int(np.ceil(seconds / 3600))):
            part = notes[(notes["onset"] >= hour * 3600) & (notes["onset"] < (hour + 1) * 3600)].copy()
            part["onset"] -= hour * 3600
            part["offset"] -= hour * 3600
            if len(part):
                midi.write(part, str(path / f"hour-{hour:02d}.mid"))
        nets.setdefault(net, {"net": net, "licence": "-", "device": "-", "wall": 1.0, "cpu": 10.0, "early": 10**8,
                              "late": 10**8 + 10**6, "broken": [], "streams": []})["streams"].append(found)
    about = {"version": "0", "seconds": float(seconds), "seed": 1, "curator": True, "threshold": 0.5, "sampling": "sample",
             "reseed_interval": 0, "nets": list(nets.values()), **settings}
    (folder / "soak.json").write_text(json.dumps(about))
    return folder


class Hours(unittest.TestCase):
    def test_onsets_are_those_of_the_file(self):
        """Thirty milliseconds are a chord, late in the hour as early."""
        onset = np.round(np.arange(0, 3599, 0.77), 2)
        apart = np.where(np.arange(len(onset)) % 2, 0.03, 0.04)
        pairs = np.zeros(2 * len(onset), soak.EXACT)
        pairs["onset"] = np.stack([onset, onset + apart], 1).ravel()
        pairs["offset"] = pairs["onset"] + 0.2
        pairs["pitch"] = np.tile([64, 60], len(onset))
        pairs["velocity"] = 64
        with tempfile.TemporaryDirectory() as folder:
            midi.write(pairs, str(Path(folder) / "hour-00.mid"))
            notes = soak.Stream("net", "bach", {"seconds": 3600.0}, [], Path(folder)).hour(0)
        np.testing.assert_array_equal(notes["onset"], pairs["onset"].round(3))
        pitch, _ = originality.line(notes)
        # A chord is told low to high, two notes in their order.
        np.testing.assert_array_equal(pitch.reshape(-1, 2)[:, 0], np.where(apart == 0.03, 60, 64))


class Copied(unittest.TestCase):
    def test_what_goes_round_counts_once(self):
        runs = np.array([1, 2, 3, 2, 3, 2, 3, 9, 4, 5, 6, 7])
        found = np.array([1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1], bool)
        self.assertEqual(soak.copied(runs, found), {"quoted": 7 / 12, "longest": 4 + 11, "runs": 12})
        self.assertEqual(soak.copied(runs, np.zeros(12, bool)), {"quoted": 0, "longest": 0, "runs": 12})
        book = originality.Book([piece(seed=70, seconds=60)])
        whole = soak.copied_of(piece(seed=70, seconds=60).notes, book)
        self.assertGreater(whole["quoted"], 0.9)
        self.assertEqual(soak.copied_of(piece(seed=70, seconds=60).notes, book, [0])["longest"], 0)
        both = soak.together([whole, {"quoted": 0, "longest": 3, "runs": whole["runs"]}])
        self.assertEqual(both, {"quoted": whole["quoted"] / 2, "longest": whole["longest"]})


class Repeats(unittest.TestCase):
    def test_as_the_daemon_counts_them(self):
        # The example of tests/unit/test_gauge.c.
        again = np.concatenate([walk(100, 1), walk(100, 2, start=20), walk(100, 1, start=40, shift=5)])
        self.assertEqual(soak.repeats(again), (300 - 15, 85))
        self.assertEqual(soak.repeats(walk(15, 1)), (0, 0))

    def test_half_an_hour_is_remembered(self):
        for start, heard in ((1799.0, 35), (1802.0, 0)):
            notes = np.concatenate([walk(50, 1), walk(50, 1, start=start)])
            self.assertEqual(soak.repeats(notes)[1], heard)


class Slope(unittest.TestCase):
    def test_drift_is_told_from_none(self):
        rng = np.random.default_rng(1)
        rates = 400 + 40 * rng.standard_normal(1440)
        value, low, high = soak.slope(rates)
        self.assertTrue(low < 0 < high and abs(value) < 1)
        value, low, high = soak.slope(rates - np.arange(1440) / 60 * 5)
        self.assertAlmostEqual(value, -5, delta=0.6)
        self.assertLess(high, 0)
        self.assertIsNone(soak.slope(rates[:59]))


class Kept(unittest.TestCase):
    def test_a_day_that_changes_nothing_and_one_that_does(self):
        rng = np.random.default_rng(2)
        hours = np.linspace(0.2, 23.8, 36)
        values = 0.8 + 0.02 * rng.standard_normal(36)
        value, least, most = soak.kept(hours, values)
        self.assertTrue(least < 1 < most and abs(value - 1) < 0.03)
        value, least, most = soak.kept(hours, values - hours / 24 * 0.08)
        self.assertAlmostEqual(value, 0.9, delta=0.03)
        self.assertLess(most, 0.97)
        self.assertIsNone(soak.kept(hours[:11], values[:11]))


class Wanted(unittest.TestCase):
    def test_windows_around_the_marks(self):
        marks, spread = soak.wanted(1440)
        self.assertEqual(marks[1], [0])
        self.assertEqual(marks[10], list(range(0, 10)))
        self.assertEqual(marks[60], list(range(25, 35)))
        self.assertEqual(marks[1440], list(range(710, 720)))
        self.assertEqual((len(spread), spread[0][0], spread[-1][-1]), (72, 0, 719))
        self.assertEqual(sorted(soak.wanted(20)[0]), [1, 10])
        self.assertEqual(soak.wanted(3), ({1: [0]}, []))


class Measure(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.train = [piece(seed=n, seconds=250) for n in range(8)]
        human = cls.train + [piece(seed=n, seconds=250, split="validation") for n in range(20, 26)]
        cls.book = originality.Book(cls.train)
        cls.reference = soak.Reference(human, "bach", cls.book)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def measure(self, folder):
        return soak.measure(soak.read(folder).streams, self.reference, self.book)

    def test_a_good_stream(self):
        folder = lay(self.folder / "a", [("net", "bach", 1, piece(seed=50, seconds=4200).notes, 4200, {})])
        found = self.measure(folder)
        self.assertEqual((found["outside"], found["silence"], found["repeated"]), (0, 1.0, 0.02))
        self.assertEqual(len(found["rates"]), 70)
        self.assertEqual(found["copies"]["quoted"], 0.0)
        self.assertGreater(found["oa"][10], 0.75)
        self.assertGreater(found["oa"][60], 0.75)
        self.assertIsNone(found["oa"][1])  # one stream is too little
        self.assertAlmostEqual(found["oa"][10], self.reference.ceiling(10)[0], delta=0.15)
        met = {goal[0]: goal[3] for goal in never_dry.goals(found, self.reference)}
        self.assertTrue(met["silence over 3 s"] and met["notes a minute, every hour"] and met["12-note runs copied"])
        self.assertFalse(met["16-note runs heard before"])  # 2 %, and the walks never repeat
        self.assertIsNone(met["OA at 24 h over OA at 10 min"])

    def test_a_copyist_and_a_stream_that_dries_out(self):
        copied = np.concatenate([self.train[0].notes, self.train[1].notes])
        copied["onset"][len(self.train[0].notes) :] += 260
        copied["offset"][len(self.train[0].notes) :] += 260
        found = self.measure(lay(self.folder / "a", [("net", "bach", 1, copied[np.argsort(copied["onset"])], 520, {})]))
        self.assertGreater(found["copies"]["quoted"], 0.9)
        self.assertGreater(found["copies"]["longest"], 500)
        met = {goal[0]: goal[3] for goal in never_dry.goals(found, self.reference)}
        self.assertFalse(met["12-note runs copied"] or met["longest copied passage"])
        dry = piece(seed=50, seconds=600).notes
        found = self.measure(lay(self.folder / "b", [("net", "bach", 1, dry, 7200, {"silence": 6600.0})]))
        self.assertEqual((found["outside"], len(found["hours"])), (2, 2))
        self.assertIsNone(found["oa"][60])  # no window has notes
        self.assertEqual(soak.read(self.folder / "b").streams[0].hour(1).size, 0)
        met = {goal[0]: goal[3] for goal in never_dry.goals(found, self.reference)}
        self.assertFalse(met["silence over 3 s"] or met["notes a minute, every hour"])

    def test_several_streams_are_taken_together(self):
        more = [{"silence": n / 2, "decided": {"judged": 300 * n, "refused": n, "refused_thin": n, "threshold_permille": 500 + n}}
                for n in range(4)]
        streams = [("net", "bach", n, piece(seed=50 + n, seconds=1200).notes, 1200, more[n] if n else {}) for n in range(4)]
        found = self.measure(lay(self.folder / "a", streams))
        self.assertGreater(found["oa"][1], 0.6)
        self.assertEqual((found["silence"], found["seconds"], found["streams"]), (1.5, 4800, 4))
        # Of the hour that three of them make.
        self.assertEqual(found["decided"], {"judged": 1800, "refused": 6, "refused_thin": 6, "threshold_permille": 503})
        table = never_dry.decided_table({("", "net", "bach"): found, ("off", "net", "bach"): {"decided": {}}})
        self.assertIn("| net | bach | as it is | 1800 | 6.0 (6.0 thin) |", table)
        self.assertTrue(table.endswith("| 0.50 |"))
        self.assertEqual(table.count("\n"), 2)

    def test_the_page(self):
        music = piece(seed=50, seconds=1200).notes
        main = soak.read(lay(self.folder / "a", [("net", "bach", 1, music, 1200, {})]))
        off = soak.read(lay(self.folder / "b", [("net", "bach", 1, music[:500], 1200, {"silence": 1100.0, "broken": ["silent, alas"]})],
                            curator=False, threshold=0.9))
        self.assertEqual((main.way(), off.way()), ("", "curator off, threshold 0.9"))
        self.assertEqual(off.command(), "fermatad --soak --minutes 20 --seed 1 --licence any --net net --composer bach --curator off "
                                        "--threshold 0.9 --out FOLDER")
        found = {(one.way(), "net", "bach"): soak.measure(one.streams, self.reference, self.book) for one in (main, off)}
        human, ways = {"net": {"bach": self.reference}}, ["", "curator off, threshold 0.9"]
        text = never_dry.page([main, off], found, human, ["net"], ["bach"], ways, "dry-day")
        self.assertIn("| silence over 3 s | 1.0 s, none: met |", text)
        self.assertIn("| net | bach | curator off, threshold 0.9 | 1100.0 s at 0:00:05 |", text)
        self.assertIn("curator off, threshold 0.9: net, bach: silent, alas", text)
        self.assertIn("Music of each composer: as it is, 20 minutes of `net`; curator off, threshold 0.9, 20 minutes of `net`.", text)
        self.assertIn("| net | 20 minutes | 101.0 MB | +1.0 MB | 120 | - |", text)
        never_dry.draw_density(self.folder / "dry-day-density.png", found, ["net"], ["bach"], ways)
        never_dry.draw_oa(self.folder / "dry-day-oa.png", found, human, ["net"], ["bach"], "")
        for line in text.splitlines():
            if line.startswith("!["):
                picture = self.folder / line.split("(")[1].rstrip(")")
                self.assertTrue(1000 < picture.stat().st_size < 100000)
