"""Accents: what is counted, how it is backed off, and that the reference sampler heeds them."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from models import accent, archive, export_transformer, generate_transformer, midi, safetensors

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


def array(*chords):
    """A note array of chords, 0.2 s apart; the notes of one 10 ms apart, in this order."""
    rows = [(i * 0.2 + j * 0.01, pitch) for i, chord in enumerate(chords) for j, pitch in enumerate(chord)]
    out = np.zeros(len(rows), midi.NOTE)
    out["onset"], out["pitch"] = zip(*rows) if rows else ((), ())
    out["offset"], out["velocity"] = out["onset"] + 0.15, 64
    return out


class Strides(unittest.TestCase):
    def test_sorts(self):
        strides = np.array([-30, -8, -7, -3, -2, -1, 0, 1, 2, 3, 7, 8, 30])
        self.assertEqual(accent.sort_of(strides).tolist(), [0, 0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6])

    def test_each_stands_after_the_two_before_and_is_of_the_lowest_notes(self):
        # Of the third chord the lowest note comes last; the fourth begins with another than its lowest.
        found = accent.strides(array([40], [52, 56], [55, 59, 43], [47, 41], [41]))
        self.assertEqual(found.sum(), 2)
        up, down, near = accent.sort_of(12), accent.sort_of(-9), accent.sort_of(-2)
        self.assertEqual(found[up * 7 + down, 47 - 43 + accent.WIDEST], 1)
        self.assertEqual(found[down * 7 + near, 0 + accent.WIDEST], 1)

    def test_wide_ones_are_as_the_widest(self):
        found = accent.strides(array([40], [40], [40], [90], [20]))
        self.assertEqual(found[3 * 7 + 3, 2 * accent.WIDEST], 1)
        self.assertEqual(found[3 * 7 + 6, 0], 1)

    def test_few_notes_have_none(self):
        for few in ([], [[60]], [[60], [62], [64]], [[60, 64, 67, 72]]):
            self.assertEqual(accent.strides(array(*few)).sum(), 0)

    def test_chances_are_chances(self):
        found = accent.chances(accent.strides(piece(seconds=60).notes))
        self.assertEqual(found.shape, (accent.STRIDES, 2 * accent.WIDEST + 1))
        np.testing.assert_allclose(found.sum(1), 1)
        self.assertGreater(found.min(), 0)


def struck(*pairs):
    """The note array of a passage: (pitch, how often)."""
    return array(*[[pitch] for pitch, times in pairs for _ in range(times)])


class Compass(unittest.TestCase):
    def test_a_passage_says_a_pitch_so_often_at_most(self):
        found = accent.pitches([struck((60, 9), (62, 1)), struck((60, 1)), array()])
        self.assertEqual((found[60], found[62], found.sum()), (accent.OFTEN + 1, 1, accent.OFTEN + 2))
        self.assertEqual(accent.pitches([]).sum(), 0)

    def test_octaves_are_chances_of_each_pitch_class(self):
        table = np.zeros(accent.PITCHES)
        table[[60, 72, 67]] = 300, 100, 50
        p = np.exp(accent.octaves(table))
        for name in range(12):
            self.assertAlmostEqual(p[name::12].sum(), 1)
        self.assertAlmostEqual(p[60], 0.75, delta=0.05)
        self.assertGreater(p[67], 0.9)
        self.assertGreater(p[66], 0.8)  # never struck: as the pitches around it

    def test_where_his_keyboard_ends_the_net_is_held_back(self):
        his, nets = np.zeros(accent.PITCHES), np.zeros(accent.PITCHES)
        his[29:90] = 200
        nets[29:96] = 200
        found = accent.compass(his, nets)
        self.assertLess(found[91:96].max(), -2.5)
        self.assertGreaterEqual(found.min(), -accent.TAKEN)
        self.assertLess(np.abs(found[40:80]).max(), 0.3)
        self.assertLessEqual(accent.compass(nets, his).max(), accent.GIVEN)  # nobody is led beyond
        self.assertTrue((accent.compass(his, his) == 0).all())
        self.assertTrue((accent.compass(his, nets, 0.0) == 0).all())

    def test_the_key_is_not_his(self):
        white = np.isin(np.arange(accent.PITCHES) % 12, (0, 2, 4, 5, 7, 9, 11)) & (np.arange(accent.PITCHES) >= 36)
        even = (np.arange(accent.PITCHES) >= 36) * 500.0
        found = accent.compass(even * np.where(white, 1.0, 0.2), even)
        self.assertLess(np.abs(found[40:]).max(), 0.3)


class Accent(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(2)
        self.even = accent.counts(rng.integers(0, 12, 200000))
        self.fourths = accent.counts(rng.choice(12, 200000, p=[0.02] * 5 + [0.78] + [0.02] * 6))

    def test_who_plays_as_all_do_has_none(self):
        self.assertLess(np.abs(accent.accent(self.even, [self.even], self.even)).max(), 1e-6)

    def test_his_own_turns_are_given_and_others_taken(self):
        found = accent.accent(self.fourths, [self.even], self.even, (0.5, 0.7))
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
        given = accent.nearness(self.fourths, others, 60.0, [0.0, 0.75])
        self.assertTrue(np.allclose(given, [0.25, 0.75], atol=0.01))
        near = accent.accent(self.fourths, others, self.fourths, (1.0, 0.0), 60.0)
        alone = accent.accent(self.fourths, [self.even], self.fourths, (1.0, 0.0), 0.0)
        self.assertTrue(np.allclose(near, alone, atol=0.05))

    def test_a_net_that_plays_them_already_is_led_less(self):
        found = accent.accent(self.fourths, [self.even], self.fourths)
        more = accent.accent(self.fourths, [self.even], self.even)
        self.assertLess(found[:, 5].mean(), 0.6 * more[:, 5].mean())

    def test_tables_need_others_to_compare_with(self):
        pieces = [piece(name, 400, seed) for name in ("bach", "chopin") for seed in range(3)]
        net = (self.even, np.ones((accent.STRIDES, 2 * accent.WIDEST + 1)), np.ones(accent.PITCHES))
        heard = {"bach": net, "nobody": net}
        with mock.patch.object(accent, "LEAST", 10):
            found = accent.tables(pieces, heard)
            self.assertEqual({name: table.shape for name, table in found.items()},
                             {"accent.bach": (accent.TURNS, 12), "stride.bach": (accent.STRIDES, 2 * accent.WIDEST + 1),
                              "compass.bach": (accent.PITCHES,)})
            self.assertEqual(list(accent.tables(pieces, heard, (0.0, 0.0))), ["stride.bach", "compass.bach"])
            self.assertEqual(list(accent.tables(pieces, heard, by_stride=(0.0, 0.0))), ["accent.bach", "compass.bach"])
            self.assertEqual(list(accent.tables(pieces, heard, by_compass=0.0)), ["accent.bach", "stride.bach"])
            against = accent.tables(pieces, heard, against=[("bach", "chopin", 0.5), ("chopin", "bach", 0.9)])
            self.assertEqual(set(against), set(found))  # of one other he has all that is left, too
            with self.assertRaisesRegex(SystemExit, "--against bach nobody: .* enough of chopin"):
                accent.tables(pieces, heard, against=[("bach", "nobody", 0.5)])
            self.assertEqual(accent.tables(pieces[:3], heard), {})
        self.assertEqual(accent.tables(pieces, heard), {})  # too little of Chopin


class Shares(unittest.TestCase):
    def test_what_rivals_are_given(self):
        self.assertEqual(accent.shares([["bach", "haydn", "0.5"], ["bach", "mozart", ".5"]], ["bach"]),
                         [("bach", "haydn", 0.5), ("bach", "mozart", 0.5)])

    def test_what_cannot_be_is_named(self):
        for words, why in (([["bahc", "haydn", "0.5"]], "--against bahc haydn 0.5: accents are made for bach, chopin"),
                           ([["bach", "haydn", "0.2"]] * 2, "--against bach haydn 0.2: haydn has a share already"),
                           ([["bach", "haydn", "half"]], "--against bach haydn half: a share is a number over 0"),
                           ([["bach", "haydn", "nan"]], "a share is a number"), ([["bach", "haydn", "-0.1"]], "a share is a number"),
                           ([["bach", "haydn", "0.6"], ["bach", "mozart", "0.6"]], "mozart 0.6: .* have 1 at most")):
            with self.assertRaisesRegex(SystemExit, why):
                accent.shares(words, ["bach", "chopin"])


class Player(unittest.TestCase):
    """The reference sampler, on a net whose own logits are all the same."""

    def setUp(self):
        self.net = export_transformer.random(3, 2, (4, 8))
        with torch.no_grad():
            for head in self.net.heads:
                head.out.zero_()
                head.bias.zero_()

    def tables(self, rows):
        return (torch.zeros(rows, accent.TURNS, 12), torch.zeros(rows, accent.STRIDES, 2 * accent.WIDEST + 1),
                torch.zeros(rows, accent.PITCHES))

    def test_only_the_composer_who_has_one_follows_it(self):
        accents = self.tables(2)
        accents[0][1, :, 7] = 50.0
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

    def test_strides_are_followed_where_a_chord_begins(self):
        accents = self.tables(1)
        accents[1][0] = torch.randn(accent.STRIDES, 2 * accent.WIDEST + 1, generator=torch.Generator().manual_seed(1)) * 50
        player = generate_transformer.Player(self.net, [0], [1], accents=accents)
        drawn = []
        for step in range(120):
            # Deltas of a net that knows nothing are nearly all long: two of three are given.
            forced = None if step % 3 == 2 else torch.tensor([[step % 3 * 2, -1, -1, -1]])
            drawn.append(player.step(forced=forced)[0][0].tolist())
        followed = begun = joined = 0
        for at in range(4, len(drawn)):
            lows = []
            for delta, pitch, *_ in drawn[:at]:
                if lows and delta <= accent.CHORD:
                    lows[-1] = min(lows[-1], pitch)
                else:
                    lows.append(pitch)
            if len(lows) < 3:
                continue
            first, last = accent.sort_of(np.diff(lows[-3:]))
            stride = np.clip(np.arange(21, 109) - lows[-1], -accent.WIDEST, accent.WIDEST) + accent.WIDEST
            row = accents[1][0, first * 7 + last].numpy()[stride]
            follows = row[drawn[at][1] - 21] > row.max() - 12  # so much less is e^-12 as likely
            if drawn[at][0] > accent.CHORD:
                begun += 1
                followed += follows
            else:
                joined += follows
        self.assertGreater(begun, 30)
        self.assertEqual(followed, begun)
        self.assertLess(joined, 15)  # of the others, what falls there by chance

    def test_the_compass_holds_for_every_note(self):
        accents = self.tables(2)
        accents[2][0, :60] = accents[2][0, 73:] = -50.0
        player = generate_transformer.Player(self.net, [0, 1], [1, 1], accents=accents)
        pitches = np.array([player.step()[0][:, 1].tolist() for _ in range(60)])[accent.STEPS + 1 :]
        self.assertTrue(((pitches[:, 0] >= 60) & (pitches[:, 0] <= 72)).all())
        self.assertGreater(len(set(pitches[:, 0])), 8)
        self.assertGreater(np.ptp(pitches[:, 1]), 40)

    def test_a_new_piece_is_counted_from_its_start(self):
        accents = self.tables(1)
        accents[0][:, :, 7] = 50.0
        player = generate_transformer.Player(self.net, [0], [1], accents=accents)
        follows = []
        for _ in range(8):
            for index in range(8):
                player.step(begin=torch.tensor([index == 7]))
            self.assertTrue(bool(player.starts[0]))
            before = int(player.last[0, 1])
            note = player.step()[0][0]
            follows.append((int(note[1]) - before) % 12 == 7)
        self.assertFalse(all(follows))  # the first note has no accent
        self.assertEqual((int(player.heard[0]), int(player.turn[0]), int(player.strides[0])), (1, 0, 0))
        self.assertEqual(player.low[:, 0].tolist(), [int(note[1])] * 2)


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
            net = (np.ones((accent.TURNS, 12)), np.ones((accent.STRIDES, 2 * accent.WIDEST + 1)), np.ones(accent.PITCHES))
            heard = {"bach": net, "other": net, "chopin": net}
            table = np.full((accent.TURNS, 12), 0.5, np.float32)
            wide = np.full((accent.STRIDES, 2 * accent.WIDEST + 1), 0.25, np.float32)
            reach = np.full(accent.PITCHES, -0.75, np.float32)

            def weighed(_pieces, heard, turns, strides, compass, near, against):
                self.assertEqual((tuple(turns), tuple(strides), compass, near), (accent.BY_TURN, (0.1, 0.6), 0.5, 30.0))
                self.assertEqual(against, [("bach", "other", 0.5)])
                return {f"{kind}.{name}": t for name in heard for kind, t in zip(accent.KINDS, (table, wide, reach))}

            def run(given, *options):
                with mock.patch("builtins.print"), mock.patch.object(archive, "load", lambda path: data), \
                        mock.patch.object(accent, "played", lambda folder: heard), mock.patch("sys.argv", [
                            "x", "--weights", str(given), "--played", "F", "--out", str(after), *options]):
                    accent.main()

            with mock.patch.object(accent, "tables", weighed):
                run(before, "--strides", "0.1", "0.6", "--compass", "0.5", "--near", "30", "--against", "bach", "other", "0.5", "--composer", "bach")
            found, told = safetensors.read(after)
            self.assertEqual(set(found) - set(stored), {"accent.bach", "stride.bach", "compass.bach"})
            self.assertEqual(list(json.loads(told["accent"])), ["bach"])
            self.assertIn("--composer bach --turns 0.3 0.4 --strides 0.1 0.6 --compass 0.5 --near 30.0 --against bach other 0.5 --out",
                          json.loads(told["accent"])["bach"]["command"])
            for accents, value in zip(accent.load(found, json.loads(told["composers"])), (0.5, 0.25, -0.75)):
                self.assertTrue((accents[0] == value).all())
                self.assertFalse(accents[1:].any())
            self.assertIsNone(accent.load(stored, ["bach"]))

            # Another composer's come beside them; a file may have any kind alone.
            def alone(_pieces, heard, *_more):
                return {f"stride.{name}": wide for name in heard}

            after.replace(before)
            with mock.patch.object(accent, "tables", alone):
                run(before, "--composer", "chopin")
            found, told = safetensors.read(after)
            self.assertEqual(set(found) - set(stored), {"accent.bach", "stride.bach", "compass.bach", "stride.chopin"})
            self.assertEqual(list(json.loads(told["accent"])), ["bach", "chopin"])
            turns, wides, _ = accent.load({n: t for n, t in found.items() if n != "accent.bach"}, ["bach", "chopin"])
            self.assertFalse(turns.any())
            self.assertTrue((wides == 0.25).all())

            # Whoever is asked for and was not heard keeps what he had: nothing is written.
            del heard["chopin"]
            for options, why in ((("--composer", "chopin"), "no accents for chopin: F has no music"), ((), "no accents for chopin"),
                                 (("--composer", "liszt"), "offers bach, chopin: give those with --composer")):
                with mock.patch.object(accent, "tables", alone), self.assertRaisesRegex(SystemExit, why):
                    run(before, *options)


if __name__ == "__main__":
    unittest.main()
