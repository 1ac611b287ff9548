"""Control attributes: measured, bucketed, told, folded into the composers' rows."""

import unittest

import numpy as np
import torch

from models import control, export, lstm, roll


def events(*rows):
    return roll.tidy(np.array(list(rows), roll.EVENT))


class Control(unittest.TestCase):
    def test_attributes_are_those_of_the_window(self):
        some = events(*((f, f + 10, 60 + (f // 20) % 2, 70) for f in range(0, 1000, 20)))
        density, register, loudness, polyphony = control.attributes(some, 500)
        self.assertEqual(density, 60.0)
        self.assertEqual(register, 60.5)
        self.assertEqual(loudness, 70.0)
        self.assertAlmostEqual(polyphony, 0.5)

    def test_a_held_note_counts_in_polyphony_only(self):
        some = events((0, 900, 40, 70), (500, 501, 80, 50))
        density, register, loudness, polyphony = control.attributes(some, 500)
        self.assertEqual((density, register, loudness), (6.0, 80.0, 50.0))
        self.assertAlmostEqual(polyphony, 1.005)

    def test_no_onset_is_told_as_nothing(self):
        some = events((0, 900, 40, 70), (2000, 2001, 80, 50))
        self.assertIsNone(control.attributes(some, 500))
        self.assertEqual(np.count_nonzero(control.vector(None)), 0)

    def test_vector_is_one_hot_for_each_attribute_told(self):
        full = control.vector((450, 60, 50, 3.5))
        self.assertEqual(np.flatnonzero(full).tolist(), [5, 10 + 3, 18 + 2, 26 + 3])
        part = control.vector((450, 60, 50, 3.5), (True, False, True, False))
        self.assertEqual(np.flatnonzero(part).tolist(), [5, 18 + 2])
        self.assertEqual(control.SIZE, 35)
        self.assertEqual(np.flatnonzero(control.vector((480, 60, 50, 3.5)))[0], 6)  # an edge is the upper's
        extremes = control.vector((0, 0, 0, 0)), control.vector((1e9, 127, 127, 99))
        self.assertEqual(np.flatnonzero(extremes[0]).tolist(), [0, 10, 18, 26])
        self.assertEqual(np.flatnonzero(extremes[1]).tolist(), [9, 17, 25, 34])

    def test_some_of_it_is_kept_from_the_net(self):
        rng = np.random.default_rng(0)
        told = np.array([control.drawn((450, 60, 50, 3.5), rng) for _ in range(4000)])
        self.assertAlmostEqual((told.sum(1) == 0).mean(), control.SILENT_SHARE, delta=0.02)
        self.assertAlmostEqual(told.sum() / 16000, (1 - control.SILENT_SHARE) * (1 - control.MISSING_SHARE), delta=0.02)

    def test_folded_net_plays_as_the_told_one(self):
        torch.manual_seed(1)
        names = ["bach", "other"]
        net = lstm.Lstm(2, controls=control.SIZE)
        torch.nn.init.normal_(net.lstm1_control)
        torch.nn.init.normal_(net.dense1_control)
        wanted = {"bach": (450, 60, 50, 3.5), "other": (100, 70, 90, 9.0)}
        plain = lstm.Lstm(2)
        plain.load_state_dict({**plain.state_dict(), **export.fold(net.state_dict(), names, wanted)})
        told = torch.from_numpy(np.stack([control.vector(wanted[name]) for name in names]))
        x, composer = torch.rand(4, 2, 256), torch.tensor([0, 1])
        net.eval(), plain.eval()
        with torch.no_grad():
            a, _ = net(x, composer, net.start(2), control=told)
            b, _ = plain(x, composer, plain.start(2))
            c, _ = net(x, composer, net.start(2))
        self.assertTrue(torch.allclose(a, b, atol=1e-4))
        self.assertGreater(float((a - c).abs().max()), 0.1)


def shares(pitches):
    return np.bincount(np.array(pitches) % 12, minlength=12) / len(pitches)


class Tonality(unittest.TestCase):
    def test_scales_have_their_keys(self):
        major = [0, 2, 4, 5, 7, 9, 11, 12, 0, 4, 7]  # each with its triad
        minor = [9, 11, 12, 14, 16, 17, 20, 21, 9, 12, 16]
        chord = [0, 4, 7, 12]
        keys, bits = control.tonality(np.stack([
            shares(major), shares(minor), shares(np.array(major) + 6), shares(np.array(minor) + 10), shares(chord)]))
        self.assertEqual(keys.tolist(), [0, 12 + 9, 6, 12 + 7, 0])
        self.assertAlmostEqual(bits[4], 1.5)
        self.assertAlmostEqual(bits[0], bits[2])
        self.assertAlmostEqual(control.tonality(np.full((1, 12), 1 / 12))[1][0], np.log2(12))

    def test_transposed_as_the_music_is(self):
        rows = np.array([[1, 2, 3, 4, 11, 5], [9, 9, 9, 9, 23, 0], [255] * 6], np.uint8)
        moved = control.transposed(rows, 3)
        self.assertEqual(moved.tolist(), [[1, 2, 3, 4, 2, 5], [9, 9, 9, 9, 12 + 2, 0], [255] * 6])
        self.assertEqual(rows[0, control.KEY], 11)
        for semitones in range(12):
            major = np.array([0, 2, 4, 5, 7, 9, 11, 0, 4, 7]) + semitones
            self.assertEqual(control.transposed([[0, 0, 0, 0, 0, 0]], semitones)[0, control.KEY],
                             control.tonality(shares(major)[None])[0][0])

    def test_sizes(self):
        self.assertEqual(control.NOTES_SIZE, 67)
        self.assertEqual(list(control.NOTES_BUCKETS)[: len(control.BUCKETS)], list(control.BUCKETS))


if __name__ == "__main__":
    unittest.main()
