"""The first net: the article's LSTM, conditioned on the composer.

Two LSTM layers with dropout and three dense layers with sigmoid outputs, after
the `lstm` of Pyzzicato (Petit, Vassor, Bairam, Raymond, 2021), with an onset
plane, velocities and a composer embedding. Knows shapes, not notes.

    x [256] -> lstm1 512 -> lstm2 512 -> dense1 256 -> dense2 256 -> dense3 384
                 + composer              + composer

The 384 logits are of the *next* frame: 0..127 sustain, 128..255 onset,
256..383 mean velocity (sigmoid, 0..1, of 127).

The LSTM layer is a hand-written autograd function rather than nn.LSTM: the
products over all time steps (input projection, and all weight gradients) are
single large matrix products, in bfloat16 where asked for; cell states stay in
float32. Equations: Hochreiter and Schmidhuber 1997 with forget gates, in
PyTorch's gate order i, f, g, o.
"""

import torch
from torch import nn
from torch.nn import functional

INPUT, HIDDEN, DENSE, OUTPUT = 256, 512, 256, 384
PITCHES = 128


class LstmLayer(torch.autograd.Function):
    """One LSTM layer over a whole chunk, with its backward pass.

    x [T,B,I], weight [4H,I+H] (input columns, then recurrent), bias [B,4H],
    h0 and c0 [B,H]; kind: dtype of the matrix products.
    Returns h of all steps [T,B,H] and the last c [B,H]. No gradient flows into
    h0 and c0 or out of the last c: truncation is at the chunk's border.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, h0, c0, kind):
        steps, batch, inputs = x.shape
        hidden = h0.shape[1]
        w_in = weight[:, :inputs].to(kind).contiguous()
        w_rec = weight[:, inputs:].to(kind).contiguous()
        x_low = x.detach().to(kind)
        projected = functional.linear(x_low.reshape(steps * batch, inputs), w_in).view(steps, batch, 4 * hidden)
        gates = torch.empty(steps, batch, 4 * hidden, dtype=kind)  # after the nonlinearities
        cells = torch.empty(steps + 1, batch, hidden)
        curved = torch.empty(steps, batch, hidden, dtype=kind)  # tanh(c)
        outputs = torch.empty(steps + 1, batch, hidden, dtype=kind)
        cells[0] = c0
        outputs[0] = h0.to(kind)
        twice = torch.ones(4 * hidden)
        twice[2 * hidden : 3 * hidden] = 2.0  # tanh(a) = 2 sigmoid(2a) - 1, one kernel for all gates
        for t in range(steps):
            a = functional.linear(outputs[t], w_rec).float()
            a += projected[t]
            a += bias
            a *= twice
            a.sigmoid_()
            g = a[:, 2 * hidden : 3 * hidden]
            g.mul_(2.0).sub_(1.0)
            gates[t] = a
            c = cells[t + 1]
            torch.mul(a[:, hidden : 2 * hidden], cells[t], out=c)
            c.addcmul_(a[:, :hidden], g)
            s = torch.sigmoid(c * 2.0).mul_(2.0).sub_(1.0)
            curved[t] = s
            outputs[t + 1] = s.mul_(a[:, 3 * hidden :])
        ctx.save_for_backward(x_low, w_in, w_rec, gates, cells, curved, outputs)
        ctx.kind = kind
        return outputs[1:].float(), cells[steps].clone()

    @staticmethod
    def backward(ctx, d_outputs, _d_cell):
        x_low, w_in, w_rec, gates, cells, curved, outputs = ctx.saved_tensors
        kind = ctx.kind
        steps, batch, inputs = x_low.shape
        hidden = cells.shape[2]
        d_gates = torch.empty(steps, batch, 4 * hidden, dtype=kind)
        d_bias = torch.zeros(batch, 4 * hidden)
        d_h = torch.zeros(batch, hidden)
        d_c = torch.zeros(batch, hidden)
        for t in range(steps - 1, -1, -1):
            d_h = d_h + d_outputs[t]
            gate = gates[t].float()
            i, f, g, o = gate.split(hidden, 1)
            s = curved[t].float()
            # dc = d_c + dh * o * (1 - tanh(c)^2)
            d_c = torch.addcmul(d_c, d_h * o, 1.0 - s * s)
            d_gate = torch.empty(batch, 4 * hidden)
            torch.mul(d_c, g, out=d_gate[:, :hidden])
            torch.mul(d_c, cells[t], out=d_gate[:, hidden : 2 * hidden])
            torch.mul(d_c, i, out=d_gate[:, 2 * hidden : 3 * hidden])
            torch.mul(d_h, s, out=d_gate[:, 3 * hidden :])
            slope = gate * (1.0 - gate)
            slope[:, 2 * hidden : 3 * hidden] = 1.0 - g * g
            d_gate *= slope
            d_bias += d_gate
            d_gates[t] = d_gate
            d_h = torch.mm(d_gates[t], w_rec).float()
            d_c = d_c * f
        flat = d_gates.view(steps * batch, 4 * hidden)
        d_weight = torch.cat(
            [
                torch.mm(flat.t(), x_low.reshape(steps * batch, inputs)).float(),
                torch.mm(flat.t(), outputs[:-1].reshape(steps * batch, hidden)).float(),
            ],
            1,
        )
        d_x = None
        if ctx.needs_input_grad[0]:
            d_x = torch.mm(flat, w_in).float().view(steps, batch, inputs)
        return d_x, d_weight, d_bias, None, None, None


class Lstm(nn.Module):
    """The net. Parameters carry the names of the exported file with '.' as '_'."""

    def __init__(self, composers, dropout=0.1, hidden=HIDDEN, controls=0):
        super().__init__()
        self.hidden = hidden
        self.dropout = dropout
        self.lstm1_weight = nn.Parameter(torch.empty(4 * hidden, INPUT + hidden))
        self.lstm1_bias = nn.Parameter(torch.zeros(4 * hidden))
        self.lstm1_composer = nn.Parameter(torch.zeros(composers, 4 * hidden))
        self.lstm2_weight = nn.Parameter(torch.empty(4 * hidden, 2 * hidden))
        self.lstm2_bias = nn.Parameter(torch.zeros(4 * hidden))
        self.dense1_weight = nn.Parameter(torch.empty(DENSE, hidden))
        self.dense1_bias = nn.Parameter(torch.zeros(DENSE))
        self.dense1_composer = nn.Parameter(torch.zeros(composers, DENSE))
        self.dense2_weight = nn.Parameter(torch.empty(DENSE, DENSE))
        self.dense2_bias = nn.Parameter(torch.zeros(DENSE))
        self.dense3_weight = nn.Parameter(torch.empty(OUTPUT, DENSE))
        self.dense3_bias = nn.Parameter(torch.zeros(OUTPUT))
        # only while training: export folds them into the composers' rows (control.py)
        self.lstm1_control = nn.Parameter(torch.zeros(controls, 4 * hidden))
        self.dense1_control = nn.Parameter(torch.zeros(controls, DENSE))
        self._initialise()

    def _initialise(self):
        hidden = self.hidden
        with torch.no_grad():
            # a frame has few ones among 256 entries: with the usual small weights the
            # net sees next to nothing for its first thousand steps
            nn.init.normal_(self.lstm1_weight[:, :INPUT], std=0.6)
            nn.init.xavier_uniform_(self.lstm2_weight[:, :hidden], gain=2.0)
            for weight, inputs in ((self.lstm1_weight, INPUT), (self.lstm2_weight, hidden)):
                for gate in range(4):
                    nn.init.orthogonal_(weight[gate * hidden : (gate + 1) * hidden, inputs:])
            # forget gates start over a range of time constants, up to 3 s
            for bias in (self.lstm1_bias, self.lstm2_bias):
                bias[hidden : 2 * hidden] = torch.linspace(-1.0, 4.0, hidden)
            for weight in (self.dense1_weight, self.dense2_weight):
                nn.init.kaiming_uniform_(weight, nonlinearity="relu")
            nn.init.xavier_uniform_(self.dense3_weight)
            self.dense3_weight *= 0.5
            self.dense3_bias[:PITCHES] = 2.0
            self.dense3_bias[PITCHES : 2 * PITCHES] = -5.0
            nn.init.normal_(self.lstm1_composer, std=0.02)
            nn.init.normal_(self.dense1_composer, std=0.02)

    def start(self, batch):
        """Zero state (h1, c1, h2, c2), each [batch, hidden] float32."""
        return tuple(torch.zeros(batch, self.hidden) for _ in range(4))

    def masked(self, state, keep):
        """The state with lanes zeroed where keep [B,1] is 0."""
        return tuple(part * keep for part in state)

    def forward(self, x, composer, state, kind=torch.float32, control=None):
        """x [T,B,256], composer [B] (int64), state of start(), control [B,controls] or None
        -> logits [T,B,384], new state."""
        h1, c1, h2, c2 = state
        gates, hidden1 = self.lstm1_composer[composer], self.dense1_composer[composer]
        if control is not None:
            gates = gates + control @ self.lstm1_control
            hidden1 = hidden1 + control @ self.dense1_control
        steps, batch, _ = x.shape
        out1, c1 = LstmLayer.apply(x, self.lstm1_weight, self.lstm1_bias + gates, h1, c1, kind)
        h1 = out1[-1].detach()
        out1 = functional.dropout(out1, self.dropout, self.training)
        out2, c2 = LstmLayer.apply(out1, self.lstm2_weight, self.lstm2_bias.expand(batch, -1), h2, c2, kind)
        h2 = out2[-1].detach()
        out2 = functional.dropout(out2, self.dropout, self.training)

        def dense(value, weight, bias):
            return functional.linear(value.to(kind), weight.to(kind)).float() + bias

        flat = out2.reshape(steps * batch, self.hidden)
        one = dense(flat, self.dense1_weight, self.dense1_bias).view(steps, batch, DENSE)
        one = functional.relu(one + hidden1).view(steps * batch, DENSE)
        two = functional.relu(dense(one, self.dense2_weight, self.dense2_bias))
        logits = dense(two, self.dense3_weight, self.dense3_bias).view(steps, batch, OUTPUT)
        return logits, (h1, c1.detach(), h2, c2.detach())
