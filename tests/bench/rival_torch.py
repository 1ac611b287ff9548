# SPDX-License-Identifier: MIT
"""PyTorch in float32 on the same weights, one thread: a worker of run.py.

    rival_torch.py

Reads requests, a line each, and answers each with a line of "key value" pairs.

    lstm WEIGHTS FORM LANES STEPS          steps, the state carried on
    transformer WEIGHTS FORM LANES STEPS   notes with a cache of keys and values, windows full
    conv WEIGHTS LANES STEPS               frames from the caches of models/conv.py
    window WEIGHTS FRAMES LANES STEPS      frames, for each all the window anew, in one product
    onnx WEIGHTS FORM LANES FILE           writes that step for ONNX Runtime: "written"

    wall_us 612.3 cpu_us 615.0             of one step of all lanes; the median of BLOCKS blocks

Traced by torch.jit, which is faster than without; nothing is sampled.
"""

import statistics
import sys
import time

import torch

import rival_nets
from models import export

BLOCKS = 5

made = {}  # request less STEPS -> step()


def lstm(path, form, lanes):
    net, (x, *state) = rival_nets.fitted(path, form, int(lanes))
    trained, _ = export.load(path)
    expected, _ = trained(x.view(1, -1, 256), torch.zeros(int(lanes), dtype=torch.int64), trained.start(int(lanes)))
    off = (net(x, *state)[0].view_as(expected) - expected).abs().max()
    if off > 1e-3:
        sys.exit(f"this LSTM is not the one that was trained: its logits are off by {off:.2g}")
    run = torch.jit.trace(net.eval(), (x, *state), check_trace=False)

    def step():
        nonlocal state
        _, *state = run(x, *state)

    return step


def transformer(path, form, lanes):
    net, (note, phase, *caches) = rival_nets.fitted(path, form, int(lanes))
    run = torch.jit.trace(net.eval(), (note, phase, *caches), check_trace=False)
    number = 0

    def step():
        nonlocal note, number
        number += 1
        note, *new = run(note, rival_nets.phase_of(number, 9 * number), *caches)
        for cache, row in zip(caches, new):
            cache[:, :, number % cache.shape[2]] = row

    return step


def conv(path, lanes):
    net, _ = export.load(path)
    x = (torch.rand(1, int(lanes), 256) < 0.03).float()
    composer, state = torch.zeros(int(lanes), dtype=torch.int64), net.start(int(lanes))

    def step():
        nonlocal state
        state = net(x, composer, state)[1]

    return step


def window(path, frames, lanes):
    net, _ = export.load(path)
    x = (torch.rand(int(frames), int(lanes), 256) < 0.03).float()
    composer, silence = torch.zeros(int(lanes), dtype=torch.int64), net.start(int(lanes))
    return lambda: net(x, composer, silence)


def onnx(path, form, lanes, file):
    net, inputs = rival_nets.fitted(path, form, int(lanes))
    states = [f"state{i}" for i in range(len(inputs) - (2 if "transformer" in path else 1))]
    first = ["note", "phase"] if len(inputs) - len(states) == 2 else ["x"]
    torch.onnx.export(
        net.eval(),
        inputs,
        file,
        input_names=first + states,
        output_names=["out", *(f"new_{name}" for name in states)],
        opset_version=15,
    )


MAKERS = {maker.__name__: maker for maker in (lstm, transformer, conv, window)}


def measure(step, steps):
    """(wall, CPU) microseconds of a step."""
    size = max(1, steps // BLOCKS)
    walls, cpus = [], []
    for block in range(BLOCKS + 1):  # the first finds the machine as the others left it
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(size):
            step()
        if block > 0:
            walls.append((time.perf_counter() - wall) / size * 1e6)
            cpus.append((time.process_time() - cpu) / size * 1e6)
    return statistics.median(walls), statistics.median(cpus)


def answer(words):
    if words[0] == "onnx":
        onnx(*words[1:])
        return "written"
    key = tuple(words[:-1])
    if key not in made:
        made[key] = MAKERS[words[0]](*words[1:-1])
        for _ in range(3):
            made[key]()  # torch.jit makes its plans
    wall, cpu = measure(made[key], int(words[-1]))
    return f"wall_us {wall:.1f} cpu_us {cpu:.1f}"


def main():
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    out = sys.stdout
    sys.stdout = sys.stderr  # torch.onnx chatters
    with torch.no_grad():
        print(f"version {torch.__version__}", file=out, flush=True)
        for line in sys.stdin:
            print(answer(line.split()), file=out, flush=True)


if __name__ == "__main__":
    main()
