"""The net that plays like a pianist: a decoder-only transformer, one step per note.

Owns the equations and the initial weights. Knows tuples (notes.py), not MIDI.

    x = delta[.] + pitch[.] + duration[.] + velocity[.]   (or `start`, where a piece begins)
        + composer[.] + kind[.] + control (multi-hot rows of control.py's buckets)
    for each layer: x += proj attention(norm x);  x += down relu^2(up norm x)
    h = norm x
    four chained heads, each sees what the former drew, in the order of the fields:
        a_k = relu^2(head_k.hidden h + sum over j<k of head_k.seen_j[drawn_j])
        logits_k = head_k.out a_k + head_k.bias

norm is x / sqrt(mean x^2 + 1e-6), without gains. No biases but the heads'. Queries and keys
are normed per head (Henry et al. 2020), then rotated (RoPE, Su et al. 2021): of the 32 pairs
of a head the even ones turn with the *number* of the note, the odd ones with its *time* in
ticks, so that "the note before the last" and "half a second ago" are both one look away. Both
are relative, so positions never break; phases are exact modulo one turn.

Attention is causal within `window` notes (Beltagy et al. 2020) and has a learned sink a head,
one more logit in the softmax that carries no value (Xiao et al. 2023; Miller 2023), so nothing
leans on first notes that will one day leave the window:

    p_ij = exp(gain q_i.k_j) / (exp(sink) + sum_j exp(gain q_i.k_j)),  i - window < j <= i
"""

import math

import torch
from torch import nn
from torch.nn import functional

from . import control, notes

WIDTH, LAYERS, HEADS, HEAD, HIDDEN = 256, 6, 4, 64, 1024
WINDOWS = (128, 128, 512, 128, 128, 512)  # notes, per layer
PERIODS_NOTES = (4.0, 2048.0)  # shortest and longest turn of the even pairs, in notes
PERIODS_TICKS = (12.0, 12000.0)  # of the odd pairs, in ticks of 10 ms
GAIN = 1.0  # initial factor of q.k / sqrt(HEAD)


def turns():
    """(per note [16], per tick [16]) float64: turns a step of each rotated pair, in whole 2^-32
    of a turn, so that a wrapping 32-bit product gives the phase of any position exactly."""
    index = torch.arange(HEAD // 4, dtype=torch.float64) / (HEAD // 4 - 1)
    out = []
    for shortest, longest in (PERIODS_NOTES, PERIODS_TICKS):
        out.append(torch.round(2.0**32 / (shortest * (longest / shortest) ** index)) / 2.0**32)
    return tuple(out)


def phases(number, ticks):
    """cos and sin [..., 32] float32 for positions [...] int64."""
    per_note, per_tick = turns()
    whole = torch.stack([number[..., None] * per_note, ticks[..., None] * per_tick], -1)
    angle = ((whole % 1.0) * (2.0 * math.pi)).float().flatten(-2)  # pairs alternate
    return angle.cos(), angle.sin()


def norm(x):
    return x * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6)


class _Attention(torch.autograd.Function):
    """Softmax attention in blocks of `window`, each over itself and the block before it.

    q, k, v [N,T,HEAD] of one dtype (N = batch x heads, T a multiple of window, or less than
    one); gain and sink [N] float32. Queries and keys are normed, so |q.k| is bounded and exp
    needs no maximum taken off.
    """

    @staticmethod
    def _blocks(k, window):
        n, t, d = k.shape
        blocks = k.view(n, t // window, window, d)
        before = functional.pad(blocks[:, :-1], (0, 0, 0, 0, 1, 0))
        return torch.cat([before, blocks], 2).view(-1, 2 * window, d)

    @staticmethod
    def _mask(t, window, like):
        row = torch.arange(window)[:, None]
        column = torch.arange(2 * window)[None]
        mask = ((column <= row + window) & (column > row)).to(like)
        full = mask.expand(t // window, window, 2 * window).clone()
        full[0, :, :window] = 0
        return full

    @staticmethod
    def forward(ctx, q, k, v, gain, sink, window):
        n, t, d = q.shape
        blocks = t // window
        scaled = q * gain[:, None, None].to(q.dtype)
        kk, vv = _Attention._blocks(k, window), _Attention._blocks(v, window)
        mask = _Attention._mask(t, window, q.dtype)
        p = torch.bmm(scaled.reshape(-1, window, d), kk.transpose(1, 2))
        p.exp_()
        p.view(n, blocks, window, 2 * window).mul_(mask)
        total = p.sum(-1, dtype=torch.float32) + sink.exp().repeat_interleave(blocks)[:, None]
        p.mul_((1.0 / total).to(p.dtype)[..., None])
        out = torch.bmm(p, vv)
        ctx.save_for_backward(q, k, v, gain, sink, p, total, out)
        ctx.window = window
        return out.view(n, t, d)

    @staticmethod
    def backward(ctx, d_out):
        q, k, v, gain, sink, p, total, out = ctx.saved_tensors
        window = ctx.window
        n, t, d = q.shape
        blocks = t // window
        kk, vv = _Attention._blocks(k, window), _Attention._blocks(v, window)
        d_out = d_out.reshape(-1, window, d)
        d_v = torch.bmm(p.transpose(1, 2), d_out)
        d_p = torch.bmm(d_out, vv.transpose(1, 2))
        mean = (d_out.float() * out.float()).sum(-1, keepdim=True)
        # the sink's probability is exp(sink) / total, its value is nought
        share = sink.exp().repeat_interleave(blocks)[:, None] / total
        d_sink = -(share * mean[..., 0]).view(n, -1).sum(-1)
        d_p.sub_(mean.to(d_p.dtype)).mul_(p)
        flat = q.reshape(-1, window, d)
        d_scaled = torch.bmm(d_p, kk)
        each = gain.repeat_interleave(blocks)[:, None, None]
        d_gain = (d_scaled.float() * flat.float()).sum((-1, -2)).view(n, -1).sum(-1)
        d_q = (d_scaled * each.to(q.dtype)).view(n, t, d)
        d_kk = torch.bmm(d_p.transpose(1, 2), flat) * each.to(q.dtype)

        def gather(grad):
            grad = grad.view(n, blocks, 2, window, d)
            whole = grad[:, :, 1].clone()
            whole[:, :-1] += grad[:, 1:, 0]
            return whole.view(n, t, d)

        return d_q, gather(d_kk), gather(d_v), d_gain, d_sink, None


def rotate(x, cos, sin):
    """x [..., 64], cos and sin [..., 32]: pair i is (x[i], x[32+i])."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class Layer(nn.Module):
    def __init__(self, window):
        super().__init__()
        self.window = window
        self.qkv = nn.Parameter(torch.empty(3 * WIDTH, WIDTH).normal_(std=WIDTH**-0.5))
        self.gain = nn.Parameter(torch.full((HEADS,), GAIN))
        self.sink = nn.Parameter(torch.zeros(HEADS))
        self.proj = nn.Parameter(torch.zeros(WIDTH, WIDTH))
        self.up = nn.Parameter(torch.empty(HIDDEN, WIDTH).normal_(std=WIDTH**-0.5))
        self.down = nn.Parameter(torch.zeros(WIDTH, HIDDEN))

    def forward(self, x, cos, sin, kind):
        batch, steps, _ = x.shape
        qkv = functional.linear(norm(x).to(kind), self.qkv.to(kind)).view(batch, steps, 3, HEADS, HEAD)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q = rotate(norm(q.float()), cos, sin).to(kind).reshape(-1, steps, HEAD)
        k = rotate(norm(k.float()), cos, sin).to(kind).reshape(-1, steps, HEAD)
        gain = (self.gain / math.sqrt(HEAD)).repeat(batch)
        mixed = _Attention.apply(q, k, v.reshape(-1, steps, HEAD), gain, self.sink.repeat(batch),
                                 min(self.window, steps))
        mixed = mixed.view(batch, HEADS, steps, HEAD).transpose(1, 2).reshape(batch, steps, WIDTH)
        x = x + functional.linear(mixed, self.proj.to(kind)).float()
        hidden = functional.linear(norm(x).to(kind), self.up.to(kind))
        hidden = functional.relu(hidden).square()
        return x + functional.linear(hidden, self.down.to(kind)).float()


class Head(nn.Module):
    """Logits of one field, given the former ones."""

    def __init__(self, field):
        super().__init__()
        self.hidden = nn.Parameter(torch.empty(WIDTH, WIDTH).normal_(std=WIDTH**-0.5))
        self.seen = nn.ParameterList(
            [nn.Parameter(torch.zeros(notes.SIZES[j], WIDTH)) for j in range(field)]
        )
        self.out = nn.Parameter(torch.zeros(notes.SIZES[field], WIDTH))
        self.bias = nn.Parameter(torch.zeros(notes.SIZES[field]))

    def forward(self, h, drawn, kind):
        a = functional.linear(h.to(kind), self.hidden.to(kind)).float()
        for table, index in zip(self.seen, drawn):
            a = a + functional.embedding(index, table)
        a = functional.relu(a).square()
        return functional.linear(a.to(kind), self.out.to(kind)).float() + self.bias


class Transformer(nn.Module):
    def __init__(self, composers, kinds=3, windows=WINDOWS):
        super().__init__()
        std = 0.3
        self.tables = nn.ParameterList([nn.Parameter(torch.randn(n, WIDTH) * std) for n in notes.SIZES])
        self.start = nn.Parameter(torch.randn(WIDTH) * std)
        self.composer = nn.Parameter(torch.randn(composers, WIDTH) * 0.05)
        self.kind = nn.Parameter(torch.randn(kinds, WIDTH) * 0.05)
        self.control = nn.Parameter(torch.zeros(control.NOTES_SIZE, WIDTH))
        self.layers = nn.ModuleList([Layer(w) for w in windows])
        self.heads = nn.ModuleList([Head(k) for k in range(4)])

    def body(self, x, number, ticks, kind=torch.float32):
        """x [B,T,WIDTH], positions [B,T] -> h [B,T,WIDTH]."""
        cos, sin = (part[:, None] for part in phases(number, ticks))
        for layer in self.layers:
            x = layer(x, cos, sin, kind)
        return norm(x)

    def embed(self, tuples, starts, composer, kind, told):
        """tuples [B,T,4] int64, starts [B,T] bool (no note but a beginning), composer and kind
        [B,T] int64, told [B,T,control.NOTES_SIZE] float32 -> x."""
        x = sum(functional.embedding(tuples[..., j], table) for j, table in enumerate(self.tables))
        x = torch.where(starts[..., None], self.start, x)
        x = x + functional.embedding(composer, self.composer) + functional.embedding(kind, self.kind)
        return x + told @ self.control

    def losses(self, chunk, dtype=torch.float32):
        """Negative log-likelihoods [B,T,4] in nats of the next notes, zero where not `known`."""
        x = self.embed(chunk["tuples"], chunk["starts"], chunk["composer"], chunk["kind"], chunk["told"])
        h = self.body(x, chunk["number"], chunk["ticks"], dtype)
        target = chunk["target"]
        out = []
        for field, head in enumerate(self.heads):
            logits = head(h, [target[..., j] for j in range(field)], dtype)
            out.append(functional.cross_entropy(logits.flatten(0, 1), target[..., field].flatten(), reduction="none"))
        return torch.stack(out, -1).view(*target.shape) * chunk["known"]
