# SPDX-License-Identifier: MIT
"""The resident LSTM's rival: PyTorch's nn.LSTM and nn.Linear in float32 on the same weights.

    bench_torch_lstm.py WEIGHTS [STEPS [LANES...]]

One step at a time with the state carried on, as live composing must; without any sampling, which
bench_net includes. Prints lines as bench_net does, for the best of 1 and 2 threads (by the median
wall time): medians over blocks of 20 steps, of one step of all lanes. CPU time is the process's.
"""

import json
import struct
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

BLOCK = 20


def read(path):
    """{name: float32 tensor} of a safetensors file's F32 and BF16 arrays."""
    raw = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            bits = np.frombuffer(raw[begin:end], "<u2").astype(np.uint32) << 16
            values = bits.view(np.float32)
        elif entry["dtype"] == "F32":
            values = np.frombuffer(raw[begin:end], "<f4").copy()
        else:
            continue
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return tensors


class Net(nn.Module):
    """x [1,B,256] and state -> logits [1,B,384] and state; the first composer's."""

    def __init__(self, tensors):
        super().__init__()
        self.lstm1, self.lstm2 = nn.LSTM(256, 512), nn.LSTM(512, 512)
        self.dense1, self.dense2, self.dense3 = nn.Linear(512, 256), nn.Linear(256, 256), nn.Linear(256, 384)
        with torch.no_grad():
            for layer, name, inputs in ((self.lstm1, "lstm1", 256), (self.lstm2, "lstm2", 512)):
                weight = tensors[f"{name}.weight"]
                layer.weight_ih_l0.copy_(weight[:, :inputs])
                layer.weight_hh_l0.copy_(weight[:, inputs:])
                layer.bias_ih_l0.copy_(tensors[f"{name}.bias"])
                layer.bias_hh_l0.zero_()
            self.lstm1.bias_ih_l0 += tensors["lstm1.composer"][0]
            for layer, name in ((self.dense1, "dense1"), (self.dense2, "dense2"), (self.dense3, "dense3")):
                layer.weight.copy_(tensors[f"{name}.weight"])
                layer.bias.copy_(tensors[f"{name}.bias"])
            self.dense1.bias += tensors["dense1.composer"][0]

    def forward(self, x, one, two):
        h, one = self.lstm1(x, one)
        h, two = self.lstm2(h, two)
        h = torch.relu(self.dense1(h))
        h = torch.relu(self.dense2(h))
        return self.dense3(h), one, two


def measure(net, lanes, steps):
    """(median wall, median CPU) microseconds of a step."""
    x = (torch.rand(1, lanes, 256) < 0.03).float()
    one = two = (torch.zeros(1, lanes, 512), torch.zeros(1, lanes, 512))
    walls, cpus = [], []
    with torch.no_grad():
        for _ in range(BLOCK):
            _, one, two = net(x, one, two)
        for _ in range(max(1, steps // BLOCK)):
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(BLOCK):
                _, one, two = net(x, one, two)
            walls.append((time.perf_counter() - wall) / BLOCK * 1e6)
            cpus.append((time.process_time() - cpu) / BLOCK * 1e6)
    return float(np.median(walls)), float(np.median(cpus)), min(cpus)


def main():
    path = sys.argv[1]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 400
    net = Net(read(path)).eval()
    for lanes in [int(word) for word in sys.argv[3:]] or [1, 8, 16]:
        best = None
        for threads in (1, 2):
            torch.set_num_threads(threads)
            result = (*measure(net, lanes, steps), threads)
            best = result if best is None or result[0] < best[0] else best
        wall, cpu, least, threads = best
        print(
            f"lanes {lanes} wall_us {wall:.1f} cpu_us {cpu:.1f} steps_per_s {1e6 / wall:.0f} "
            f"cpu_us_least {least:.1f} threads {threads}",
            flush=True,
        )


if __name__ == "__main__":
    main()
