"""The loop of every training run: steps, validation, checkpoints, log; stopped and gone on with.

Owns the files of a run's folder. Knows no network: a trainer has `step`, `advance()` (one step; its
figures), `snapshot()` and `restore()`.

    checkpoint.pt   everything needed to go on (the same command goes on from it)
    best.pt         the weights of the best validation so far, for the export
    log.jsonl       one object per logged step
"""

import json
import math
import os
import shlex
import signal
import sys
import time
from pathlib import Path

import torch

VALIDATE, SAVE, TELL = 250, 100, 25  # steps between


def save(value, path):
    """torch.save, atomically."""
    part = f"{path}.part"
    torch.save(value, part)
    os.replace(part, path)


def command(module, paths):
    """The command line that the weights file tells, without the folders of this machine.
    paths: [(path given or None, the word to put in its place)]."""
    given = list(sys.argv[1:])
    for path, word in paths:
        given = [other.replace(path, word) if path else other for other in given]
    return f"python3 -m {module} " + shlex.join(given)


def shown(figures):
    return " ".join(f"{name} {value:.3f}" for name, value in figures.items())


def run(trainer, steps, folder, validate, about):
    """Train to `steps` steps in all, or until SIGTERM or SIGINT.

    validate() -> (figures, text, metadata): figures["all"] is to become small; text is printed,
    and metadata goes with the weights if they are the best so far. about: what heads the log.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    best, base = math.inf, 0.0
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        stored = torch.load(checkpoint, map_location="cpu")
        trainer.restore(stored["trainer"])
        best, base = stored["best"], stored["minutes"]
        print(f"train: goes on from step {trainer.step}", flush=True)
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    began, mark, sums, count = time.time(), time.time(), {}, 0
    with open(folder / "log.jsonl", "a", encoding="utf-8") as log:

        def note(entry):
            log.write(json.dumps(entry) + "\n")
            log.flush()

        note(about)
        while True:
            minutes = base + (time.time() - began) / 60
            done = trainer.step >= steps
            if trainer.step % VALIDATE == 0 or done:
                figures, text, metadata = validate()
                print(f"train: step {trainer.step} after {minutes:.1f} min: validation {text}", flush=True)
                note({"step": trainer.step, "minutes": minutes, "validation": figures, **metadata})
                if figures["all"] < best:
                    best = figures["all"]
                    save({"net": trainer.net.state_dict(), "metadata": {**metadata, "steps": str(trainer.step)}},
                         folder / "best.pt")
            if trainer.step % SAVE == 0 or done or stopping:
                save({"trainer": trainer.snapshot(), "best": best, "minutes": minutes}, checkpoint)
            if done or stopping:
                break
            for name, value in trainer.advance().items():
                sums[name] = sums.get(name, 0.0) + value
            count += 1
            if trainer.step % TELL == 0:
                means = {name: value / count for name, value in sums.items()}
                pace = (time.time() - mark) / count
                print(f"train: step {trainer.step}/{steps} {shown(means)} {pace:.2f} s/step", flush=True)
                note({"step": trainer.step, **means, "seconds_per_step": pace})
                sums, count, mark = {}, 0, time.time()
    print(f"train: {'stopped' if stopping else 'done'} at step {trainer.step}, {minutes:.1f} min", flush=True)
