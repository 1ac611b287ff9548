"""Notes to rolls and back; dense chunks; gaps; augmentation; the training noise."""

import unittest
from unittest import mock

import numpy as np

from models import midi, roll, stats, streams

from hand import piece


def notes(*rows):
    return midi.separate(np.array(list(rows), midi.NOTE))


class Roll(unittest.TestCase):
    def test_times_go_to_the_nearest_frame(self):
        events = roll.from_notes(notes((0.024, 0.12, 60, 64), (0.026, 0.13, 62, 64)))
        self.assertEqual(events["on"].tolist(), [0, 1])
        self.assertEqual(events["off"].tolist(), [2, 3])

    def test_shortest_note_is_one_frame(self):
        events = roll.from_notes(notes((0.5, 0.5, 60, 64)))
        self.assertEqual((events["on"][0], events["off"][0]), (10, 11))

    def test_one_onset_per_pitch_and_frame_the_loudest(self):
        events = roll.from_notes(notes((0.50, 0.51, 60, 30), (0.52, 0.80, 60, 90)))
        self.assertEqual(events.tolist(), [(10, 16, 60, 90)])

    def test_dense_frame_is_as_the_daemon_expects(self):
        x = roll.dense(roll.from_notes(notes((0.05, 0.15, 60, 127), (0.1, 0.15, 62, 1))), 0, 4)
        self.assertEqual(x.dtype, np.float32)
        self.assertEqual(x[:, 60].tolist(), [0, 1, 1, 0])
        self.assertEqual(x[:, 62].tolist(), [0, 0, 1, 0])
        self.assertEqual(x[:, 128 + 60].tolist(), [0, 1, 0, 0])
        self.assertAlmostEqual(float(x[2, 128 + 62]), 0.5 + 1 / 254, places=6)
        self.assertEqual(np.count_nonzero(x), 5)

    def test_chunks_are_the_whole_cut_up(self):
        events = roll.from_notes(piece(seconds=20, seed=3).notes)
        whole = roll.dense(events, 0, 400)
        parts = np.concatenate([roll.dense(events, start, 25) for start in range(0, 400, 25)])
        self.assertTrue((whole == parts).all())
        self.assertGreater(np.count_nonzero(whole), 400)

    def test_round_trip_through_dense(self):
        events = roll.from_notes(piece(seconds=20, seed=4).notes)
        back = roll.from_dense(roll.dense(events, 0, roll.length(events)))
        self.assertEqual(back.tolist(), events.tolist())

    def test_round_trip_through_notes(self):
        events = roll.from_notes(piece(seconds=20, seed=5).notes)
        self.assertEqual(roll.from_notes(roll.to_notes(events)).tolist(), events.tolist())

    def test_repeated_note_without_a_rest_is_two(self):
        events = roll.from_notes(notes((0.0, 0.1, 60, 64), (0.1, 0.2, 60, 65)))
        self.assertEqual(roll.from_dense(roll.dense(events, 0, 8)).tolist(), [(0, 2, 60, 64), (2, 4, 60, 65)])

    def test_middle_of_a_note_is_no_onset(self):
        events = roll.from_notes(notes((0.0, 1.0, 60, 64)))
        x = roll.dense(events, 10, 5)
        self.assertEqual(x[:, 60].tolist(), [1] * 5)
        self.assertEqual(np.count_nonzero(x[:, 128:]), 0)
        self.assertEqual(len(roll.from_dense(x)), 0)

    def test_gaps_are_closed_to_the_longest_allowed(self):
        events = np.array([(0, 10, 60, 64), (110, 120, 62, 64), (125, 130, 64, 64)], roll.EVENT)
        shut = roll.close_gaps(events, 40)
        self.assertEqual(shut["on"].tolist(), [0, 50, 65])
        self.assertEqual((shut["off"] - shut["on"]).tolist(), [10, 10, 5])

    def test_a_held_note_is_no_gap(self):
        events = np.array([(0, 200, 60, 64), (5, 10, 62, 64), (199, 210, 64, 64)], roll.EVENT)
        self.assertEqual(roll.close_gaps(events, 40).tolist(), events.tolist())

    def test_augment(self):
        some = notes((1.0, 2.0, 60, 120), (2.0, 3.0, 107, 5))
        out = roll.augment(some, semitones=3, tempo=2.0, velocity=10)
        self.assertEqual(out.tolist(), [(0.5, 1.0, 63, 127)])  # 110 is off the keyboard
        self.assertEqual(some["pitch"].tolist(), [60, 107])  # the source is untouched


class Streams(unittest.TestCase):
    def make(self, seed=7):
        pieces = [piece("bach", 30, 1), piece("chopin", 25, 2), piece("haydn", 25, 3)]
        return streams.Streams(pieces, ["bach", "chopin", "debussy", "other"], 3, 40, seed)

    def test_target_is_the_next_clean_frame(self):
        some = self.make()
        some.rolls = [(e, e, c, 0.0, n) for e, _, c, _, n in some.rolls]  # no noise
        chunk = some.next(0)
        self.assertTrue((chunk["x"][1:] == chunk["target"][:-1]).all())
        self.assertGreater(np.count_nonzero(chunk["x"]), 300)

    def test_walk_is_continuous_and_says_where_it_is_not(self):
        some = self.make()
        before = some.next(0)
        self.assertTrue(before["fresh"].all())
        seen = 0
        for step in range(1, 40):
            chunk = some.next(step)
            for lane in range(3):
                if chunk["fresh"][lane]:
                    seen += 1
                    continue
                first = chunk["target"][0, lane], before["target"][-1, lane]
                self.assertEqual(chunk["composer"][lane], before["composer"][lane])
                # the frame before this chunk's first target is this chunk's first input
                clean = roll.dense(some.rolls[lane][0], some.place[lane] - 40, 1)[0]
                self.assertTrue((clean == first[1]).all())
            before = chunk
        self.assertGreater(seen, 3)

    def test_noise_changes_inputs_only_and_not_too_much(self):
        events = roll.from_notes(piece(seconds=60, seed=6).notes)
        noisy = streams.spoil(events, np.random.default_rng(0), 1.0)
        clean, spoilt = (set(map(tuple, e[["on", "pitch"]].tolist())) for e in (events, noisy))
        kept = len(clean & spoilt) / len(clean)
        self.assertGreater(kept, 0.8)
        self.assertLess(kept, 0.97)
        self.assertEqual(streams.spoil(events, np.random.default_rng(0), 0.0).tolist(), events.tolist())

    def test_position_is_all_there_is_to_resume(self):
        one, two = self.make(), self.make()
        for step in range(30):
            one.next(step)
        two.resume(one.position())
        for step in range(30, 34):
            a, b = one.next(step), two.next(step)
            for key in a:
                self.assertTrue((a[key] == b[key]).all(), key)

    def test_position_remembers_which_pieces_drift(self):
        with mock.patch.object(streams, "DRIFT_FROM", 25):
            one, two = self.make(), self.make()
            for step in range(40):
                one.next(step)
            self.assertGreaterEqual(max(one.loaded), 25)
            two.resume(one.position())
            for step in range(40, 44):
                self.assertTrue((one.next(step)["x"] == two.next(step)["x"]).all())

    def test_drift_strays_by_segments_in_density_and_loudness(self):
        events = roll.from_notes(piece(seconds=600, seed=6).notes)
        out = streams.drift(events, np.random.default_rng(1))
        human, astray = stats.density(events), stats.density(out)
        size = min(len(human), len(astray))
        ratio = astray[:size] / human[:size]
        self.assertGreater((np.abs(ratio - 1) < 0.02).mean(), 0.2)  # many windows are as they were
        self.assertLess(ratio.min(), 0.75)
        self.assertGreater(ratio.max(), 1.03)
        self.assertEqual(streams.drift(events, np.random.default_rng(1)).tolist(), out.tolist())

    def test_vocabulary(self):
        pieces = [piece(name, 30, i) for i, name in enumerate(("haydn", "chopin", "bach", "liszt"))]
        pieces.append(piece("satie", 5, 9))
        names = streams.vocabulary(pieces, hours=20 / 3600)
        self.assertEqual(names, ["bach", "chopin", "debussy", "haydn", "liszt", "other"])
        self.assertEqual(streams.row(names, "satie"), 5)
        self.assertEqual(streams.row(names, "chopin"), 1)


if __name__ == "__main__":
    unittest.main()
