"""Reference: repetition, quotation and slow averages are what they are said to be."""

import types
import unittest

import numpy as np

from models import archive, midi, originality, reference

from hand import piece


def walk(count, seed, step=0.2, begin=0.0):
    """Single notes that no other seed plays, one every `step` seconds."""
    rng = np.random.default_rng(seed)
    onset = begin + np.arange(count) * step
    return np.array(list(zip(onset, onset + 0.1, rng.integers(40, 80, count), [64] * count)), midi.NOTE)


def as_piece(notes, name):
    return archive.Piece("bach", "train", name, name, "performance", False, notes)


class Works(unittest.TestCase):
    def test_no_work_comes_twice(self):
        a, b = piece(seed=1), piece(seed=2)
        again = a._replace(file="again.mid", notes=a.notes.copy())
        again.notes["pitch"] += 1
        self.assertEqual([p.file for p in reference.distinct([b, again, a])], ["1.mid", "2.mid"])

    def test_end_to_end(self):
        notes = reference.laid([as_piece(walk(50, 1, begin=7.0), "a"), as_piece(walk(50, 2), "b")])
        self.assertEqual(len(notes), 100)
        self.assertEqual(notes["onset"][0], 0)
        self.assertAlmostEqual(notes["onset"][50], 49 * 0.2 + 0.1 + reference.PAUSE, places=4)


class Repetition(unittest.TestCase):
    def test_times_heard(self):
        runs = np.array([1, 2, 1, 1, 2, 1], np.uint64)
        onset = np.array([0.0, 1, 2, 3, 1900, 1801])
        self.assertEqual(reference.times_heard(runs, onset).tolist(), [0, 0, 1, 2, 0, 2])

    def test_a_phrase_again_and_again(self):
        phrase = [as_piece(walk(50, 3), str(index)) for index in range(60)]  # 11 s each, with the pause
        new = [as_piece(walk(50, 100 + index), str(index)) for index in range(30)]
        share, times = reference.repetition(reference.laid(new + phrase))
        change = int(30 * 10.9 / reference.DRAFT)
        self.assertEqual(share[change - 1], 0)
        self.assertGreater(share[-1], 0.9)
        self.assertAlmostEqual(times[-1], reference.TIMES, delta=0.1)
        self.assertAlmostEqual(share[change + 22], 0.5, delta=0.1)  # a minute and a half of three

    def test_the_first_minutes_and_sparse_music_count_less(self):
        share, _ = reference.repetition(reference.laid([as_piece(walk(50, 3), str(i)) for i in range(9)]))
        self.assertLess(share[-1], 0.6)
        slow = [as_piece(walk(50, 3, step=4.0), str(i)) for i in range(12)]
        self.assertLess(reference.repetition(reference.laid(slow))[0].max(), 0.3)


class Quotation(unittest.TestCase):
    def test_runs_that_come_again_do_not_count(self):
        runs = np.array([1, 2, 3, 3, 3, 4, 5, 6], np.uint64)
        found = np.array([0, 1, 1, 1, 1, 1, 0, 1], bool)
        self.assertEqual(reference.longest_quotation(runs, found), 3 + originality.LENGTH - 1)
        self.assertEqual(reference.longest_quotation(runs, np.zeros(8, bool)), 0)

    def test_of_other_works(self):
        mine = walk(400, 1)
        mine["pitch"][100:130] = walk(400, 5)["pitch"][200:230] + 2
        pieces = [as_piece(mine, "mine"), as_piece(walk(400, 5), "other")]
        self.assertEqual(reference.quotation(pieces[0], originality.Book(pieces))[:2], (30, 30 - originality.LENGTH + 1))

    def test_a_run_alone_is_no_share(self):
        self.assertEqual(reference.share(np.array([1, 0, 1, 1, 0, 1, 1, 1, 0, 1], bool)), 5)
        self.assertEqual(reference.share(np.ones(3, bool)), 3)
        self.assertEqual(reference.share(np.zeros(0, bool)), 0)


class HeldOut(unittest.TestCase):
    """Works of train of which each has 30 notes of another one; of validation, 20 notes in every second one."""

    def setUp(self):
        works = [walk(400, seed) for seed in range(10)]
        for index, notes in enumerate(works):
            notes["pitch"][100:130] = walk(400, (index + 1) % 10)["pitch"][300:330]
        others = [walk(400, 50 + index) for index in range(10)]
        for index, notes in enumerate(others[::2]):
            notes["pitch"][10:30] = works[index]["pitch"][200:220]
        self.train = [as_piece(notes, f"train{index}") for index, notes in enumerate(works)]
        self.others = [as_piece(notes, f"other{index}")._replace(split="validation") for index, notes in enumerate(others)]
        self.book = originality.Book(self.train)

    def figures(self, others, strict):
        pieces = {"train": self.train, "validation": others}
        data = types.SimpleNamespace(of=lambda split: pieces[split])
        return reference.of_archive(data, self.book, strict, log=lambda text: None)

    def test_the_stricter_counts(self):
        every, held = self.figures(self.others, ()), self.figures(self.others, ["bach"])
        usual, strict = every["bach"], held["bach"]
        self.assertEqual(every["any"], held["any"])
        self.assertEqual((usual["quoted_notes"], strict["quoted_notes"]), ([30], [20]))
        self.assertAlmostEqual(strict["quoted_share"][0], 5 * 9 / (10 * 389), places=5)
        self.assertEqual({**strict, "quoted_notes": 0, "quoted_share": 0}, {**usual, "quoted_notes": 0, "quoted_share": 0})

    def test_train_may_be_the_stricter_one(self):
        for index, each in enumerate(self.others):
            for at in (40, 120):
                each.notes["pitch"][at : at + 40] = self.train[(index + at) % 9].notes["pitch"][220:260]
        self.assertEqual(self.figures(self.others, ["bach"]), self.figures(self.others, ()))

    def test_too_few_works(self):
        twice = self.others[:2] + [self.others[0]._replace(file="again")]
        songs = [each._replace(kind="song") for each in self.others[2:]]
        with self.assertRaisesRegex(reference.TooFew, "bach .* 2 works in the validation split"):
            self.figures(twice + songs, ["bach"])
        with self.assertRaisesRegex(reference.TooFew, "mozart .* 0 works"):
            self.figures(self.others, ["mozart"])
        self.train = self.train[:7]
        with self.assertRaisesRegex(reference.TooFew, "bach: .* 8 works in the train split"):
            self.figures(self.others, ["bach"])


class Averages(unittest.TestCase):
    def test_figures(self):
        found = reference.averages(reference.sums(walk(9000, 1)), 600.0)
        self.assertAlmostEqual(found[-1, 0], 300, delta=1)
        self.assertAlmostEqual(found[-1, 1], 200, delta=1)
        self.assertAlmostEqual(found[-1, 2], 59.5, delta=1)
        self.assertGreater(found[-1, 3], 3.5)

    def test_a_chord_is_one(self):
        notes = np.concatenate([walk(3000, 1), walk(3000, 2)])
        found = reference.averages(reference.sums(notes), 60.0)
        self.assertAlmostEqual(found[-1, 0], 600, delta=2)
        self.assertAlmostEqual(found[-1, 1], 200, delta=1)

    def test_half_is_forgotten(self):
        table = reference.sums(walk(15000, 1))[:700]
        table[-150:, 3] += table[-150:, 1] * 10  # ten semitones higher for ten minutes
        before, after = reference.averages(table, 600.0)[[-151, -1], 2]
        self.assertAlmostEqual(after - before, 5 * 1.05, delta=0.5)


if __name__ == "__main__":
    unittest.main()
