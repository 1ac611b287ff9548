"""Tuples: bins that mean what they say, there and back, order and chords."""

import unittest

import numpy as np

from models import midi, notes


def array(*rows):
    return midi.separate(np.array(list(rows), midi.NOTE))


class Notes(unittest.TestCase):
    def test_bins(self):
        self.assertEqual(len(notes.DELTA_TICKS), notes.SIZES[0])
        self.assertEqual(notes.DELTA_TICKS[:31].tolist(), list(range(31)))
        self.assertEqual(notes.DELTA_TICKS[-1], 800)
        self.assertTrue((np.diff(notes.DELTA_TICKS) > 0).all())
        self.assertEqual(len(notes.DURATION_SECONDS), notes.SIZES[2])
        self.assertAlmostEqual(notes.DURATION_SECONDS[0], 0.025)
        self.assertAlmostEqual(notes.DURATION_SECONDS[-1], 8.0)

    def test_by_hand(self):
        tuples, order = notes.from_notes(array((1.0, 1.025, 60, 64), (1.12, 9.9, 62, 127), (1.123, 1.5, 50, 1)))
        self.assertEqual(tuples[:, 0].tolist(), [0, 12, 0])
        self.assertEqual(tuples[:, 1].tolist(), [60, 50, 62])  # one tick: by pitch
        self.assertEqual(tuples[:, 2].tolist(), [0, 30, 63])
        self.assertEqual(tuples[:, 3].tolist(), [16, 0, 31])
        self.assertEqual(order.tolist(), [0, 2, 1])

    def test_every_bin_is_its_own(self):
        for field, count in enumerate(notes.SIZES):
            for value in range(count):
                row = [0, 60, 10, 16]
                row[field] = value
                again, _ = notes.from_notes(notes.to_notes([[0, 40, 10, 16], row], 5.0))
                if field == 1 and value == 40:
                    continue  # the same pitch twice in a tick is one note
                if field == 1 and value < 40:
                    again = again[::-1]
                self.assertEqual(int(again[1, field]), value, notes.FIELDS[field])

    def test_there_and_back_is_near(self):
        rng = np.random.default_rng(1)
        onset = np.cumsum(rng.exponential(0.2, 200))
        rows = [(float(t), float(t + d), int(p), int(v)) for t, d, p, v in
                zip(onset, rng.uniform(0.05, 0.1, 200), rng.integers(21, 109, 200), rng.integers(1, 128, 200))]
        before = array(*rows)
        tuples, order = notes.from_notes(before)
        after, before = notes.to_notes(tuples, float(before["onset"][0])), before[order]
        steps = np.abs(np.diff(after["onset"]) - np.diff(before["onset"]))
        self.assertLess(float((steps / np.maximum(np.diff(before["onset"]), 0.3)).max()), 0.07)  # a tick of 0.3 s and half a step
        self.assertLess(int(np.abs(after["velocity"].astype(int) - before["velocity"]).max()), 4)

    def test_nothing(self):
        tuples, order = notes.from_notes(np.zeros(0, midi.NOTE))
        self.assertEqual((tuples.shape, len(order)), ((0, 4), 0))


if __name__ == "__main__":
    unittest.main()
