"""Accents: what is counted, how it is backed off, and that the reference sampler heeds them."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from models import accent, archive, export_transformer, generate_transformer, safetensors

from hand import piece


def turn(*steps):
    at = 0
    for step in steps:
        at = at * 12 + step
    return at


class Counts(unittest.TestCase):
    def test_each_interval_stands_after_the_three_before(self):
        found = accent.counts(np.array([2, 2, 1, 7, 2, 2, 1, 5]))
        self.assertEqual(found.sum(), 5)
        self.assertEqual((found[turn(2, 2, 1), 7], found[turn(2, 2, 1), 5], found[turn(2, 1, 7), 2]), (1, 1, 1))
        for short in ([], [4], [4, 4, 4]):
            self.assertEqual(accent.counts(np.array(short, int)).sum(), 0)

    def test_intervals_are_of_the_notes_as_they_are_played(self):
        array = piece(seconds=10).notes
        found = accent.intervals(array)
        self.assertEqual(len(found), len(array) - 1)
        order = np.lexsort((array["pitch"], np.rint(array["onset"] * 100)))
        self.assertEqual(found.tolist(), (np.diff(array["pitch"][order].astype(int)) % 12).tolist())

    def test_chances_are_chances(self):
        table = accent.counts(np.random.default_rng(1).integers(0, 12, 5000))
        found = accent.chances(table)
        np.testing.assert_allclose(found.sum(1), 1)
        self.assertGreater(found.min(), 0)

    def test_what_was_never_heard_is_as_after_shorter_turns(self):
        steps = np.tile([0, 4, 7], 4000)  # after 7 comes 0, whatever went before
        found = accent.chances(accent.counts(steps))
        self.assertGreater(found[turn(4, 7, 0), 4], 0.98)
        self.assertGreater(found[turn(11, 11, 7), 0], 0.95)


class Accent(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(2)
        self.even = accent.counts(rng.integers(0, 12, 200000))
        self.fourths = accent.counts(rng.choice(12, 200000, p=[0.02] * 5 + [0.78] + [0.02] * 6))

    def test_who_plays_as_all_do_has_none(self):
        self.assertLess(np.abs(accent.accent(self.even, [self.even], self.even)).max(), 1e-6)

    def test_his_own_turns_are_given_and_others_taken(self):
        found = accent.accent(self.fourths, [self.even], self.even)
        self.assertGreater(found[:, 5].mean(), 1)
        self.assertLess(found[:, 7].mean(), -1)
        self.assertLessEqual(np.abs(found).max(), accent.MOST)

    def test_what_others_would_play_can_weigh_nothing(self):
        self.assertTrue(accent.accent(self.fourths, [self.even], self.fourths, (0.5, 0.0)).any())
        found = accent.accent(self.fourths, [self.even], self.fourths, (0.0, 1.0))
        self.assertTrue((found == 0).all())

    def test_the_nearest_counts_most_where_that_is_asked_for(self):
        fifths = np.full((accent.TURNS, 12), 1.0)
        fifths[:, 7] = 100.0
        others = [self.even, fifths]  # the even ones are nearer to fourths
        self.assertTrue(np.allclose(accent.nearness(self.fourths, others, 0.0), 0.5))
        shares = accent.nearness(self.fourths, others, 60.0)
        self.assertGreater(shares[0], 0.99)
        near = accent.accent(self.fourths, others, self.fourths, (1.0, 0.0), 60.0)
        alone = accent.accent(self.fourths, [self.even], self.fourths, (1.0, 0.0))
        self.assertTrue(np.allclose(near, alone, atol=0.05))

    def test_a_net_that_plays_them_already_is_led_less(self):
        found = accent.accent(self.fourths, [self.even], self.fourths)
        more = accent.accent(self.fourths, [self.even], self.even)
        self.assertLess(found[:, 5].mean(), 0.6 * more[:, 5].mean())

    def test_tables_need_others_to_compare_with(self):
        pieces = [piece(name, 400, seed) for name in ("bach", "chopin") for seed in range(3)]
        heard = {"bach": self.even, "nobody": self.even}
        with mock.patch.object(accent, "LEAST", 10):
            self.assertEqual(list(accent.tables(pieces, heard)), ["bach"])
            self.assertEqual(accent.tables(pieces[:3], heard), {})
        self.assertEqual(accent.tables(pieces, heard), {})  # too little of Chopin


class Player(unittest.TestCase):
    """The reference sampler, on a net whose own logits are all the same."""

    def setUp(self):
        self.net = export_transformer.random(3, 2, (4, 8))
        with torch.no_grad():
            for head in self.net.heads:
                head.out.zero_()
                head.bias.zero_()

    def test_only_the_composer_who_has_one_follows_it(self):
        accents = torch.zeros(2, accent.TURNS, 12)
        accents[1, :, 7] = 50.0
        player = generate_transformer.Player(self.net, [0, 1], [1, 1], accents=accents)
        pitches = []
        for _ in range(30):
            pitches.append(player.step()[0][:, 1].tolist())
        pitches = np.array(pitches)
        steps = np.diff(pitches, axis=0)[3:] % 12
        self.assertTrue((steps[:, 1] == 7).all())
        self.assertGreater(len(set(steps[:, 0])), 5)
        # Before the fourth note nobody has an accent, so both have played the same.
        self.assertTrue((pitches[:4, 0] == pitches[:4, 1]).all())

    def test_a_new_piece_is_counted_from_its_start(self):
        accents = torch.zeros(2, accent.TURNS, 12)
        accents[:, :, 7] = 50.0
        player = generate_transformer.Player(self.net, [0], [1], accents=accents)
        for index in range(8):
            player.step(begin=torch.tensor([index == 7]))
        self.assertTrue(bool(player.starts[0]))
        player.step()
        self.assertEqual((int(player.heard[0]), int(player.turn[0])), (1, 0))


class File(unittest.TestCase):
    def test_a_file_is_given_accents_and_keeps_the_rest(self):
        with tempfile.TemporaryDirectory() as folder:
            before, after = Path(folder) / "a.safetensors", Path(folder) / "b.safetensors"
            with mock.patch("builtins.print"), mock.patch("sys.argv", [
                    "x", "--random", "3", "--windows", "[4, 8]", "--offered", "bach,chopin", "--out", str(before)]):
                export_transformer.main()
            stored, about = safetensors.read(before)
            safetensors.write(before, stored, {**about, "family": "open"})
            data = archive.Archive("test", "0" * 64, "permissive", [])
            heard = {"bach": np.ones((accent.TURNS, 12)), "other": np.ones((accent.TURNS, 12))}
            table = np.full((accent.TURNS, 12), 0.5, np.float32)

            def weighed(_pieces, heard, weights, near):
                self.assertEqual((weights, near), ((accent.OTHERS, 0.6), 60.0))
                return {name: table for name in heard}

            with mock.patch("builtins.print"), mock.patch.object(archive, "load", lambda path: data), \
                    mock.patch.object(accent, "played", lambda folder: heard), \
                    mock.patch.object(accent, "tables", weighed), \
                    mock.patch("sys.argv", ["x", "--weights", str(before), "--played", "F", "--own", "0.6", "--near", "60",
                                            "--out", str(after)]):
                accent.main()
            found, told = safetensors.read(after)
            self.assertEqual(set(found) - set(stored), {"accent.bach"})
            self.assertEqual(json.loads(told["accent"])["own"], 0.6)
            self.assertIn("--own 0.6", json.loads(told["accent"])["command"])
            accents = accent.load(found, json.loads(told["composers"]))
            self.assertTrue((accents[0] == 0.5).all())
            self.assertFalse(accents[1:].any())
            self.assertIsNone(accent.load(stored, ["bach"]))


if __name__ == "__main__":
    unittest.main()
