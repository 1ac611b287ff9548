"""Windows: cut where they should be, and the human music that is held out."""

import os
import tempfile
import unittest

import numpy as np

from models import midi, windows

from hand import piece


class Cut(unittest.TestCase):
    def test_a_part_begins_at_zero_and_ends(self):
        notes = np.array([(9.9, 11, 60, 60), (10, 10.5, 61, 60), (19.9, 25, 62, 60), (20, 21, 63, 60)], midi.NOTE)
        part = windows.part(notes, 10.0, 10.0)
        self.assertEqual(part["pitch"].tolist(), [61, 62])
        np.testing.assert_allclose(part["onset"], [0.0, 9.9], atol=1e-5)
        np.testing.assert_allclose(part["offset"], [0.5, 10.0], atol=1e-5)

    def test_long_pieces_are_cut_and_short_ones_joined(self):
        long = piece(seed=1, seconds=70)
        short = [piece(seed=n, seconds=20) for n in (2, 3, 4)]
        found = windows.of_pieces([long, *short], seconds=30.0)
        self.assertEqual([w.source for w in found], ["1.mid", "1.mid", "2.mid", "2.mid"])
        self.assertTrue(all(w.notes["onset"].max() < 30 for w in found))
        self.assertTrue((np.diff(found[2].notes["onset"]) >= 0).all())

    def test_flat_and_shaped_pieces_do_not_share_a_window(self):
        pieces = [piece(seed=1, seconds=20), piece(seed=2, seconds=20, flat=True), piece(seed=3, seconds=20)]
        found = windows.of_pieces(pieces, seconds=30.0)
        self.assertEqual([w.flat for w in found], [False])

    def test_streams_keep_their_gaps(self):
        notes = np.array([(t, t + 0.5, 60, 60) for t in np.arange(0, 30, 1.0)] + [(t, t + 0.9, 60, 60) for t in np.arange(60, 90, 1.0)], midi.NOTE)
        found = windows.of_stream(notes, "bach", "s", 9, seconds=30.0)
        self.assertEqual(len(found), 2)  # the silent one in between holds too few notes

    def test_spread_is_even(self):
        self.assertEqual(windows.spread(list(range(101)), 3), [0, 50, 100])
        self.assertEqual(windows.spread([1, 2], 3), [1, 2])


class Human(unittest.TestCase):
    def test_validation_is_the_reference_where_there_is_enough(self):
        train = [piece(seed=n, seconds=130) for n in range(4)]
        validation = [piece(seed=n, seconds=130, split="validation") for n in range(10, 16)]
        songs = [piece(seed=20, kind="song")]
        found = windows.human(train + validation + songs, "bach")
        self.assertEqual((len(found.reference), len(found.train), found.held_out), (6, 4, False))

    def test_else_whole_works_are_held_out(self):
        train = [piece(seed=n, seconds=130) for n in range(6)]
        twins = [p._replace(file=f"twin {p.file}") for p in train]
        found = windows.human(train + twins, "bach")
        self.assertTrue(found.held_out)
        held = {p.title for p in found.reference}
        self.assertTrue(held)
        self.assertFalse(held & {p.title for p in found.train})
        self.assertEqual(len(found.reference) + len(found.train), 12)

    def test_a_folder_of_others(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "Frédéric Chopin"))
            midi.write(piece(seed=1).notes, os.path.join(folder, "Frédéric Chopin", "etude.mid"))
            found = windows.folder(folder)
            self.assertEqual([(p.composer, p.split, p.title, p.flat) for p in found], [("chopin", "validation", "etude", False)])
            self.assertEqual(windows.human([piece("chopin")], "chopin", found).reference, found)
            os.remove(os.path.join(folder, "Frédéric Chopin", "etude.mid"))
            with self.assertRaises(ValueError):
                windows.folder(folder)
