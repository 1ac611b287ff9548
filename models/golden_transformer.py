"""Golden vectors of a transformer: what PyTorch answers, for the tests of the GPU kernels.

Owns one small file: tuples, conditions and answers of N notes in 2 lanes, computed in float32
with the rounded weights of an exported file, from the start on. The music fed in is made up.

    python3 -m models.golden_transformer --weights FILE --out FILE [--notes N]

Tensors: tuples [2,N,4], composer kind [2], control [2,6] (bucket or -1), all I32; logits of what
follows the start (row 0) and each note (rows 1..N), given the *next* tuple's former fields:
logits0 [2,N,95], logits1 [2,N,128], logits2 [2,N,64], logits3 [2,N,32], and h [2,N,256], F32;
row i speaks of tuple i. N defaults to 560: longer than the largest window.
"""

import argparse

import numpy as np
import torch

from . import control, export, export_transformer, notes, safetensors


def phrase(lane, count):
    """Made-up tuples [count,4]: chords and runs, one lane faster and lower than the other."""
    rng = np.random.default_rng(lane)
    out = np.zeros((count, 4), np.int64)
    out[:, 0] = rng.choice([0, 0, 9, 12, 25, 40 + 10 * lane], count)
    out[:, 1] = np.clip(60 - 9 * lane + np.cumsum(rng.integers(-4, 5, count)) % 30, 21, 108)
    out[:, 2] = rng.integers(10, 50, count)
    out[:, 3] = rng.integers(8, 28, count)
    out[0, 0] = 0
    return out


def vectors(net, count):
    """{name: tensor} of the golden file."""
    tuples = torch.from_numpy(np.stack([phrase(lane, count) for lane in (0, 1)]))
    composer, kind = torch.tensor([0, 1]), torch.tensor([0, 1])
    wanted = torch.tensor([[4, 3, 5, 2, 7, 3], [-1, 6, -1, 0, 21, -1]])
    told = torch.zeros(2, control.NOTES_SIZE)
    place = 0
    for index, edges in enumerate(control.NOTES_BUCKETS.values()):
        for lane in (0, 1):
            if wanted[lane, index] >= 0:
                told[lane, place + wanted[lane, index]] = 1
        place += len(edges) + 1
    inputs = torch.cat([torch.zeros(2, 1, 4, dtype=torch.int64), tuples[:, :-1]], 1)
    deltas = torch.from_numpy(notes.DELTA_TICKS[inputs[..., 0].numpy()])
    deltas[:, :2] = 0
    length = (count + 511) // 512 * 512  # whole blocks of attention
    pad = length - count

    def padded(value):
        return torch.nn.functional.pad(value, (0,) * (2 * (value.dim() - 2)) + (0, pad))

    starts = torch.zeros(2, length, dtype=torch.bool)
    starts[:, 0] = True
    with torch.no_grad():
        x = net.embed(padded(inputs), starts, composer[:, None].expand(2, length), kind[:, None].expand(2, length),
                      told[:, None].expand(2, length, -1))
        h = net.body(x, torch.arange(length).expand(2, length), padded(torch.cumsum(deltas, 1)))[:, :count]
        out = {"tuples": tuples.int(), "composer": composer.int(), "kind": kind.int(), "control": wanted.int(), "h": h.contiguous()}
        for field, head in enumerate(net.heads):
            out[f"logits{field}"] = head(h, [tuples[..., j] for j in range(field)], torch.float32).contiguous()
    return out


def main():
    parser = argparse.ArgumentParser(description="Compute the golden vectors of an exported transformer.")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--notes", type=int, default=560)
    arguments = parser.parse_args()
    net, metadata, _ = export_transformer.load(arguments.weights)
    safetensors.write(
        arguments.out,
        vectors(net, arguments.notes),
        {"format": "fermata-golden-1", "net": metadata["net"],
         "weights_sha256": export.digest(arguments.weights), "torch": torch.__version__},
    )
    print(f"golden: {arguments.out}")


if __name__ == "__main__":
    main()
