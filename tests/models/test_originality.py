"""Originality: copies are found where there are some, transposed or not, and not elsewhere."""

import unittest

import numpy as np

from models import midi, originality

from hand import piece


def walk(count, seed, step=0.2):
    """A line of single notes that no other seed plays."""
    rng = np.random.default_rng(seed)
    pitch = rng.integers(40, 90, count)
    onset = np.cumsum(rng.choice([step, 2 * step], count))
    return np.array(list(zip(onset, onset + 0.1, pitch, [64] * count)), midi.NOTE)


def joined(*parts):
    out, at = [], 0.0
    for part in parts:
        part = part.copy()
        part["onset"] += at
        part["offset"] += at
        at = float(part["onset"].max()) + 0.2
        out.append(part)
    return np.concatenate(out)


class Line(unittest.TestCase):
    def test_chords_are_told_from_low_to_high(self):
        notes = np.array([(1.00, 2, 67, 60), (1.01, 2, 60, 60), (1.02, 2, 64, 60), (1.5, 2, 40, 60)], midi.NOTE)
        pitch, onset = originality.line(notes)
        self.assertEqual(pitch.tolist(), [60, 64, 67, 40])
        np.testing.assert_allclose(onset, [1, 1, 1, 1.5], atol=1e-6)

    def test_runs_are_of_intervals(self):
        pitch, _ = originality.line(walk(50, 1))
        mine = originality.runs(pitch)
        self.assertEqual(len(mine), 50 - 11)
        self.assertTrue((mine == originality.runs(pitch + 3)).all())
        self.assertEqual(len(np.unique(mine)), len(mine))
        self.assertEqual(len(originality.runs(pitch[:11])), 0)


class Measure(unittest.TestCase):
    def setUp(self):
        self.book = originality.Book([piece(seed=1), piece(seed=2)._replace(notes=walk(200, 5))])

    def test_a_stranger_quotes_nothing(self):
        found = originality.measure(walk(200, 9), self.book)
        self.assertEqual((found["quoted"], found["longest"]), (0.0, 0))
        self.assertEqual(found["runs"], 189)

    def test_a_transposed_quotation_is_measured_to_the_note(self):
        source = walk(200, 5)[70:110]  # 40 notes
        source["pitch"] += 2
        source["onset"] -= source["onset"][0] - 0.2
        found = originality.measure(joined(walk(100, 9), source, walk(60, 11)), self.book)
        self.assertEqual(found["longest"], 40)
        self.assertAlmostEqual(found["quoted"], 29 / 189, places=9)
        self.assertGreaterEqual(found["longest_rhythm"], 39)

    def test_rhythm_counts_at_any_tempo_but_not_otherwise(self):
        faster, other = walk(200, 5), walk(200, 5)
        faster["onset"] *= 0.8
        rng = np.random.default_rng(1)
        other["onset"] = np.cumsum(rng.choice([0.15, 0.45], 200))
        self.assertEqual(originality.measure(faster, self.book)["quoted_rhythm"], 1.0)
        self.assertEqual(originality.measure(faster, self.book)["longest_rhythm"], 200)
        changed = originality.measure(other, self.book)
        self.assertEqual(changed["quoted"], 1.0)
        self.assertLess(changed["quoted_rhythm"], 0.05)

    def test_pieces_that_do_not_count(self):
        self.assertEqual(originality.measure(walk(200, 5), self.book, without=[0])["quoted"], 1.0)
        self.assertEqual(originality.measure(walk(200, 5), self.book, without=[1])["quoted"], 0.0)
        together = originality.of_set([walk(200, 5), walk(200, 9)], self.book, others=True)
        self.assertEqual((together["quoted"], together["longest"], together["runs"]), (0.0, 0, 378))

    def test_repetition(self):
        once = walk(200, 5)
        self.assertEqual(originality.measure(once, self.book)["repeated"], 0.0)
        self.assertAlmostEqual(originality.measure(joined(once, once), self.book)["repeated"], 0.5, delta=0.04)

    def test_too_short_for_a_run(self):
        self.assertEqual(originality.measure(walk(5, 1), self.book)["quoted"], 0.0)


class Works(unittest.TestCase):
    def test_performances_of_one_work_are_found(self):
        a, b = piece(seed=1), piece(seed=2)
        again = a._replace(file="again.mid", notes=a.notes.copy())
        again.notes["pitch"] += 1
        again.notes["onset"] *= 1.1
        again.notes["offset"] *= 1.1
        groups = originality.works([b, again, a])
        self.assertEqual(sorted(sorted(p.file for p in g) for g in groups), [["1.mid", "again.mid"], ["2.mid"]])
