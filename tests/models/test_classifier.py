"""The judge: tells made-up composers apart by what they do, and by nothing else."""

import os
import tempfile
import unittest
from unittest import mock

import numpy as np

from models import archive, classifier, midi

from hand import piece


def scales(seed, seconds=30.0):
    """Quick runs up and down a major scale."""
    rng = np.random.default_rng(seed)
    steps = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    key, rows, at = int(rng.integers(50, 62)), [], 0.0
    while at < seconds:
        for step in steps if rng.random() < 0.5 else steps[::-1]:
            rows.append((at, at + 0.12, key + int(step), int(rng.integers(40, 90))))
            at += 0.125
    return midi.separate(np.array(rows, midi.NOTE))


def chords(seed, seconds=30.0):
    """Slow triads, moving by fourths."""
    rng = np.random.default_rng(seed)
    root, rows, at = int(rng.integers(45, 57)), [], 0.0
    while at < seconds:
        for step in (0, 4, 7):
            rows.append((at, at + 0.7, root + step, int(rng.integers(40, 90))))
        root = 45 + (root - 45 + 5) % 12
        at += 0.75
    return midi.separate(np.array(rows, midi.NOTE))


class Describe(unittest.TestCase):
    def test_velocities_lengths_and_key_say_nothing(self):
        notes = scales(1)
        other = notes.copy()
        other["velocity"] = 127 - other["velocity"]
        other["offset"] = other["onset"] + 2.0
        np.testing.assert_array_equal(classifier.describe(notes), classifier.describe(other))
        higher = notes.copy()
        higher["pitch"] += 2
        changed = np.flatnonzero(np.abs(classifier.describe(notes) - classifier.describe(higher)) > 1e-5)
        size = len(classifier.describe(notes))
        self.assertTrue((changed >= size - 15).all(), changed)  # the register alone

    def test_size_and_emptiness(self):
        self.assertEqual(len(classifier.describe(scales(1)[:5])), len(classifier.describe(scales(1))))
        self.assertTrue(np.isfinite(classifier.describe(chords(1))).all())

    def test_moved_keeps_the_music(self):
        notes = scales(1)
        for score in (False, True):
            found = classifier.moved(notes, np.random.default_rng(3), score)
            self.assertEqual(len(found), len(notes))
            shift = found["pitch"].astype(int).sum() - notes["pitch"].astype(int).sum()
            self.assertEqual(shift % len(notes), 0)
            self.assertTrue((np.diff(found["onset"]) >= 0).all())
            self.assertFalse(np.allclose(found["onset"], notes["onset"]))


class TestJudge(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        groups = {
            "scaler": [(scales(n), n % 2 == 0) for n in range(25)],
            "chorder": [(chords(n), n % 2 == 0) for n in range(25)],
        }
        with mock.patch.object(classifier, "COPIES", 1):
            cls.judge = classifier.train(groups, epochs=40)

    def test_tells_them_apart(self):
        unheard = [scales(100 + n, 60) for n in range(6)], [chords(100 + n, 60) for n in range(6)]
        self.assertEqual(self.judge.accuracy(unheard[0], "scaler"), 1.0)
        self.assertEqual(self.judge.accuracy(unheard[1], "chorder"), 1.0)
        self.assertEqual(self.judge.accuracy(unheard[1], "scaler"), 0.0)

    def test_among_some(self):
        self.assertEqual(self.judge.judge([chords(100)], among=("scaler",)), ["scaler"])
        self.assertTrue(np.isnan(self.judge.accuracy([chords(100)], "nobody")))


class Lessons(unittest.TestCase):
    def test_nothing_that_is_to_be_judged_is_taught(self):
        """The validation work's other performance, in another archive's train, is left out."""
        seconds = 400
        works = [piece("bach", seconds, seed=n) for n in range(12)]
        judged = [piece("bach", seconds, seed=n, split="validation") for n in range(20, 26)]
        again = [piece("bach", seconds, seed=20)._replace(file="again.mid")]
        songs = [piece("bach", seconds, seed=40, kind="song")]
        one = archive.Archive("a", "1", "maestro", works + judged)
        two = archive.Archive("b", "2", "permissive", again + [piece("bach", seconds, seed=n) for n in range(30, 36)] + songs)
        taught = []
        whole = classifier.quarters
        with mock.patch.object(classifier, "quarters", lambda notes: taught.append(notes) or whole(notes)):
            groups = classifier.lessons([one, two], log=lambda _: None)
        self.assertEqual(list(groups), ["bach"])
        pitches = {bytes(notes["pitch"]) for notes in taught}
        for forbidden in (*judged, *again, *songs):
            self.assertNotIn(bytes(forbidden.notes["pitch"]), pitches)
        self.assertIn(bytes(works[0].notes["pitch"]), pitches)

    def test_an_hour_of_songs_is_no_hour(self):
        half = [*(piece("lang", 450, seed=n) for n in range(20, 24)), piece("lang", 3600, seed=2, kind="song")]
        some = archive.Archive("a", "1", "permissive", half + [piece("satie", 460, seed=n) for n in range(3, 11)])
        self.assertEqual(list(classifier.lessons([some], log=lambda _: None)), ["satie"])

    def test_kept_and_read_back(self):
        groups = {"a": [(scales(n), False) for n in range(3)], "b": [(chords(n), False) for n in range(3)]}
        some = archive.Archive("a", "1", "maestro", [])
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, XDG_CACHE_HOME=folder):
            os.mkdir(os.path.join(folder, "fermata"))
            with mock.patch.object(classifier, "lessons", lambda *_: groups):
                first = classifier.load([some])
            with mock.patch.object(classifier, "lessons", side_effect=AssertionError("trained again")):
                second = classifier.load([some])
        fresh = classifier.train(groups)
        for kept in (first, second):
            self.assertEqual(kept.names, ["a", "b"])
            np.testing.assert_allclose(kept.chances(scales(9)), fresh.chances(scales(9)), rtol=1e-5)
