"""Generation with PyTorch: the reference for the daemon's sampler, and its check.

Owns the sampling rule. Several lanes of music are made at once, each either
from zero state or primed with the human phrases of a seeds file.

    python3 -m models.generate --composer bach --minutes 10 --lanes 4 --out FOLDER
    python3 -m models.generate --compare            all composers beside human figures

The rule, for the frame that follows the current frame, with l the logits:
    onset_p     drawn with sigmoid(l_onset - logit(threshold))
    sustain_p   for pitches that sound now and got no onset: drawn with sigmoid(l_sustain)
    velocity    clamp(round(127 * (sigmoid(l_velocity) + 0.5 * velocity_sigma * gauss)), 1, 127)
`hard` sampling: onset where sigmoid(l_onset) >= threshold, sustain where >= 0.5, no gauss.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from . import export, midi, roll, stats

PITCHES = roll.PITCHES


class Player:
    """B lanes of one net: state, current frame, sampler. All in float32."""

    def __init__(self, net, composers, sigma, seed=1):
        """composers: list of B rows of the composer table; sigma: velocity_sigma, 0..1."""
        self.net, self.sigma = net, sigma
        self.composer = torch.tensor(composers)
        self.lanes = len(composers)
        self.random = torch.Generator().manual_seed(seed)
        self.reset()

    def reset(self):
        """Zero state, silent frame."""
        self.state = self.net.start(self.lanes)
        self.x = torch.zeros(self.lanes, roll.FRAME)

    @torch.no_grad()
    def logits(self, x):
        """Feed the frame x [B,256]; logits [B,384] of the next one."""
        logits, self.state = self.net(x[None], self.composer, self.state)
        return logits[0]

    def prime(self, frames):
        """Feed all but the last of the frames [T,B,256]; the last one becomes the current frame."""
        for frame in frames[:-1]:
            self.logits(frame)
        self.x = frames[-1].clone()

    def step(self, threshold=0.5, hard=False):
        """Compose one frame; returns it, [B,256] float32, and makes it the current one."""
        logits = self.logits(self.x)
        sustain, onset, velocity = logits.split(PITCHES, 1)
        if hard:
            new = torch.sigmoid(onset) >= threshold
            on = torch.sigmoid(sustain) >= 0.5
            noise = torch.zeros_like(velocity)
        else:
            shift = float(np.log(threshold / (1.0 - threshold)))
            new = torch.rand(onset.shape, generator=self.random) < torch.sigmoid(onset - shift)
            on = torch.rand(onset.shape, generator=self.random) < torch.sigmoid(sustain)
            noise = torch.randn(velocity.shape, generator=self.random)
        held = on & (self.x[:, :PITCHES] > 0)
        loud = torch.clamp(torch.round(127 * (torch.sigmoid(velocity) + 0.5 * self.sigma * noise)), 1, 127)
        self.x = torch.cat([(new | held).float(), torch.where(new, 0.5 + loud / 254, torch.zeros(()))], 1)
        return self.x


def compose(player, frames, threshold=0.5, hard=False):
    """Compose so many frames; list of B rolls. Kept sparse while it goes."""
    lanes = player.lanes
    rows = [[] for _ in range(lanes)]  # (on, off, pitch, velocity)
    open_ = [{} for _ in range(lanes)]
    for t in range(frames):
        x = player.step(threshold, hard).numpy()
        for lane in range(lanes):
            for pitch in [p for p in open_[lane] if x[lane, p] == 0 or x[lane, PITCHES + p] > 0]:
                on, velocity = open_[lane].pop(pitch)
                rows[lane].append((on, t, pitch, velocity))
            for pitch in np.flatnonzero(x[lane, PITCHES:]):
                open_[lane][int(pitch)] = (t, int(round((float(x[lane, PITCHES + pitch]) - 0.5) * 254)))
    for lane in range(lanes):
        rows[lane] += [(on, frames, pitch, velocity) for pitch, (on, velocity) in open_[lane].items()]
    return [roll.tidy(np.array(lane, roll.EVENT)) for lane in rows]


def load_seeds(path):
    """{composer: [note array]} of a seeds file (see seeds.py)."""
    phrases, current = {}, None
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith("phrase "):
            current = []
            phrases.setdefault(line.split(" ", 2)[1], []).append(current)
        elif line and not line.startswith("#"):
            onset, duration, pitch, velocity = map(int, line.split())
            current.append((onset / 1000, (onset + duration) / 1000, pitch, velocity))
    return {name: [np.array(p, midi.NOTE) for p in found] for name, found in phrases.items()}


def primer(phrases, lanes, seconds=8):
    """Frames [T,B,256] from the first `seconds` of the phrases, one phrase a lane, in turn."""
    frames = seconds * roll.FRAMES_PER_SECOND
    dense = [roll.dense(roll.from_notes(phrases[i % len(phrases)]), 0, frames) for i in range(lanes)]
    return torch.from_numpy(np.stack(dense, 1))


def wander(rolls, frames, minutes=1):
    """Notes per minute in each minute of each roll: [[...], ...]."""
    window = int(60 * minutes * roll.FRAMES_PER_SECOND)
    out = []
    for events in rolls:
        hits = np.bincount(events["on"] // window, minlength=frames // window) if len(events) else np.zeros(frames // window)
        out.append([int(n / minutes) for n in hits[: frames // window]])
    return out


def main():
    parser = argparse.ArgumentParser(description="Compose with PyTorch; write MIDI and figures.")
    parser.add_argument("--weights", default=str(export.WEIGHTS))
    parser.add_argument("--composer", action="append", help="default: all that are offered")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--lanes", type=int, default=4, help="lanes per composer")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", default=str(export.WEIGHTS.parent / "seeds-maestro.txt"), help="'' for none")
    parser.add_argument("--out", help="folder for one MIDI file a lane")
    parser.add_argument("--compare", action="store_true", help="print the human figures beside")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    net, metadata = export.load(arguments.weights)
    names = json.loads(metadata["composers"])
    wanted = arguments.composer or json.loads(metadata["offered"])
    lanes = arguments.lanes
    player = Player(net, [names.index(n) for n in wanted for _ in range(lanes)],
                    float(metadata["velocity_sigma"]), arguments.seed)
    if arguments.seeds and Path(arguments.seeds).is_file():
        phrases = load_seeds(arguments.seeds)
        player.prime(torch.cat([primer(phrases[n], lanes) for n in wanted], 1))
    frames = int(arguments.minutes * 60 * roll.FRAMES_PER_SECOND)
    began = time.time()
    rolls = compose(player, frames, arguments.threshold, arguments.hard)
    took = time.time() - began
    print(f"generate: {frames} frames x {player.lanes} lanes in {took:.0f} s")
    human = json.loads(metadata["stats"])
    for index, name in enumerate(wanted):
        mine = rolls[index * lanes : (index + 1) * lanes]
        figures = stats.of(mine) if sum(map(len, mine)) else {}
        print(f"{name}: threshold {arguments.threshold}{' hard' if arguments.hard else ''}")
        for key, value in figures.items():
            print(f"  {key:17} {value}" + (f"   human {human[name].get(key)}" if arguments.compare else ""))
        print("  pitch-class entropy per lane, bits " + " ".join(f"{stats.entropy(e):.2f}" for e in mine))
        print("  mean notes per minute " + " ".join(str(int(np.mean(m))) if m else "-" for m in wander(mine, frames)))
        for lane in wander(mine, frames):
            print("  by minute " + " ".join(map(str, lane)))
        if arguments.out:
            Path(arguments.out).mkdir(parents=True, exist_ok=True)
            for lane, events in enumerate(mine):
                midi.write(roll.to_notes(events), str(Path(arguments.out) / f"{name}-{lane}.mid"))


if __name__ == "__main__":
    main()
