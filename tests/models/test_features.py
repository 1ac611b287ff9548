"""Features: what they are of made-up music, and how much sets overlap."""

import unittest

import numpy as np

from models import features, midi, windows

from hand import piece


def window(rows, flat=False):
    return windows.Window("bach", "", flat, np.array(rows, midi.NOTE))


def made(count, seed, mean=60, tempo=0.2, velocity=70):
    """Windows of random notes around a pitch."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        own = mean + rng.normal(0, 4)
        rows, at = [], 0.0
        pace = tempo * np.exp(rng.normal(0, 0.2))
        while at < 30:
            rows.append((at, at + 0.3, int(np.clip(rng.normal(own, 6), 21, 108)), int(np.clip(rng.normal(velocity, 9), 1, 127))))
            at += pace * rng.choice([1, 2])
        out.append(window(rows))
    return out


class Of(unittest.TestCase):
    def test_figures_by_hand(self):
        found = features.of(window([(0, 0.5, 60, 40), (0.005, 0.5, 64, 60), (0.5, 1.0, 72, 80), (1.5, 2.0, 60, 40)]))
        self.assertEqual(found["pitch_count"][0], 3)
        self.assertEqual(found["note_count"][0], 4)
        self.assertEqual(found["pitch_range"][0], 12)
        self.assertAlmostEqual(found["pitch_interval"][0], (4 + 8 + 12) / 3)
        self.assertAlmostEqual(found["ioi"][0], (0.495 + 1.0) / 2, places=5)  # the chord is one onset
        np.testing.assert_allclose(found["pitch_classes"][[0, 4]], [0.75, 0.25])
        self.assertAlmostEqual(found["pitch_transitions"].reshape(12, 12)[0, 4], 1 / 3)
        self.assertAlmostEqual(found["pitch_transitions"].reshape(12, 12)[0, 0], 1 / 3)
        self.assertAlmostEqual(found["register"][0], 64)
        self.assertAlmostEqual(found["polyphony"][0], 1.995 / 2, places=5)
        self.assertAlmostEqual(found["velocity"][0], 55)
        self.assertAlmostEqual(float(found["length_histogram"].sum()), 1.0)

    def test_order_within_a_tick_says_nothing(self):
        one = features.of(window([(0, 1, 60, 60), (0.001, 1, 64, 60), (0.5, 1, 62, 60)]))
        other = features.of(window([(0, 1, 64, 60), (0.001, 1, 60, 60), (0.5, 1, 62, 60)]))
        np.testing.assert_allclose(one["pitch_transitions"], other["pitch_transitions"])

    def test_flat_velocities_are_not_known(self):
        table = features.table([window([(0, 1, 60, 60), (0.5, 1, 62, 60)], flat=True)] * 4)
        self.assertTrue(np.isnan(table["velocity"]).all())
        self.assertTrue(np.isnan(features.compare(table, table)["velocity"][0]))
        self.assertTrue(np.isfinite(features.compare(table, table)["register"][0]))


class Overlap(unittest.TestCase):
    def test_known_areas(self):
        rng = np.random.default_rng(1)
        a, b = rng.normal(0, 1, 4000), rng.normal(1, 1, 4000)
        area, divergence = features.overlap(a, b)
        self.assertAlmostEqual(area, 0.617, delta=0.03)  # 2 Phi(-1/2)
        self.assertAlmostEqual(divergence, 0.5, delta=0.12)
        self.assertGreater(features.overlap(a, a)[0], 0.999)
        self.assertLess(features.overlap(a, a + 50)[0], 0.01)
        self.assertGreater(features.overlap(np.ones(9), np.ones(9))[0], 0.99)
        self.assertLess(features.overlap(np.ones(9), np.zeros(9))[0], 0.01)

    def test_distances(self):
        a = np.array([[0.0, 0], [3, 4], [0, 1]])
        self.assertEqual(sorted(features.within(a).round(3).tolist()), [1.0, 4.243, 5.0])
        self.assertEqual(sorted(features.between(a, a[:1]).tolist()), [0.0, 1.0, 5.0])


class Against(unittest.TestCase):
    def test_like_music_reaches_the_ceiling_and_other_music_does_not(self):
        train, human = features.table(made(40, 1)), features.table(made(30, 2))
        same = features.against(features.table(made(20, 3)), train, human)
        self.assertGreater(same["mean"], 0.93)
        higher = features.against(features.table(made(20, 3, mean=80)), train, human)
        self.assertLess(higher["features"]["register"]["ratio"], 0.3)
        self.assertEqual(higher["worst"], min(r["ratio"] for r in higher["features"].values()))
        self.assertLessEqual(higher["mean"], higher["mean_uncapped"])

    def test_single_draws_say_how_much_a_figure_is_worth(self):
        train, human = features.table(made(40, 1)), features.table(made(30, 2))
        draws = features.against(features.table(made(30, 3)), train, human, 12)["draws"]
        self.assertEqual((draws["count"], draws["windows"]), (features.DRAWS, 12))
        for key in ("mean", "worst", "human_mean", "human_worst"):
            middle, least, most = draws[key]
            self.assertLess(least, middle)
            self.assertLess(middle, most)
        # So few that every draw would be the same: two thirds of them.
        few = features.against(features.table(made(9, 3)), train, human)["draws"]
        self.assertEqual(few["windows"], 6)
        self.assertLess(few["mean"][1], few["mean"][2])

    def test_one_average_piece_for_ever_is_noticed(self):
        train, human = features.table(made(40, 1)), features.table(made(30, 2))
        stuck = features.against(features.table([made(1, 4)[0]] * 20), train, human)
        self.assertLess(stuck["features"]["register"]["ratio"], 0.65)

    def test_a_piece_of_the_archive(self):
        cut = windows.of_pieces([piece(seed=n, seconds=70) for n in range(4)], seconds=30.0)
        self.assertEqual(len(features.table(cut)["ioi"]), 8)
