# SPDX-License-Identifier: MIT
"""The resident transformer's rival: PyTorch in float32 on the same weights, with its own cache of
keys and values.

    bench_torch_transformer.py WEIGHTS [STEPS [LANES...]]
    bench_torch_transformer.py WEIGHTS --onnx FILE

One note at a time, full windows, one thread; the heads are chained by the likeliest of each field,
without any sampling, which bench_net includes. Traced by torch.jit, which is faster than without.
Prints lines as bench_net does: medians over blocks of 16 steps, of one step of all lanes. With
--onnx the same step for one lane is written for ONNX Runtime (bench_ort_transformer.js).
"""

import json
import math
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bench_torch_lstm import read

BLOCK = 16
SIZES = (95, 128, 64, 32)


def metadata(path):
    with open(path, "rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        return json.loads(stream.read(length))["__metadata__"]


def norm(x):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def rotate(x, cos, sin):
    a, b = x[..., :32], x[..., 32:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Step(nn.Module):
    """note [B,4] int64, phase [64] (cosines, sines) and the caches [B,heads,window-1,64], keys and
    values of each layer -> next note [B,4], and what is to be written to the caches
    [B,heads,64]. Caches are given back by nobody, so nobody copies them. First composer and kind."""

    def __init__(self, tensors, windows):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor)
        self.windows = windows
        self.heads = tensors["layer0.gain"].shape[0]
        self.register_buffer("condition", tensors["embed.composer"][0] + tensors["embed.kind"][0])

    def forward(self, note, phase, *caches):
        at = dict(self.named_buffers())
        names = ("delta", "pitch", "duration", "velocity")
        x = self.condition + sum(at[f"embed_{name}"][note[:, k]] for k, name in enumerate(names))
        cos, sin = phase[:32], phase[32:]
        out = []
        for i in range(len(self.windows)):
            qkv = functional.linear(norm(x), at[f"layer{i}_qkv"]).view(-1, 3, self.heads, 64)
            query = rotate(norm(qkv[:, 0]), cos, sin) * at[f"layer{i}_gain"][:, None]
            key, value = rotate(norm(qkv[:, 1]), cos, sin), qkv[:, 2]
            score = torch.matmul(caches[2 * i], query[..., None])[..., 0].exp()
            own = (query * key).sum(-1, keepdim=True).exp()
            total = score.sum(-1, keepdim=True) + own + at[f"layer{i}_sink"].exp()[:, None]
            mixed = torch.matmul(score[:, :, None], caches[2 * i + 1])[:, :, 0] + own * value
            mixed = (mixed / total).reshape(-1, x.shape[1])
            x = x + functional.linear(mixed, at[f"layer{i}_proj"])
            hidden = functional.relu(functional.linear(norm(x), at[f"layer{i}_up"])).square()
            x = x + functional.linear(hidden, at[f"layer{i}_down"])
            out += [key, value]
        h = norm(x)
        drawn = []
        for k in range(4):
            a = functional.linear(h, at[f"head{k}_hidden"])
            for j in range(k):
                a = a + at[f"head{k}_seen{j}"][drawn[j]]
            logits = functional.linear(functional.relu(a).square(), at[f"head{k}_out"], at[f"head{k}_bias"])
            drawn.append(logits.argmax(-1))
        return (torch.stack(drawn, -1), *out)


def phase_of(number, ticks):
    index = torch.arange(16, dtype=torch.float64) / 15
    turns = torch.stack([number / (4.0 * 512.0**index), ticks / (12.0 * 1000.0**index)], -1).flatten()
    angle = ((turns % 1.0) * 2 * math.pi).float()
    return torch.cat([angle.cos(), angle.sin()])


def inputs_of(net, lanes):
    caches = []
    for window in net.windows:
        caches += [norm(torch.randn(lanes, net.heads, window - 1, 64)), torch.randn(lanes, net.heads, window - 1, 64)]
    note = torch.stack([torch.randint(size // 2, (lanes,)) for size in SIZES], -1)
    return note, caches


def measure(net, lanes, steps):
    """(median wall, median CPU, least CPU) microseconds of a step."""
    note, caches = inputs_of(net, lanes)
    walls, cpus = [], []
    with torch.no_grad():
        run = torch.jit.trace(net, (note, phase_of(1, 1), *caches), check_trace=False)
        for block in range(max(2, steps // BLOCK) + 2):
            wall, cpu = time.perf_counter(), time.process_time()
            for step in range(BLOCK):
                number = block * BLOCK + step
                note, *new = run(note, phase_of(number, 9 * number), *caches)
                for cache, row in zip(caches, new):
                    cache[:, :, number % cache.shape[2]] = row
            walls.append((time.perf_counter() - wall) / BLOCK * 1e6)
            cpus.append((time.process_time() - cpu) / BLOCK * 1e6)
    return float(np.median(walls[2:])), float(np.median(cpus[2:])), min(cpus[2:])


def main():
    path = sys.argv[1]
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net = Step(read(path), json.loads(metadata(path)["windows"])).eval()
    if sys.argv[2:3] == ["--onnx"]:
        note, caches = inputs_of(net, 1)
        with torch.no_grad():
            torch.onnx.export(
                net,
                (note, phase_of(1, 1), *caches),
                sys.argv[3],
                input_names=["note", "phase", *(f"in{i}" for i in range(len(caches)))],
                output_names=["next", *(f"out{i}" for i in range(len(caches)))],
                opset_version=15,
            )
        Path(sys.argv[3] + ".json").write_text(json.dumps({"windows": net.windows, "heads": net.heads}))
        return
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 160
    for lanes in [int(word) for word in sys.argv[3:]] or [1]:
        wall, cpu, least = measure(net, lanes, steps)
        print(
            f"lanes {lanes} wall_us {wall:.1f} cpu_us {cpu:.1f} steps_per_s {1e6 / wall:.0f} "
            f"cpu_us_least {least:.1f} threads 1",
            flush=True,
        )


if __name__ == "__main__":
    main()
