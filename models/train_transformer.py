"""Training of the transformer: one command, seeded, resumable.

    nice -n 19 python3 -m models.train_transformer --out FOLDER [--data PATH] [--from best.pt]

Rows of passages.py; Muon (Jordan et al. 2024: momentum, orthogonalised by Newton-Schulz)
for the matrices of the layers, AdamW for tables, heads and scalars; warm-up, then a linear
descent to a thirtieth over the last part of a fixed number of steps. The folder's files: training.py.
"""

import argparse
import json
import math

import numpy as np
import torch

from . import archive, export_transformer, notes, passages, streams, training, transformer

VALIDATION_ROWS = 48


class Muon:
    """Muon over matrices of few shapes: those of one shape are orthogonalised together."""

    def __init__(self, parameters, dtype, momentum=0.95, decay=0.01):
        self.parameters, self.dtype = list(parameters), dtype
        self.momentum, self.decay = momentum, decay
        self.buffers = [torch.zeros_like(p) for p in self.parameters]

    @staticmethod
    def orthogonal(g):
        """[N,r,c], r <= c, to about the nearest orthogonal matrices."""
        a, b, c = 3.4445, -4.7750, 2.0315
        x = g / (g.float().flatten(1).norm(dim=1)[:, None, None] + 1e-7).to(g.dtype)
        for _ in range(5):
            s = torch.bmm(x, x.transpose(1, 2))
            x = a * x + torch.bmm(b * s + c * torch.bmm(s, s), x)
        return x

    @torch.no_grad()
    def step(self, lr):
        shapes = {}
        for parameter, buffer in zip(self.parameters, self.buffers):
            grad = parameter.grad
            buffer.lerp_(grad, 1 - self.momentum)
            update = grad.lerp(buffer, self.momentum)  # Nesterov
            parameter.mul_(1 - lr * self.decay)
            whole = parameter.shape[0] == 3 * transformer.WIDTH
            for target, part in zip(
                parameter.data.split(transformer.WIDTH) if whole else [parameter.data],
                update.split(transformer.WIDTH) if whole else [update],
            ):
                tall = part.shape[0] > part.shape[1]
                shapes.setdefault((min(part.shape), max(part.shape)), []).append((target, part.t() if tall else part, tall))
        for found in shapes.values():
            done = self.orthogonal(torch.stack([part for _, part, _ in found]).to(self.dtype)).float()
            for (target, _, tall), value in zip(found, done):
                scale = max(1.0, target.shape[0] / target.shape[1]) ** 0.5
                target.add_(value.t() if tall else value, alpha=-lr * scale)


def rate(step, warm, steps, descent=0.6):
    """Factor of the learning rates: warm-up, plateau, linear descent over the last `descent`."""
    if step < warm:
        return (step + 1) / warm
    left = (steps - step) / max(1.0, steps * descent)
    return max(0.03, min(1.0, left))


def tensors(chunk):
    return {name: torch.from_numpy(values) for name, values in chunk.items()}


class Validation:
    """Fixed rows of the validation split, one piece a row or part of it, told nothing."""

    def __init__(self, pieces, names, length, rows=VALIDATION_ROWS):
        long = [p for p in sorted(passages.levelled(pieces), key=lambda p: p.file) if len(p.notes) > length + 8]
        if len(long) < 4:
            raise ValueError("validation pieces are too short")
        chosen = [long[i] for i in sorted(set(np.linspace(0, len(long) - 1, rows).astype(int)))]
        self.rows, self.composers, self.order = [], [], 0.0
        counted = 0
        for piece in chosen:
            array = passages.close_gaps(piece.notes)
            part = passages.elements(piece, array)
            part = {name: values[: length + 1] for name, values in part.items()}
            part["composer"] = np.full(length + 1, streams.row(names, piece.composer), np.int64)
            part["kind"] = np.full(length + 1, archive.KINDS.index(piece.kind), np.int64)
            self.rows.append(part)
            self.composers.append(piece.composer)
            _, sizes = np.unique(np.cumsum(part["tuples"][1:, 0] > 0), return_counts=True)
            self.order += sum(math.lgamma(n + 1) for n in sizes)
            counted += length
        self.order /= counted  # nats per note to tell the order of the notes within a tick

    def measure(self, net, dtype):
        """{all, bach, chopin, delta, pitch, duration, velocity: nats per note}."""
        net.eval()
        sums, counts = [], []
        with torch.no_grad():
            for start in range(0, len(self.rows), 6):
                chunk = tensors(passages.batch(self.rows[start : start + 6]))
                sums.append(net.losses(chunk, dtype).sum(1))
                counts.append(chunk["known"].sum(1))
        nats, count = torch.cat(sums), torch.cat(counts)
        net.train()
        fields = nats.sum(0) / count.sum(0).clamp(min=1)
        out = {"all": float(fields.sum())}
        for name in ("bach", "chopin"):
            where = torch.tensor([c == name for c in self.composers])
            if where.any():
                out[name] = float((nats[where].sum(0) / count[where].sum(0).clamp(min=1)).sum())
        out.update({name: float(value) for name, value in zip(notes.FIELDS, fields)})
        return out


class Trainer:
    """The net, its optimizers and its rows; one step at a time; saved and resumed exactly."""

    def __init__(self, pieces, names, batch=6, length=1024, seed=1, peak=0.02, warm=100, steps=4000,
                 dtype=torch.bfloat16):
        torch.manual_seed(seed)
        self.net = transformer.Transformer(len(names), len(archive.KINDS))
        matrices = [p for n, p in self.net.named_parameters() if n.startswith("layers") and p.dim() == 2]
        matrices += [head.hidden for head in self.net.heads]
        known = {id(p) for p in matrices}
        asked = [self.net.composer, self.net.kind, self.net.control, self.net.start]
        known |= {id(p) for p in asked}
        rest = [p for p in self.net.parameters() if id(p) not in known]
        self.muon = Muon(matrices, dtype)
        # what is told: few rows, each told now and then, so they need longer steps
        self.adam = torch.optim.AdamW([{"params": rest, "scale": 0.15}, {"params": asked, "scale": 0.45}],
                                      lr=peak, betas=(0.9, 0.97), weight_decay=0.0)
        self.passages = passages.Passages(pieces, names, batch, length, seed)
        self.peak, self.warm, self.steps, self.dtype = peak, warm, steps, dtype
        self.step = 0

    def advance(self):
        """One optimizer step. Returns the four fields' and their sum's nats per note, and more."""
        self.net.train()
        chunk = tensors(self.passages.next(self.step))
        nats = self.net.losses(chunk, self.dtype)
        fields = nats.sum((0, 1)) / chunk["known"].sum((0, 1)).clamp(min=1)
        loss = fields.sum()
        for parameter in self.net.parameters():
            parameter.grad = None
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 3.0)
        factor = rate(self.step, self.warm, self.steps)
        self.muon.step(self.peak * factor)
        for group in self.adam.param_groups:
            group["lr"] = group["scale"] * self.peak * factor
        self.adam.step()
        self.step += 1
        out = {"loss": float(loss.detach()), "norm": float(norm), "rate": self.peak * factor}
        out.update({name: float(value) for name, value in zip(notes.FIELDS, fields.detach())})
        return out

    def snapshot(self):
        return {"step": self.step, "net": self.net.state_dict(), "adam": self.adam.state_dict(),
                "muon": self.muon.buffers}

    def restore(self, snapshot):
        self.step = snapshot["step"]
        self.net.load_state_dict(snapshot["net"])
        self.adam.load_state_dict(snapshot["adam"])
        for buffer, stored in zip(self.muon.buffers, snapshot["muon"]):
            buffer.copy_(stored)


def begin_from(net, state):
    """Loads the weights of a run that may have known fewer control attributes: what was added after
    its last one is told nothing at first."""
    rows = torch.zeros_like(net.control.data)
    rows[: len(state["control"])] = state["control"]
    net.load_state_dict({**state, "control": rows})


def pretrained(path):
    """{net: state, metadata} of a run's best.pt, or of the weights file that came of one."""
    if not path.endswith(".safetensors"):
        return torch.load(path, map_location="cpu")
    net, metadata, _ = export_transformer.load(path)
    return {"net": net.state_dict(), "metadata": metadata}


def main():
    parser = argparse.ArgumentParser(description="Train the transformer; goes on where it was stopped.")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's permissive archive)")
    parser.add_argument("--from", dest="start", help="weights file, or best.pt of another run, to begin from")
    parser.add_argument("--out", required=True, help="folder for checkpoints and the log")
    parser.add_argument("--steps", type=int, default=4000, help="steps in all; may differ on resume")
    parser.add_argument("--batch", type=int, default=6, help="rows a step")
    parser.add_argument("--length", type=int, default=1024, help="notes a row")
    parser.add_argument("--rate", type=float, default=0.02, help="peak learning rate of Muon")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="2 only on an idle machine")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 matrix products (where the CPU has none)")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
    # one vocabulary for both families, so that either can be fine-tuned from the other
    both = [archive.load(archive.DATA / name) for name in (archive.PERMISSIVE, archive.MAESTRO)]
    names = passages.vocabulary(both)
    del both
    dtype = torch.float32 if arguments.float32 else torch.bfloat16
    validation = Validation(data.of("validation"), names, arguments.length)
    trainer = Trainer(data.of("train"), names, arguments.batch, arguments.length, arguments.seed,
                      arguments.rate, min(100, arguments.steps // 10), arguments.steps, dtype)
    history = []
    if arguments.start:
        stored = pretrained(arguments.start)
        if json.loads(stored["metadata"]["composers"]) != names:
            raise SystemExit(f"{arguments.start}: another vocabulary of composers")
        begin_from(trainer.net, stored["net"])
        history = [*json.loads(stored["metadata"].get("pretrained", "[]")), stored["metadata"]]
    print(f"train: composers {' '.join(names)}", flush=True)
    print(f"train: {len(trainer.passages.pieces)} pieces, {sum(p.numel() for p in trainer.net.parameters())} "
          f"parameters, {len(validation.rows)} validation rows; order within ticks {validation.order:.3f}", flush=True)

    def validate():
        figures = validation.measure(trainer.net, dtype)
        return figures, training.shown(figures) + " nats per note", {
            "family": data.family,
            "composers": json.dumps(names),
            "data": f"{data.name} sha256 {data.sha256}",
            "licence": archive.LICENCES[data.family],
            "attribution": archive.ATTRIBUTIONS[data.family],
            "command": training.command("models.train_transformer", [
                (arguments.out, "FOLDER"), (arguments.data, "DATA"), (arguments.start, "PRETRAINED")]),
            "pretrained": json.dumps([
                {key: former[key] for key in ("data", "licence", "attribution", "command", "steps")}
                for former in history]),
            "seed": str(arguments.seed),
            "validation": json.dumps({key: round(value, 4) for key, value in figures.items()}),
            "validation_order": f"{validation.order:.4f}",
        }

    training.run(trainer, arguments.steps, arguments.out, validate,
                 {"composers": names, "order": validation.order, "arguments": vars(arguments)})


if __name__ == "__main__":
    main()
