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


if __name__ == "__main__":
    unittest.main()
