"""Golden vectors: what PyTorch answers, for the tests of the GPU kernels.

Owns one small file: inputs, states and outputs of 24 steps (240 of a conv net) in 2 lanes (lane 0
the first composer, bach; lane 1 the second, chopin), computed in float32 with
the rounded weights of an exported file, from zero state. The music fed in is a
phrase made up here, no data of anybody's.

    python3 -m models.golden [--weights FILE] [--out FILE]

Tensors (N steps): x [N,2,256], composer [2] (I32; last in the file), h1 c1 h2
c2 [N,2,512] after each step (of the lstm), logits [N,2,384]; all but composer F32.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from . import export, midi, roll, rollnets, safetensors

ROOT = Path(__file__).resolve().parents[1]
STEPS = 24


def phrase(lane):
    """A made-up phrase as a note array: a rising arpeggio over a bass; one repeats notes."""
    notes = []
    if lane == 0:
        for index, pitch in enumerate((60, 64, 67, 72, 71, 67, 62, 65)):
            notes.append((index * 0.15, index * 0.15 + 0.25, pitch, 60 + 4 * index))
        notes += [(0.0, 0.6, 48, 70), (0.6, 1.2, 43, 66)]
    else:
        for index in range(5):  # a struck-again pitch under a held chord
            notes.append((index * 0.2, index * 0.2 + 0.2, 76, 50 + 9 * index))
        notes += [(0.05, 1.1, 52, 44), (0.1, 1.1, 59, 41), (0.15, 1.1, 68, 47), (1.15, 1.2, 88, 127)]
    return midi.separate(np.array(notes, midi.NOTE))


def repeated(notes, steps):
    """The phrase again and again, each time a semitone higher."""
    again = []
    for time in range(-(-steps // STEPS)):
        more = notes.copy()
        for name in ("onset", "offset"):
            more[name] += time * STEPS / roll.FRAMES_PER_SECOND
        more["pitch"] = np.minimum(more["pitch"].astype(int) + time, roll.HIGHEST)
        again.append(more)
    return midi.separate(np.concatenate(again))


def steps_of(net):
    """As many as it takes for the last frame to have forgotten the first one's cache."""
    return STEPS if rollnets.name_of(net) == "lstm" else 10 * STEPS


def vectors(net):
    """{name: tensor} of the golden file, for a net of the roll vocabulary."""
    steps = steps_of(net)
    x = np.stack([roll.dense(roll.from_notes(repeated(phrase(lane), steps)), 0, steps) for lane in (0, 1)], 1)
    x = torch.from_numpy(x)
    composer = torch.tensor([0, 1])
    state = net.start(2)
    net.eval()
    states = ("h1", "c1", "h2", "c2") if rollnets.name_of(net) == "lstm" else ()
    kept = {name: [] for name in (*states, "logits")}
    with torch.no_grad():
        for step in range(steps):
            logits, state = net(x[step : step + 1], composer, state)
            for name, value in zip(states, state):
                kept[name].append(value.clone())
            kept["logits"].append(logits[0].clone())
    out = {"x": x.contiguous()}
    out.update({name: torch.stack(values) for name, values in kept.items()})
    out["composer"] = composer.to(torch.int32)
    return out


def main():
    parser = argparse.ArgumentParser(description="Compute the golden vectors of an exported net.")
    parser.add_argument("--weights", default=str(export.WEIGHTS))
    parser.add_argument("--out", help="default: tests/data/golden-NET.safetensors")
    arguments = parser.parse_args()
    net, metadata = export.load(arguments.weights)
    out = arguments.out or str(ROOT / "tests" / "data" / f"golden-{metadata['net']}.safetensors")
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    safetensors.write(
        out,
        vectors(net),
        {
            "format": "fermata-golden-1",
            "net": metadata["net"],
            "weights_sha256": export.digest(arguments.weights),
            "torch": torch.__version__,
        },
    )
    print(f"golden: {out}")


if __name__ == "__main__":
    main()
