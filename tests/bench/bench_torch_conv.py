# SPDX-License-Identifier: MIT
"""A conv net in PyTorch, float32, one thread: with the caches of models/conv.py, and the whole
window anew for each frame (one product for all its frames).

    bench_torch_conv.py WEIGHTS WINDOW [STEPS [LANES...]]

Prints "cached" and "window" lines as bench_net does: medians of one step of all lanes; without any
sampling, which bench_net includes.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from models import export  # noqa: E402

BLOCK = 20


def timed(step, blocks, block):
    """(median wall, median CPU, least CPU) microseconds of step()."""
    walls, cpus = [], []
    for _ in range(blocks):
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(block):
            step()
        walls.append((time.perf_counter() - wall) / block * 1e6)
        cpus.append((time.process_time() - cpu) / block * 1e6)
    return float(np.median(walls)), float(np.median(cpus)), min(cpus)


def main():
    path, window = sys.argv[1], int(sys.argv[2])
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 200
    torch.set_num_threads(1)
    net, _ = export.load(path)
    for lanes in [int(word) for word in sys.argv[4:]] or [1, 8]:
        x = (torch.rand(window, lanes, 256) < 0.03).float()
        composer, silence = torch.zeros(lanes, dtype=torch.int64), net.start(lanes)
        state = silence

        def cached():
            nonlocal state
            state = net(x[:1], composer, state)[1]

        with torch.no_grad():
            for name, step, blocks, block in (
                ("cached", cached, max(3, steps // BLOCK), BLOCK),
                ("window", lambda: net(x, composer, silence), max(5, steps // BLOCK), 1),
            ):
                step()
                wall, cpu, least = timed(step, blocks, block)
                print(f"{name} lanes {lanes} wall_us {wall:.1f} cpu_us {cpu:.1f} cpu_us_least {least:.1f}", flush=True)


if __name__ == "__main__":
    main()
