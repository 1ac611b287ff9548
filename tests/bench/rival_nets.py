# SPDX-License-Identifier: MIT
"""The nets as the rivals play them: one step in PyTorch, float32, of the weights in our files.

`fitted()` makes one with the inputs of a first step. Where a net can be written in several ways,
each is a form, and the bench keeps the fastest. The conditions are those of the first composer,
folded into the biases; nothing is sampled. torch.onnx writes them for ONNX Runtime.
"""

import json
import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from models import export, safetensors  # noqa: E402

HIDDEN = 512
NOTE_SIZES = (95, 128, 64, 32)


class Lstm(nn.Module):
    """x [1,B,256], h1, c1, h2, c2 [1,B,512] -> logits [1,B,384], and the four anew: nn.LSTM."""

    def __init__(self, tensors):
        super().__init__()
        self.lstm1, self.lstm2 = nn.LSTM(256, HIDDEN), nn.LSTM(HIDDEN, HIDDEN)
        self.dense = nn.Sequential(
            nn.Linear(HIDDEN, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 384)
        )
        with torch.no_grad():
            for layer, name, inputs in ((self.lstm1, "lstm1", 256), (self.lstm2, "lstm2", HIDDEN)):
                weight, bias = parameters(tensors, name)
                layer.weight_ih_l0.copy_(weight[:, :inputs])
                layer.weight_hh_l0.copy_(weight[:, inputs:])
                layer.bias_ih_l0.copy_(bias)
                layer.bias_hh_l0.zero_()
            for index, name in enumerate(("dense1", "dense2", "dense3")):
                weight, bias = parameters(tensors, name)
                self.dense[2 * index].weight.copy_(weight)
                self.dense[2 * index].bias.copy_(bias)

    def forward(self, x, h1, c1, h2, c2):
        x, (h1, c1) = self.lstm1(x, (h1, c1))
        x, (h2, c2) = self.lstm2(x, (h2, c2))
        return self.dense(x), h1, c1, h2, c2


class Gates(nn.Module):
    """The same of a product for each layer, input and state in one, and the gates by themselves:
    x [B,256], the rest [B,512]."""

    def __init__(self, tensors):
        super().__init__()
        for name in ("lstm1", "lstm2", "dense1", "dense2", "dense3"):
            weight, bias = parameters(tensors, name)
            self.register_buffer(name + "_weight", weight)
            self.register_buffer(name + "_bias", bias)

    def layer(self, x, h, c, weight, bias):
        i, f, g, o = functional.linear(torch.cat([x, h], 1), weight, bias).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def forward(self, x, h1, c1, h2, c2):
        h1, c1 = self.layer(x, h1, c1, self.lstm1_weight, self.lstm1_bias)
        h2, c2 = self.layer(h1, h2, c2, self.lstm2_weight, self.lstm2_bias)
        x = torch.relu(functional.linear(h2, self.dense1_weight, self.dense1_bias))
        x = torch.relu(functional.linear(x, self.dense2_weight, self.dense2_bias))
        return functional.linear(x, self.dense3_weight, self.dense3_bias), h1, c1, h2, c2


def parameters(tensors, name):
    """(weight, bias) of a layer in float32, the first composer told."""
    bias = tensors[name + ".bias"].float()
    if name + ".composer" in tensors:
        bias = bias + tensors[name + ".composer"][0].float()
    return tensors[name + ".weight"].float(), bias


def norm(x):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def rotate(x, cos, sin):
    a, b = x[..., :32], x[..., 32:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Notes(nn.Module):
    """The transformer: note [B,4] int64, phase [64] (cosines, sines) and the caches
    [B,heads,window-1,64], keys and values of each layer -> next note [B,4], the likeliest of each
    field, and what is to be written to the caches [B,heads,64]. Caches are given back by nobody, so
    nobody copies them."""

    def __init__(self, tensors, windows):
        super().__init__()
        for name, tensor in tensors.items():
            self.register_buffer(name.replace(".", "_"), tensor.float())
        self.windows = windows
        self.heads = tensors["layer0.gain"].shape[0]
        self.register_buffer("condition", (tensors["embed.composer"][0] + tensors["embed.kind"][0]).float())

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
    """Cosines and sines of a note's place: its number and its time."""
    index = torch.arange(16, dtype=torch.float64) / 15
    turns = torch.stack([number / (4.0 * 512.0**index), ticks / (12.0 * 1000.0**index)], -1).flatten()
    angle = ((turns % 1.0) * 2 * math.pi).float()
    return torch.cat([angle.cos(), angle.sin()])


FORMS = {"lstm": {"lstm": Lstm, "gates": Gates}, "transformer": {"step": Notes}}


def fitted(path, form, lanes):
    """(net, inputs of its first step) of a weights file: a frame with few notes and no state, or a
    note and full windows."""
    stored, metadata = safetensors.read(path)
    tensors = {name: export.restored(stored, name) for name in stored if not name.endswith(".scale")}
    kind = metadata["net"]
    torch.manual_seed(1)
    if kind == "lstm":
        first = (1,) if form == "lstm" else ()
        x = (torch.rand(*first, lanes, 256) < 0.03).float()
        return Lstm(tensors) if form == "lstm" else Gates(tensors), (
            x,
            *(torch.zeros(*first, lanes, HIDDEN) for _ in range(4)),
        )
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("plan.")}
    net = Notes(tensors, json.loads(metadata["windows"]))
    note = torch.stack([torch.randint(size // 2, (lanes,)) for size in NOTE_SIZES], -1)
    caches = []
    for window in net.windows:
        caches += [norm(torch.randn(lanes, net.heads, window - 1, 64)), torch.randn(lanes, net.heads, window - 1, 64)]
    return net, (note, phase_of(1, 1), *caches)
