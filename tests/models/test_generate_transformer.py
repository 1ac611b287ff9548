"""The transformer's reference sampler: its KV rings, its rule, its plans."""

import unittest

import numpy as np
import torch

from models import control, export_transformer, generate_transformer, golden_transformer, notes, transformer

WINDOWS = (4, 8)


def small(seed=3):
    return export_transformer.random(seed, 4, WINDOWS)


class TestPlayer(unittest.TestCase):
    def test_rings_answer_like_the_whole_net(self):
        """Notes fed one by one, far beyond the windows, a new piece among them."""
        net, count = small(), 32
        tuples = torch.from_numpy(np.stack([golden_transformer.phrase(lane, count) for lane in (0, 1)]))
        starts = torch.zeros(2, count, dtype=torch.bool)
        starts[:, 0] = True
        starts[1, 13] = True
        buckets = np.array([[4, 3, -1, 2, 7, 3], [generate_transformer.GAP, 6, 1, 0, 23, -1]])
        player = generate_transformer.Player(net, [0, 2], [1, 2], kind=1)
        found, ticks = [], []
        for step in range(count):
            ticks.append(player.ticks.clone())
            forced = tuples[:, step]
            begin = starts[:, step + 1] if step + 1 < count else torch.zeros(2, dtype=torch.bool)
            self.assertTrue(torch.equal(player.starts, starts[:, step]))
            before = player.number
            h = self._peek(player, buckets)
            self.assertEqual(player.number, before)
            found.append(h)
            player.step(buckets, forced=forced, begin=begin)
        inputs = torch.cat([torch.zeros(2, 1, 4, dtype=torch.int64), tuples[:, :-1]], 1)
        rows = generate_transformer.told(buckets)[:, None].expand(2, count, control.NOTES_SIZE)
        with torch.no_grad():
            x = net.embed(inputs, starts, torch.tensor([[0], [2]]).expand(2, count),
                          torch.ones(2, count, dtype=torch.int64), rows)
            whole = net.body(x, torch.arange(count).expand(2, count), torch.stack(ticks, 1))
        self.assertLess(float((torch.stack(found, 1) - whole).abs().max()), 1e-4)

    @staticmethod
    def _peek(player, buckets):
        """h of the next feed, leaving the player as it was."""
        rings, number = [[part.clone() for part in ring] for ring in player.rings], player.number
        h = player.feed(buckets)
        player.rings, player.number = rings, number
        return h

    def test_time_passes_as_in_training(self):
        """The first note of a piece is at the tick of its start; a start, a pause later."""
        player = generate_transformer.Player(small(), [0], [1])
        forced = torch.tensor([[5, 60, 30, 16]])
        player.step(forced=forced)
        self.assertEqual(player.ticks.tolist(), [0])
        player.step(forced=forced)
        self.assertEqual(player.ticks.tolist(), [5])
        player.step(begin=torch.tensor([True]))
        self.assertEqual(player.ticks.tolist(), [105])
        player.step()
        self.assertEqual(player.last[0, 0].item(), 0)
        self.assertEqual(player.ticks.tolist(), [105])

    def test_a_lane_does_not_depend_on_the_others(self):
        net = small()
        alone = generate_transformer.Player(net, [1], [7])
        among = generate_transformer.Player(net, [0, 1, 2], [5, 7, 9])
        for _ in range(20):
            drawn = alone.step()[0][0], among.step()[0][1]
            self.assertEqual(drawn[0].tolist(), drawn[1].tolist())


class TestRule(unittest.TestCase):
    def test_never_drawn(self):
        p = generate_transformer.probabilities(torch.zeros(1, 95), 0)[0]
        self.assertTrue((p[torch.from_numpy(notes.DELTA_TICKS > 400)] == 0).all())
        self.assertTrue((p[torch.from_numpy(notes.DELTA_TICKS <= 400)] > 0).all())
        p = generate_transformer.probabilities(torch.zeros(1, 128), 1)[0]
        self.assertEqual(p.nonzero()[:, 0].tolist(), list(range(21, 109)))

    def test_threshold(self):
        logits = torch.log(torch.tensor([[0.6, 0.3, 0.06, 0.04]]))
        as_is = generate_transformer.probabilities(logits, 2, 0.5)[0]
        np.testing.assert_allclose(as_is, [0.6, 0.3, 0.06, 0.04], rtol=1e-5)
        # min-p of t = 1 is a fifth of the likeliest: 0.12
        strict = generate_transformer.probabilities(logits, 2, 1.0)[0]
        np.testing.assert_allclose(strict, [2 / 3, 1 / 3, 0, 0], rtol=1e-5)
        # and of t = 0.75 a twentieth: 0.03
        self.assertEqual(int((generate_transformer.probabilities(logits, 2, 0.75) > 0).sum()), 4)
        cool = generate_transformer.probabilities(logits, 2, 0.5, 0.5)[0]
        self.assertTrue(torch.allclose(cool, as_is**2 / (as_is**2).sum()))
        bold = generate_transformer.probabilities(logits, 2, 0.0)[0]
        self.assertAlmostEqual(float(bold[0] / bold[1]), 2 ** (1 / 1.4), places=4)

    def test_draws_are_fair(self):
        """The share of draws below 1/4 is a quarter, and fields and seeds differ."""
        draws = np.array([generate_transformer.unit([1, 2], n, f) for n in range(500) for f in range(4)])
        self.assertAlmostEqual(float((draws < 0.25).mean()), 0.25, delta=0.03)
        self.assertEqual(len(np.unique(draws)), draws.size)
        player = generate_transformer.Player(small(), [0] * 64, list(range(64)))
        self.assertGreater(len(np.unique(player.step()[0][:, 1])), 20)


class TestGuide(unittest.TestCase):
    def test_follows_rows_and_begins_anew(self):
        unknown = 255  # key and chroma: not moved
        first, second = [1, 2, 3, 4, unknown, unknown], [2, 2, 3, 4, unknown, unknown]
        plan = np.array([first, second, [255] * 6, [5, 255, 1, 1, 3, 3]])
        parts = generate_transformer.trajectories(plan)
        self.assertEqual([len(p) for p in parts], [2, 1])
        guide = generate_transformer.Guide([parts[:1], []])
        rows, done = guide.rows(torch.tensor([499, 0]))
        self.assertEqual(rows.tolist(), [first, [255] * 6])
        self.assertEqual(guide.rows(torch.tensor([500, 0]))[0][0].tolist(), second)
        self.assertFalse(done.any())
        self.assertEqual(guide.rows(torch.tensor([1000, 0]))[1].tolist(), [True, False])
        guide.renew(torch.tensor([True, False]), torch.tensor([1000, 0]))
        self.assertEqual(guide.rows(torch.tensor([1000, 0]))[0][0].tolist(), first)

    def test_every_piece_has_a_key_of_its_own(self):
        """C major and its relative minor go the same way, and all ways are gone."""
        guide = generate_transformer.Guide([[np.array([[1, 2, 3, 4, 0, 6], [1, 2, 3, 4, 21, 6]])]])
        seen = set()
        for piece in range(80):
            since = torch.tensor([piece * 1000])
            guide.renew(torch.tensor([True]), since)
            major, minor = (guide.rows(since + ticks)[0][0] for ticks in (0, 500))
            self.assertEqual(major[:4].tolist() + [major[5]], [1, 2, 3, 4, 6])
            self.assertLess(major[4], 12)
            self.assertEqual(minor[4], 12 + (major[4] + 9) % 12)
            seen.add(int(major[4]))
        self.assertEqual(len(seen), 12)

    def test_compose_begins_pieces_and_lasts(self):
        plan = [np.array([[1, 2, 3, 4, 9, 5]])]
        player = generate_transformer.Player(small(), [0, 1], [1, 2])
        arrays = generate_transformer.compose(player, generate_transformer.Guide([plan, plan]), 20.0)
        for array in arrays:
            self.assertGreater(len(array), 10)
            self.assertLess(float(array["onset"].max()), 20.0)
            self.assertGreaterEqual(int(array["pitch"].min()), 21)
        self.assertGreater(int(player.ticks.min()), 2000)


if __name__ == "__main__":
    unittest.main()
