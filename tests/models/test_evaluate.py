"""Evaluation and report: what is composed, kept, measured and written."""

import json
import os
import stat
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

from models import classifier, evaluate, midi, originality, report

from hand import piece

DAEMON = """#!{python}
import sys
sys.path[:0] = [{root!r}, {here!r}]
from hand import piece
from models import midi
words = sys.argv[1:]
assert words[:2] == ["--compose", "--composer"] and words[-3:-2] != ["--licence"], words
seed, minutes = int(words[words.index("--seed") + 1]), float(words[words.index("--minutes") + 1])
for index, path in enumerate(w for w in words if w.endswith(".mid")):
    midi.write(piece(seed=seed + index, seconds=int(minutes * 60)).notes, path)
open({log!r}, "a").write(" ".join(words) + "\\n")
sys.exit({code})
"""


class Compose(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def daemon(self, code=0):
        path = self.folder / "fermatad"
        here = Path(__file__).resolve().parent
        path.write_text(DAEMON.format(python=sys.executable, root=str(here.parents[1]), here=str(here),
                                      log=str(self.folder / "log"), code=code))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def compose(self, daemon, count=2):
        return evaluate.compose(daemon, self.folder / "weights" / "net.safetensors", "net", "bach", self.folder / "bach",
                                "stream", count, 0.5, 7)

    def test_what_is_there_is_not_composed_again(self):
        ran = self.compose(self.daemon())
        self.assertEqual(ran["minutes"], 1.0)
        self.assertIn("--net net --minutes 0.5 --seed 7 --licence any stream-0.mid stream-1.mid", ran["command"])
        self.assertIsNone(self.compose(self.daemon()))
        self.assertEqual(len((self.folder / "log").read_text().splitlines()), 1)
        os.remove(self.folder / "bach" / "stream-1.mid")
        self.assertIsNotNone(self.compose(self.daemon()))
        found = evaluate.read(self.folder / "bach", "stream")
        self.assertEqual(len(found), 2)
        self.assertFalse(np.array_equal(found[0]["pitch"], found[1]["pitch"]))

    def test_a_daemon_that_fails_leaves_nothing(self):
        with self.assertRaises(RuntimeError):
            self.compose(self.daemon(3))
        self.assertEqual(evaluate.read(self.folder / "bach", "stream"), [])


class Data(unittest.TestCase):
    def test_what_the_weights_have_seen(self):
        first = {"data": "a.zip sha256 1"}
        self.assertEqual(evaluate.known_data(first), ["a.zip"])
        tuned = {**first, "pretrained": json.dumps([{"data": "b.zip sha256 2"}, {"data": "a.zip sha256 1"}])}
        self.assertEqual(evaluate.known_data(tuned), ["a.zip", "b.zip"])


class Whole(unittest.TestCase):
    """Human walks against walks of the same kind, and against one that is another thing."""

    @classmethod
    def setUpClass(cls):
        cls.train = [piece(seed=n, seconds=250) for n in range(8)]
        pieces = cls.train + [piece(seed=n, seconds=250, split="validation") for n in range(20, 26)]
        rng = np.random.default_rng(1)
        noise = [np.sort(rng.random(400) * 30) for _ in range(30)]
        groups = {
            "bach": [(part, False) for p in cls.train for part in classifier.quarters(p.notes)],
            "chopin": [(np.array([(t, t + 0.1, rng.integers(21, 109), 60) for t in n], midi.NOTE), False) for n in noise],
        }
        judge = classifier.train(groups, epochs=8)
        cls.composer = evaluate.Composer("bach", pieces, judge, ["bach", "chopin"], originality.Book(cls.train))

    def test_alike(self):
        found = self.composer.measure([piece(seed=n, seconds=600).notes for n in (50, 51)], "stream", 0.01)
        self.assertEqual(found["windows"], 10)
        self.assertGreater(found["mean"], 0.8)
        self.assertEqual(found["fidelity"]["accuracy"], 1.0)
        self.assertEqual(found["originality"]["quoted"], 0.0)
        self.assertEqual(self.composer.about()["fidelity"]["accuracy_offered"], 1.0)

    def test_a_copyist_is_caught(self):
        found = self.composer.measure([p.notes for p in self.train[:4]], "stream", 0.01)
        self.assertEqual(found["originality"]["quoted"], 1.0)

    def test_others_found_before_are_kept(self):
        former = {"command": "first", "composers": {"bach": 1, "haydn": 2, "gone": 3}, "likelihood": 4}
        results = {"command": "second", "composers": {}}
        evaluate.keep(former, results, ["bach", "chopin"], False)
        self.assertEqual(results, {"command": "first; second", "composers": {"bach": 1}})
        results = {"command": "second", "composers": {}}
        evaluate.keep(former, results, [], True)
        self.assertEqual(results, {"command": "second", "composers": {}, "likelihood": 4})

    def test_report_tells_by_how_much(self):
        found = {"human": self.composer.about(),
                 "streams": self.composer.measure([piece(seed=60, seconds=600).notes] * 2, "stream", 0.01)}
        results = {"net": "some", "kind": "transformer", "family": "open", "sha256": "0" * 64, "metadata": {}, "commit": "c" * 40,
                   "command": "python3 -m models.evaluate", "runs": {}, "test": False, "judged_composers": ["bach", "chopin"],
                   "offered": ["bach"], "composers": {"bach": found}}
        found["streams"]["mean"], found["streams"]["worst"] = 0.97, 0.80
        by = {row[1].split(" (")[0]: row[4] for row in report.goals(results)}
        self.assertAlmostEqual(by["OA of the ceiling, mean of the features"], 0.02)
        self.assertAlmostEqual(by["OA of the ceiling, worst feature"], -0.05)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "net" / "bach").mkdir(parents=True)
            for file in ("stream-0.mid", "human.mid"):
                midi.write(piece(seed=1, seconds=90).notes, str(folder / "net" / "bach" / file))
            with mock.patch.multiple(report, FOLDER=folder / "report", REPORT=folder / "REPORT.md"):
                report.draw(json.loads(json.dumps(results)), folder / "net")
                report.write([results])
            text = (folder / "REPORT.md").read_text()
            self.assertIn("| bach | OA of the ceiling, worst feature", text)
            self.assertIn("**missed** | -0.050 |", text)
            for line in text.splitlines():
                if line.startswith("!["):
                    picture = folder / line.split("(")[1].rstrip(")")
                    self.assertLess(picture.stat().st_size, 100000)
