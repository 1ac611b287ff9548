"""Copies: found where there are some, transposed or not, and not elsewhere."""

import unittest

import numpy as np

from models import copies, roll

from hand import piece


class Copies(unittest.TestCase):
    def test_run_hashes_are_of_intervals(self):
        events = roll.from_notes(piece(seed=1).notes)
        higher = events.copy()
        higher["pitch"] += 3
        self.assertEqual(len(copies.runs(events)), len(events) - copies.LENGTH + 1)
        self.assertTrue((copies.runs(events) == copies.runs(higher)).all())
        self.assertEqual(len(np.unique(copies.runs(events))), len(copies.runs(events)))

    def test_quotations(self):
        book = copies.known([piece(seed=1), piece(seed=2)])
        stranger = roll.from_notes(piece(seed=3).notes)
        half = stranger.copy()
        source = roll.from_notes(piece(seed=1).notes)
        half["pitch"][: len(half) // 2] = source["pitch"][: len(half) // 2]
        self.assertEqual(copies.quoted(source, book), 1.0)
        self.assertEqual(copies.quoted(stranger, book), 0.0)
        self.assertAlmostEqual(copies.quoted(half, book), 0.45, delta=0.06)

    def test_repetition(self):
        once = roll.from_notes(piece(seed=1).notes)
        again = once.copy()
        again["on"] += roll.length(once)
        again["off"] += roll.length(once)
        self.assertEqual(copies.repeated(once), 0.0)
        self.assertAlmostEqual(copies.repeated(np.concatenate([once, again])), 0.5, delta=0.05)

    def test_too_short_for_a_run(self):
        self.assertEqual(copies.quoted(roll.from_notes(piece(seed=1).notes)[:5], np.zeros(0, np.uint64)), 0.0)


if __name__ == "__main__":
    unittest.main()
