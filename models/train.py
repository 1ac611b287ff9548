"""Training of the roll nets: one command, seeded, resumable.

    nice -n 19 python3 -m models.train --net lstm --out FOLDER [--data PATH] [--steps N]

Truncated back-propagation through time over the streams of streams.py, AdamW,
warm-up and cosine to a fixed number of steps. The folder's files: training.py.
"""

import argparse
import json
import math

import numpy as np
import torch

from . import archive, control, likelihood, passages, roll, rollnets, streams, training

VALIDATION_SECONDS = 60
VALIDATION_CHUNK = 80  # frames, as long as a control vector holds
CONTROL_FROM = 2175  # the training step from which the net is told the attributes of control.py
VELOCITY_WEIGHT = 10.0  # of the squared velocity error beside nats; a third of a Gaussian's at sigma 0.12


class Validation:
    """A fixed part of the validation split, without noise: B windows side by side."""

    def __init__(self, pieces, names, per_group=(8, 12, 20), seconds=VALIDATION_SECONDS):
        groups = {"bach": [], "chopin": [], "rest": []}
        frames = seconds * roll.FRAMES_PER_SECOND
        for piece in sorted(pieces, key=lambda p: p.file):
            events = streams.clean(piece.notes)
            if roll.length(events) > frames:
                groups.get(piece.composer, groups["rest"]).append((piece, events))
        chosen = []
        for group, count in zip(groups.values(), per_group):
            if group:  # spread over the group, no piece twice
                for index in sorted(set(np.linspace(0, len(group) - 1, count).astype(int))):
                    chosen.append(group[index])
        if not chosen:
            raise ValueError("no validation piece is long enough")
        dense = np.stack([roll.dense(events, 0, frames + 1) for _, events in chosen], 1)
        self.x, self.target = torch.from_numpy(dense[:-1].copy()), torch.from_numpy(dense[1:].copy())
        self.composer = torch.tensor([streams.row(names, piece.composer) for piece, _ in chosen])
        self.names = [piece.composer for piece, _ in chosen]
        self.control = [  # per chunk, [B,control.SIZE]
            torch.from_numpy(np.stack([control.vector(control.attributes(e, start)) for _, e in chosen]))
            for start in range(0, frames, VALIDATION_CHUNK)
        ]

    def _figures(self, per_lane):
        """Mean over all lanes and over those of bach and of chopin."""
        names = np.array(self.names)
        out = {"all": float(per_lane.mean())}
        for name in ("bach", "chopin"):
            if (names == name).any():
                out[name] = float(per_lane[names == name].mean())
        return out

    def measure(self, net, kind, told=True):
        """({all, bach, chopin: nats per frame}, velocity_sigma in 0..1); told: with control."""
        net.eval()
        state = net.start(len(self.names))
        steps = len(self.x)
        nats = torch.zeros(len(self.names))
        square, onsets = 0.0, 0.0
        with torch.no_grad():
            for index, start in enumerate(range(0, steps, VALIDATION_CHUNK)):
                stop = start + VALIDATION_CHUNK
                x, target = self.x[start:stop], self.target[start:stop]
                logits, state = net(x, self.composer, state, kind, self.control[index] if told else None)
                for lane in range(len(self.names)):
                    terms = likelihood.loss_terms(logits[:, lane], target[:, lane], x[:, lane, : roll.PITCHES])
                    nats[lane] += terms[0] + terms[1]
                    square += float(terms[2])
                    onsets += float(terms[3])
        return self._figures((nats / steps).numpy()), math.sqrt(square / max(onsets, 1.0))

    def floor(self, pieces):
        """Nats per frame of a model that knows only how often each pitch is struck and goes on."""
        struck, sounded, ended, frames = (np.zeros(roll.PITCHES) for _ in range(4))
        for piece in pieces:
            events = streams.clean(piece.notes)
            np.add.at(struck, events["pitch"], 1)
            np.add.at(sounded, events["pitch"], events["off"] - events["on"])
            np.add.at(ended, events["pitch"], 1)
            frames += roll.length(events)
        onset = torch.from_numpy(np.log((struck + 0.5) / (frames - struck + 1.0))).float()
        sustain = torch.from_numpy(np.log((sounded - ended + 0.5) / (ended + 1.0))).float()
        logits = torch.cat([sustain, onset, torch.zeros(roll.PITCHES)])
        nats = []
        for lane in range(len(self.names)):
            x = self.x[:, lane]
            terms = likelihood.loss_terms(logits.expand(len(x), -1), self.target[:, lane], x[:, : roll.PITCHES])
            nats.append(float(terms[0] + terms[1]) / len(x))
        return self._figures(np.array(nats))


def rate(step, peak, warm, steps):
    """Learning rate: linear warm-up, then a cosine to a fiftieth of the peak at `steps`."""
    if step < warm:
        return peak * (step + 1) / warm
    along = min(1.0, (step - warm) / max(1, steps - warm))
    return peak * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * along)))


class Trainer:
    """The net, its optimizer and its streams; one step at a time; saved and resumed exactly."""

    def __init__(self, pieces, names, batch=64, frames=80, seed=1, peak=3e-3, warm=200, steps=5000,
                 dropout=0.1, kind=torch.bfloat16, net="lstm"):
        torch.manual_seed(seed)
        self.net = rollnets.KINDS[net](len(names), dropout, controls=control.SIZE)
        named = list(self.net.named_parameters())
        weights = [p for n, p in named if n.endswith("weight")]
        controls = [p for n, p in named if n.endswith("control")]
        tables = [p for n, p in named if not n.endswith(("weight", "control"))]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": weights, "weight_decay": 0.01, "scale": 1.0},
                {"params": tables, "weight_decay": 0.0, "scale": 1.0},
                {"params": controls, "weight_decay": 0.0, "scale": 3.0},  # of the learning rate
            ],
            lr=peak, betas=(0.9, 0.98),
        )
        self.streams = streams.Streams(pieces, names, batch, frames, seed)
        self.state = self.net.start(batch)
        self.peak, self.warm, self.steps, self.kind = peak, warm, steps, kind
        self.step = 0

    def advance(self):
        """One optimizer step. Returns {loss (nats per frame, with noise), velocity, norm, rate}."""
        self.net.train()
        chunk = self.streams.next(self.step)
        x, target = torch.from_numpy(chunk["x"]), torch.from_numpy(chunk["target"])
        keep = torch.from_numpy(~chunk["fresh"]).float()[:, None]
        state = self.net.masked(self.state, keep)
        told = torch.from_numpy(chunk["control"]) if self.step >= CONTROL_FROM else None
        logits, self.state = self.net(x, torch.from_numpy(chunk["composer"]), state, self.kind, told)
        onset, sustain, square, onsets = likelihood.loss_terms(
            logits, target, x[..., : roll.PITCHES], torch.from_numpy(chunk["known"]).float()
        )
        cells = x.shape[0] * x.shape[1]
        loss = (onset + sustain + VELOCITY_WEIGHT * square) / cells
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * rate(self.step, self.peak, self.warm, self.steps)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return {
            "loss": float((onset + sustain).detach()) / cells,
            "velocity": math.sqrt(float(square.detach()) / max(float(onsets), 1.0)),
            "norm": float(norm),
            "rate": self.optimizer.param_groups[0]["lr"],
        }

    def snapshot(self):
        """Everything that advance() depends on, but for the data and the constants."""
        return {
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "state": self.state,
            "streams": self.streams.position(),
            "torch": torch.get_rng_state(),
        }

    def restore(self, snapshot):
        """Go on bit for bit from a snapshot() of a Trainer made with the same arguments."""
        self.step = snapshot["step"]
        self.net.load_state_dict(snapshot["net"])
        self.optimizer.load_state_dict(snapshot["optimizer"])
        self.state = snapshot["state"]
        self.streams.resume(snapshot["streams"])
        torch.set_rng_state(snapshot["torch"])


def main():
    parser = argparse.ArgumentParser(description="Train a roll net; goes on where it was stopped.")
    parser.add_argument("--net", choices=list(rollnets.KINDS), default="lstm")
    parser.add_argument("--data", help="archive or folder (default: ../shared/data's MAESTRO)")
    parser.add_argument("--out", required=True, help="folder for checkpoints and the log")
    parser.add_argument("--steps", type=int, default=5000, help="steps in all; may differ on resume")
    parser.add_argument("--batch", type=int, default=64, help="parallel streams")
    parser.add_argument("--frames", type=int, default=80, help="frames per chunk")
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="2 only on an idle machine")
    parser.add_argument("--float32", action="store_true", help="no bfloat16 matrix products")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    data = archive.load(arguments.data)
    pieces = passages.piano(data.of("train"))
    names = streams.vocabulary(pieces)
    validation = Validation(passages.piano(data.of("validation")), names)
    floor = validation.floor(pieces)
    kind = torch.float32 if arguments.float32 else torch.bfloat16
    trainer = Trainer(pieces, names, arguments.batch, arguments.frames, arguments.seed,
                      arguments.rate, 200, arguments.steps, arguments.dropout, kind, arguments.net)
    print(f"train: composers {' '.join(names)}", flush=True)
    print(f"train: {len(pieces)} pieces, validation lanes {len(validation.names)}; "
          f"floor, nats per frame: {training.shown(floor)}", flush=True)

    def validate():
        told = trainer.step >= CONTROL_FROM
        figures, sigma = validation.measure(trainer.net, kind, told)
        untold = validation.measure(trainer.net, kind, False)[0] if told else figures
        text = (f"{training.shown(figures)} nats per frame (floor {floor['all']:.3f}; told nothing "
                f"{untold['all']:.3f}), velocity sigma {sigma:.4f}")
        return figures, text, {
            "net": arguments.net,
            "family": data.family,
            "composers": json.dumps(names),
            "data": f"{data.name} sha256 {data.sha256}",
            "licence": archive.LICENCES[data.family],
            "attribution": archive.ATTRIBUTIONS[data.family],
            "command": training.command("models.train", [(arguments.out, "FOLDER"), (arguments.data, "DATA")]),
            "seed": str(arguments.seed),
            "velocity_sigma": f"{sigma:.4f}",
            "validation_loss": f"{figures['all']:.4f}",
            "validation_bach": f"{figures.get('bach', math.nan):.4f}",
            "validation_chopin": f"{figures.get('chopin', math.nan):.4f}",
            "validation_untold": f"{untold['all']:.4f}",
            "validation_floor": f"{floor['all']:.4f}",
        }

    training.run(trainer, arguments.steps, arguments.out, validate,
                 {"floor": floor, "composers": names, "arguments": vars(arguments)})


if __name__ == "__main__":
    main()
