"""The loop: best kept, stopped and gone on with, the command without this machine's folders."""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import torch

from models import training


class Trainer:
    """Counts steps; its net is its step."""

    def __init__(self, stop_at=None):
        self.step, self.stop_at = 0, stop_at
        self.net = self

    def state_dict(self):
        return {"step": self.step}

    def advance(self):
        self.step += 1
        if self.step == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"loss": 1.0 / self.step}

    def snapshot(self):
        return {"step": self.step}

    def restore(self, snapshot):
        self.step = snapshot["step"]


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "new"
        for number in (signal.SIGTERM, signal.SIGINT):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def run_to(self, trainer, steps, scores):
        """scores: step -> what the validation says."""
        told = io.StringIO()

        def validate():
            return {"all": scores.get(trainer.step, 9.0)}, "text", {"about": f"at {trainer.step}"}

        with contextlib.redirect_stdout(told):
            training.run(trainer, steps, self.folder, validate, {"arguments": {}})
        return told.getvalue()

    def test_the_best_is_kept(self):
        self.run_to(Trainer(), 600, {250: 3.0, 500: 4.0})
        best = torch.load(self.folder / "best.pt")
        self.assertEqual(best["net"], {"step": 250})
        self.assertEqual(best["metadata"], {"about": "at 250", "steps": "250"})
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        self.assertEqual([l["step"] for l in lines if "validation" in l], [0, 250, 500, 600])

    def test_stopped_and_gone_on_with(self):
        told = self.run_to(Trainer(stop_at=333), 600, {250: 3.0})
        self.assertIn("stopped at step 333", told)
        again = Trainer()
        told = self.run_to(again, 600, {250: 9.9, 500: 3.5})
        self.assertIn("goes on from step 333", told)
        self.assertEqual(again.step, 600)
        self.assertEqual(torch.load(self.folder / "best.pt")["net"], {"step": 250})  # 3.5 is worse

    def test_command_names_no_folder_of_this_machine(self):
        with mock.patch.object(sys, "argv", ["x", "--out", "/a/b c", "--steps", "5"]):
            self.assertEqual(training.command("models.x", [("/a/b c", "FOLDER"), (None, "DATA")]),
                             "python3 -m models.x --out FOLDER --steps 5")


if __name__ == "__main__":
    unittest.main()
