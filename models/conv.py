"""Causal dilated convolutions over frames, and the two nets of the article that are made of them.

Owns `Conv1d`, the article's simple convolutional net, and `Wavenet`, its pseudo-WaveNet; both
conditioned on the composer and both over about 10 s. Know shapes, not notes.

A convolution of `taps` taps and dilation d answers for a frame from its inputs 0, d, 2d, ...
frames ago. What it needs of the past is a cache of (taps - 1) d frames (Paine et al. 2016): the
state that is carried from chunk to chunk while training and from frame to frame while playing,
so that no window is ever computed twice.

    conv1d    x [256] -> conv1 256 (8 taps, d 1) -> conv2 256 (8, 8) -> conv3 256 (3, 64)
              -> dense1 256 -> dense2 384            relu after each; composer in conv1 and dense1
    wavenet   x [256] -> front 128 -> 5 blocks (5 taps, d 2, 4, 8, 16, 16)
              -> relu of the skips' sum [256] -> dense1 256 -> relu -> dense2 384

A block (van den Oord et al. 2016): gate [256 = filter, gate] = conv + composer;
u = tanh(filter) sigmoid(gate); out [384 = residual, skip] = dense u; x += residual.
"""

import torch
from torch import nn
from torch.nn import functional

INPUT, OUTPUT, PITCHES = 256, 384, 128


def _dense(value, weight, bias, kind):
    return functional.linear(value.to(kind), weight.to(kind)).float() + bias


class _RollNet(nn.Module):
    """What both nets share. Parameters carry the names of the exported file with '.' as '_'."""

    CACHES = ()  # (features, frames) of each convolution's past

    def start(self, batch):
        """Silent past: one [frames,batch,features] for each convolution."""
        return tuple(torch.zeros(frames, batch, features) for features, frames in self.CACHES)

    def masked(self, state, keep):
        """The state with lanes zeroed where keep [B,1] is 0."""
        return tuple(part * keep for part in state)

    def _make(self, name, rows, columns, composers=0, controls=0, gain=2.0):
        weight = torch.empty(rows, columns).normal_(std=(gain / columns) ** 0.5)
        setattr(self, f"{name}_weight", nn.Parameter(weight))
        setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(rows)))
        if composers:
            setattr(self, f"{name}_composer", nn.Parameter(torch.zeros(composers, rows)))
            # only while training: export folds it into the composers' rows (control.py)
            setattr(self, f"{name}_control", nn.Parameter(torch.zeros(controls, rows)))

    def _head(self, composers, controls):
        self._make("dense1", 256, 256, composers, controls)
        self._make("dense2", OUTPUT, 256, gain=0.5)
        with torch.no_grad():
            self.dense2_bias[:PITCHES] = 2.0
            self.dense2_bias[PITCHES : 2 * PITCHES] = -5.0

    def _told(self, name, composer, control):
        """What composer and control add to a layer, [B,rows]."""
        told = getattr(self, f"{name}_composer")[composer]
        return told if control is None else told + control @ getattr(self, f"{name}_control")

    def _convolve(self, name, x, past, taps, dilation, kind):
        """x [T,B,C], past [(taps-1) dilation,B,C] -> sums [T,B,rows], new past."""
        whole = torch.cat([past.to(kind), x.to(kind)])
        steps = x.shape[0]
        seen = torch.cat([whole[tap * dilation : tap * dilation + steps] for tap in range(taps)], 2)
        out = _dense(seen, getattr(self, f"{name}_weight"), getattr(self, f"{name}_bias"), kind)
        return out, torch.cat([past, x.detach().float()])[-past.shape[0] :]


class Conv1d(_RollNet):
    LAYERS = (("conv1", 8, 1), ("conv2", 8, 8), ("conv3", 3, 64))  # name, taps, dilation
    CACHES = tuple((256, (taps - 1) * dilation) for _, taps, dilation in LAYERS)

    def __init__(self, composers, dropout=0.1, controls=0):
        super().__init__()
        self.dropout = dropout
        for name, taps, _ in self.LAYERS:
            first = name == "conv1"
            self._make(name, 256, taps * 256, composers if first else 0, controls)
        with torch.no_grad():  # a frame has few ones among 256 entries
            self.conv1_weight.normal_(std=0.25)
        self._head(composers, controls)

    def forward(self, x, composer, state, kind=torch.float32, control=None):
        """x [T,B,256], composer [B] (int64), state of start(), control [B,controls] or None
        -> logits [T,B,384], new state."""
        after = []
        for index, (name, taps, dilation) in enumerate(self.LAYERS):
            x, past = self._convolve(name, x, state[index], taps, dilation, kind)
            after.append(past)
            if index == 0:
                x = x + self._told(name, composer, control)
            x = functional.dropout(functional.relu(x), self.dropout, self.training)
        x = _dense(x, self.dense1_weight, self.dense1_bias, kind) + self._told("dense1", composer, control)
        return _dense(functional.relu(x), self.dense2_weight, self.dense2_bias, kind), tuple(after)


class Wavenet(_RollNet):
    TAPS, DILATIONS, CHANNELS, SKIPS = 5, (2, 4, 8, 16, 16), 128, 256
    CACHES = tuple((128, 4 * dilation) for dilation in DILATIONS)

    def __init__(self, composers, dropout=0.1, controls=0):
        super().__init__()
        self.dropout = dropout
        self._make("front", self.CHANNELS, INPUT)
        for index in range(len(self.DILATIONS)):
            self._make(f"block{index}", 2 * self.CHANNELS, self.TAPS * self.CHANNELS, composers, controls, gain=1.0)
            self._make(f"out{index}", self.CHANNELS + self.SKIPS, self.CHANNELS, gain=1.0)
        with torch.no_grad():
            self.front_weight.normal_(std=0.4)
        self._head(composers, controls)

    def forward(self, x, composer, state, kind=torch.float32, control=None):
        """As Conv1d.forward."""
        x = _dense(x, self.front_weight, self.front_bias, kind)
        skips, after = 0.0, []
        for index, dilation in enumerate(self.DILATIONS):
            gates, past = self._convolve(f"block{index}", x, state[index], self.TAPS, dilation, kind)
            after.append(past)
            filtered, gate = (gates + self._told(f"block{index}", composer, control)).chunk(2, -1)
            u = functional.dropout(torch.tanh(filtered) * torch.sigmoid(gate), self.dropout, self.training)
            out = _dense(u, getattr(self, f"out{index}_weight"), getattr(self, f"out{index}_bias"), kind)
            x = x + out[..., : self.CHANNELS]
            skips = skips + out[..., self.CHANNELS :]
        y = _dense(functional.relu(skips), self.dense1_weight, self.dense1_bias, kind)
        y = functional.relu(y + self._told("dense1", composer, control))
        return _dense(y, self.dense2_weight, self.dense2_bias, kind), tuple(after)
