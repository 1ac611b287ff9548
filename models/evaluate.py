"""Evaluation: what a net composes, measured against human music.

Composes with the daemon's engine, streams and pieces, and measures them:

    python3 -m models.evaluate --fermatad PATH --net NET [--composer X ...] --out FOLDER

Nothing that lies in FOLDER/NET is composed again, and without --fermatad nothing is composed at
all: any MIDI may be laid into FOLDER/NET/COMPOSER/stream-0.mid, stream-1.mid, ... and measured.
Writes FOLDER/NET/results.json, for models.report. The human reference is the validation split of
the archive the net was trained on, or --test FOLDER, which holds a folder of MIDI a composer.

Measures: surprise.py, features.py, classifier.py, originality.py, playability.py.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch

from . import (archive, classifier, export, export_transformer, features, midi, originality, passages, playability,
               rollnets, safetensors, surprise, windows)

WINDOWS = 20  # of each draw, of generated music and of human music beside it
REFERENCE = 60  # human windows to measure against, at most
TRAIN = 150  # human windows of train that the ceiling is drawn from, at most
SETS = {"stream": "streams", "piece": "pieces"}  # file name's beginning -> what they are


def compose(fermatad, weights, net, composer, folder, kind, count, minutes, seed):
    """The MIDI files of one set, composed where they are not all there; what was run, or None."""
    files = [folder / f"{kind}-{index}.mid" for index in range(count)]
    if all(file.is_file() for file in files):
        return None
    folder.mkdir(parents=True, exist_ok=True)
    parts = [file.with_name("part-" + file.name) for file in files]
    command = [fermatad, "--compose", "--composer", composer, "--net", net, "--minutes", f"{minutes:g}",
               "--seed", str(seed), "--licence", "any", *map(str, parts)]
    began = time.time()
    done = subprocess.run(command, env={**os.environ, "FERMATA_MODELS": str(weights.parent)}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
    for part, file in zip(parts, files):
        os.replace(part, file)
    named = ["fermatad", *command[1:-len(parts)], *(file.name for file in files)]
    return {"command": shlex.join(named), "seconds": round(time.time() - began, 1), "minutes": count * minutes}


def read(folder, kind):
    """The note arrays of a set, in the order of their numbers."""
    files = sorted(folder.glob(f"{kind}-*.mid"), key=lambda f: (len(f.name), f.name))
    return [midi.read(str(file)) for file in files]


def _cut(arrays, composer, kind):
    """All windows of the arrays."""
    return [w for i, a in enumerate(arrays) for w in windows.of_stream(a, composer, f"{kind}-{i}", None)]


class Composer:
    """One composer's human music and its figures, made once for all sets."""

    def __init__(self, name, pieces, judge, offered, book, test=None):
        self.name, self.judge, self.offered, self.book = name, judge, offered, book
        self.human = windows.human(pieces, name, test)
        self.reference = windows.of_pieces(self.human.reference, most=REFERENCE)
        if len(self.reference) < 3:
            raise ValueError(f"{name}: too little human music to measure against")
        self.reference_table = features.table(self.reference)
        self.train_table = features.table(windows.of_pieces(self.human.train, most=TRAIN))
        self.arrays = [window.notes for window in self.reference]

    def about(self):
        """Figures of the human music alone."""
        judged = {
            "accuracy": self.judge.accuracy(self.arrays, self.name),
            "accuracy_offered": self.judge.accuracy(self.arrays, self.name, self.offered),
        }
        return {
            "windows": len(self.reference), "pieces": len(self.human.reference), "held_out": self.human.held_out,
            "fidelity": judged,
            "originality": originality.of_set([p.notes for p in self.human.reference], self.book, others=True),
            "playability": playability.of(self.arrays),
        }

    def measure(self, arrays, kind, tick):
        """Figures of one set of composed note arrays."""
        cut = _cut(arrays, self.name, kind)
        if len(cut) < 3:
            raise ValueError(f"{self.name}: less than three windows of {windows.SECONDS:.0f} s in its {SETS[kind]}")
        some = [window.notes for window in cut]
        names, counts = np.unique(self.judge.judge(some), return_counts=True)
        return {
            "windows": len(cut),
            **features.against(features.table(cut), self.train_table, self.reference_table, WINDOWS),
            "fidelity": {
                "accuracy": self.judge.accuracy(some, self.name),
                "accuracy_offered": self.judge.accuracy(some, self.name, self.offered),
                "judged": dict(sorted(zip(names.tolist(), counts.tolist()), key=lambda pair: -pair[1])),
            },
            "originality": originality.of_set(arrays, self.book, tick),
            "playability": playability.of(arrays),
        }


def known_data(metadata):
    """Archive names that the weights have seen, the one of their family first."""
    named = [metadata["data"].split()[0]]
    for former in json.loads(metadata.get("pretrained", "[]")):
        named.append(former["data"].split()[0])
    return list(dict.fromkeys(named))


def keep(former, results, composers, likelihood):
    """Puts what was found before of these composers, and the likelihood where that is asked for, into results."""
    found = {name: former["composers"][name] for name in composers if name in former["composers"]}
    results["composers"].update(found)
    if found:
        results["command"] = f"{former['command']}; {results['command']}"
    if likelihood and "likelihood" in former:
        results["likelihood"] = former["likelihood"]


def main():
    parser = argparse.ArgumentParser(description="Compose with the daemon, and measure it beside human music.")
    parser.add_argument("--net", required=True, help="name of the weights, such as transformer-open")
    parser.add_argument("--fermatad", help="the daemon to compose with; without it what lies in FOLDER is measured")
    parser.add_argument("--weights", help="weights file (default: the net's in models/weights)")
    parser.add_argument("--composer", action="append",
                        help="default: all that are offered; of the others, what was found before of the same weights is kept")
    parser.add_argument("--out", required=True, metavar="FOLDER")
    parser.add_argument("--streams", type=int, default=4, help="endless ones, cut off after --minutes")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--pieces", type=int, default=5, help="short runs of their own, each of --piece-minutes")
    parser.add_argument("--piece-minutes", type=float, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--test", help="folder of MIDI to measure against, one folder a composer")
    parser.add_argument("--no-likelihood", action="store_true",
                        help="leave out what takes longest; what was found before of the same weights is kept")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    weights = Path(arguments.weights or export.WEIGHTS.parent / f"{arguments.net}.safetensors").resolve()
    _, metadata = safetensors.read(weights)
    names, offered = json.loads(metadata["composers"]), json.loads(metadata["offered"])
    wanted = arguments.composer or offered
    for name in wanted:
        if name not in offered:
            parser.error(f"{arguments.net} does not offer {name}, but {', '.join(offered)}")
    notes_net = metadata["net"] not in rollnets.KINDS
    folder = Path(arguments.out) / arguments.net
    began = time.time()

    def lap(text):
        print(f"evaluate: {time.time() - began:5.0f} s  {text}", flush=True)

    runs = json.loads((folder / "runs.json").read_text()) if (folder / "runs.json").is_file() else {}
    if arguments.fermatad:
        for name in wanted:
            for kind, count, minutes in (("stream", arguments.streams, arguments.minutes),
                                         ("piece", arguments.pieces, arguments.piece_minutes)):
                ran = compose(arguments.fermatad, weights, arguments.net, name, folder / name, kind, count, minutes,
                              arguments.seed + (1000 if kind == "piece" else 0))
                if ran:
                    runs[f"{name} {kind}"] = ran
                    (folder / "runs.json").write_text(json.dumps(runs, indent=1))
                    lap(f"{name}: {ran['minutes']:g} minutes of {SETS[kind]} composed in {ran['seconds']:.0f} s")

    data = [archive.load(archive.DATA / name) for name in known_data(metadata)]
    own = passages.levelled(data[0].pieces)
    test = windows.folder(arguments.test) if arguments.test else None
    judge = classifier.load(classifier.present(), lap)
    book = originality.Book([p for each in data for p in each.of("train")])
    lap(f"{len(book.hash)} runs of 12 notes in {' and '.join(known_data(metadata))}; "
        f"{len(judge.names)} composers to tell apart")

    results = {
        "net": arguments.net, "kind": metadata["net"], "family": metadata["family"], "sha256": export.digest(weights),
        "metadata": {k: metadata[k] for k in ("data", "command", "steps", "seed", "licence") if k in metadata},
        "commit": export.commit(), "machine": platform.machine(), "runs": runs, "offered": offered, "test": bool(test),
        "command": "python3 -m models.evaluate " + shlex.join(
            a.replace(arguments.out, "FOLDER").replace(arguments.fermatad or "FERMATAD", "fermatad")
            .replace(arguments.weights or "WEIGHTS", "FILE") for a in sys.argv[1:]),
        "judged_composers": judge.names, "composers": {},
    }
    former = json.loads((folder / "results.json").read_text()) if (folder / "results.json").is_file() else {}
    if former.get("sha256") == results["sha256"]:
        keep(former, results, [name for name in offered if name not in wanted], arguments.no_likelihood)
    if not arguments.no_likelihood:
        validation = test or data[0].of("validation")
        if notes_net:
            net = export_transformer.load(weights)[0]
            results["likelihood"] = surprise.of_notes(net, names, data[0].of("train"), validation)
        else:
            results["likelihood"] = surprise.of_frames(export.load(weights)[0], names, data[0].of("train"), validation)
        lap(f"likelihood {results['likelihood']['all']:.3f} nats per {results['likelihood']['unit']}, "
            f"floor {results['likelihood']['floor']:.3f}")
    for name in wanted:
        human = Composer(name, own, judge, offered, book, test)
        found = {"human": human.about()}
        for kind, title in SETS.items():
            arrays = [a for a in read(folder / name, kind) if len(a)]
            if arrays:
                found[title] = human.measure(arrays, kind, 0.01 if notes_net else 0.05)
                lap(f"{name}, {title}: OA {found[title]['mean']:.3f} of the ceiling "
                    f"({' '.join(f'{v:.3f}' for v in found[title]['draws']['mean'])} in single draws), "
                    f"worst {found[title]['worst']:.3f} ({found[title]['worst_name']}); accuracy {found[title]['fidelity']['accuracy']:.2f} "
                    f"(human {found['human']['fidelity']['accuracy']:.2f}); quoted {found[title]['originality']['quoted']:.5f} "
                    f"(human {found['human']['originality']['quoted']:.5f})")
        results["composers"][name] = found
        (folder / name).mkdir(parents=True, exist_ok=True)
        midi.write(human.reference[len(human.reference) // 2].notes, str(folder / name / "human.mid"))
    results["composers"] = {name: results["composers"][name] for name in offered if name in results["composers"]}
    (folder / "results.json").write_text(json.dumps(results, indent=1))
    lap(f"{folder / 'results.json'}")


if __name__ == "__main__":
    main()
