"""Playability: gaps, stuck notes, clutter and drift are seen."""

import unittest

import numpy as np

from models import midi, playability


def steady(seconds, rate=4.0, pitch=60):
    """A note every 1/rate s."""
    onset = np.arange(0, seconds, 1 / rate)
    return np.array([(t, t + 0.2, pitch + int(i) % 5, 50 + int(i) % 21) for i, t in enumerate(onset)], midi.NOTE)


class Playability(unittest.TestCase):
    def test_sounding(self):
        notes = np.array([(0, 1, 60, 60), (0.5, 1.5, 64, 60)], midi.NOTE)
        looks = playability.sounding(notes)
        self.assertEqual((looks[5], looks[15], looks[25], looks.max()), (1, 2, 1, 2))

    def test_gaps_are_of_silence_not_of_onsets(self):
        notes = np.array([(1, 9, 60, 60), (2, 3, 62, 60), (11.5, 12, 60, 60)], midi.NOTE)
        np.testing.assert_allclose(playability.silences(notes), [1.0, 0.0, 2.5])
        self.assertAlmostEqual(playability.of([notes])["longest_gap"], 2.5)

    def test_stuck_notes(self):
        notes = steady(60)
        self.assertEqual(playability.of([notes])["stuck"], 0)
        notes["offset"][3] = 40
        self.assertEqual(playability.of([notes])["stuck"], 1)

    def test_a_stream_that_dries_out_drifts(self):
        even = playability.of([steady(600)])
        self.assertAlmostEqual(even["drift"], 1.0, places=6)
        self.assertEqual(even["by_minute"], [[240] * 10])
        parts = [steady(60, 8.0 * 0.8**minute) for minute in range(10)]
        for minute, part in enumerate(parts):
            part["onset"] += 60 * minute
            part["offset"] += 60 * minute
        dry = playability.of([even_ for even_ in (steady(600), np.concatenate(parts))])
        self.assertAlmostEqual(dry["drift"], 0.8**10, delta=0.03)
        self.assertEqual(dry["minutes"], 20)

    def test_entropy(self):
        self.assertAlmostEqual(playability.entropy(np.array([60, 72, 48])), 0.0)
        self.assertAlmostEqual(playability.entropy(np.arange(60, 72)), np.log2(12))

    def test_velocity_spread_and_register(self):
        found = playability.of([steady(60)])
        self.assertAlmostEqual(found["velocity_spread"], np.arange(21).std(), delta=0.3)
        self.assertEqual(found["register"], [60, 60, 62, 64, 64])
