"""Quotes: the filter holds what it was given, and little else; the golden file is as it was made."""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

from models import archive, originality, quotes, safetensors

from hand import piece

GOLDEN = Path(__file__).resolve().parents[1] / "data" / "golden-quotes.safetensors"


def edition(whole):
    """The same music for its first tenth, as another edition is with other ornaments: not known for the same work."""
    other = piece(seed=1000 + int(whole.file[:-4]))
    cut = whole.notes["onset"][len(whole.notes) // 10]
    notes = np.concatenate([whole.notes[whole.notes["onset"] < cut], other.notes[other.notes["onset"] >= cut]])
    return other._replace(notes=notes)


class Filter(unittest.TestCase):
    def setUp(self):
        self.runs = np.random.default_rng(1).integers(0, 1 << 64, 20000, np.uint64)

    def test_no_run_is_missed(self):
        for size in (20000, 20001, 12345):  # any number of bytes
            self.assertTrue(quotes.have(quotes.build(self.runs, size), self.runs).all())

    def test_few_others_are_taken_for_them(self):
        others = quotes.strangers(self.runs, 100000)
        wrong = quotes.have(quotes.build(self.runs, len(self.runs) * quotes.BITS // 8), others).mean()
        # (1 - e^(-hashes/bits))^hashes, of a filter whose bits are even
        expected = (1 - np.exp(-quotes.HASHES / quotes.BITS)) ** quotes.HASHES
        self.assertAlmostEqual(wrong, expected, delta=0.003)

    def test_strangers_are_strangers(self):
        self.assertFalse(np.isin(quotes.strangers(self.runs, 1000), self.runs).any())

    def test_neighbouring_runs_do_not_share_bits(self):
        place = quotes.places(np.arange(1000, dtype=np.uint64), 1 << 20, 6)
        self.assertGreater(len(np.unique(place)), 5900)
        self.assertLess(int(place.max()), 1 << 20)


class Golden(unittest.TestCase):
    def test_it_can_be_made_again(self):
        with tempfile.TemporaryDirectory() as folder:
            again = Path(folder) / "golden.safetensors"
            with mock.patch("builtins.print"):
                quotes.write_golden(again)
            self.assertEqual(again.read_bytes(), GOLDEN.read_bytes())

    def test_it_has_every_case(self):
        onset, _ = quotes.made_up()
        steps = set(np.diff(onset).tolist())
        self.assertTrue({0, 29_999, 30_000, 30_001} <= steps)
        had = safetensors.read(GOLDEN)[0]["had"].numpy()
        self.assertTrue(0.5 <= had.mean() < 0.55)


class File(unittest.TestCase):
    def test_of_an_archive(self):
        pieces = [piece(seed=seed) for seed in range(12)] + [piece(seed=99, split="validation")]
        data = archive.Archive("made-up.zip", "0" * 64, "permissive", pieces)
        with tempfile.TemporaryDirectory() as folder, mock.patch("builtins.print"):
            path = Path(folder) / "quotes.safetensors"
            quotes.write_quotes(path, data, "made up")
            tensors, about = safetensors.read(path)
        filter_ = tensors["filter"].numpy()
        self.assertEqual(about["family"], "open")
        self.assertEqual(len(filter_) * 8, int(about["bits"]))
        self.assertLess(float(about["false_positives"]), 0.04)
        runs = quotes.runs_of(data.of("train"))
        self.assertEqual(len(runs), int(about["runs"]))
        self.assertTrue(quotes.have(filter_, runs).all())
        held_out = originality.runs(originality.line(pieces[-1].notes)[0])
        self.assertLess(quotes.have(filter_, held_out).mean(), 0.15)
        figures = json.loads(about["reference"])
        self.assertEqual(set(figures), {"bach", "any"})
        for found in figures.values():
            for name, values in found.items():
                self.assertEqual(values, sorted(values), name)
                self.assertGreaterEqual(min(values), 0, name)

    def test_with_what_was_learnt_before(self):
        own = archive.Archive("own.zip", "0" * 64, "maestro", [piece(seed=seed) for seed in range(9)])
        also = archive.Archive("also.zip", "1" * 64, "permissive", [piece("chopin", seed=seed) for seed in range(20, 24)]
                               + [edition(piece(seed=seed)) for seed in range(9)])
        with tempfile.TemporaryDirectory() as folder, mock.patch("builtins.print"):
            path = Path(folder) / "quotes.safetensors"
            quotes.write_quotes(path, own, "made up")
            alone = safetensors.read(path)[1]
            quotes.write_quotes(path, own, "made up", also)
            tensors, about = safetensors.read(path)
        for each in (own, also):
            self.assertTrue(quotes.have(tensors["filter"].numpy(), quotes.runs_of(each.of("train"))).all())
            self.assertIn(each.sha256, about["data"])
            self.assertIn(archive.ATTRIBUTIONS[each.family], about["attribution"])
        self.assertEqual(about["family"], "maestro")
        # Another edition of a work, which nobody knows for the same, quotes it all over.
        self.assertEqual(about["reference"], alone["reference"])

    def test_held_out(self):
        pieces = [piece(seed=seed) for seed in range(9)] + [piece(seed=seed, split="validation") for seed in range(90, 93)]
        with tempfile.TemporaryDirectory() as folder, mock.patch("builtins.print"):
            path = Path(folder) / "quotes.safetensors"
            command = ["quotes", "--data", "made-up.zip", "--held-out", "bach", "--out", str(path)]
            for given in (pieces[:-1], pieces):
                data = archive.Archive("made-up.zip", "0" * 64, "permissive", given)
                with mock.patch("sys.argv", command), mock.patch.object(archive, "load", lambda _: data):
                    if given is pieces:
                        quotes.main()
                        continue
                    with self.assertRaisesRegex(SystemExit, "--held-out: bach .* 2 works"):
                        quotes.main()
                    self.assertFalse(path.exists())
            about = safetensors.read(path)[1]
        self.assertEqual(about["command"], "python3 -m models.quotes --data made-up.zip --held-out bach")


if __name__ == "__main__":
    unittest.main()
