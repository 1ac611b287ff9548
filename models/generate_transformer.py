"""Generation with PyTorch and a KV cache: the reference for the daemon's transformer sampler.

Owns the sampling rule of notes, and the following of plans. Many lanes are composed at once, in
lockstep; each draws from its own counter-based random numbers, so neither the other lanes nor
how often it is called changes what a lane plays.

    python3 -m models.generate_transformer --weights FILE --composer chopin --minutes 5 --out FOLDER

FILE is a weights file or a checkpoint of train_transformer (best.pt, checkpoint.pt).

The rule, for a note's fields in their order, with l the logits of a head given the fields before:
    never drawn   deltas above LONGEST_DELTA_TICKS, pitches off the piano; after a start the delta is 0
    temperature   l / temperature, first of all
    threshold t   0.5: softmax(l). Above: what is less likely than 0.2 (2 t - 1)^2 times the likeliest is
                  not drawn (min-p, Nguyen et al. 2024). Below: l / (1 + 0.4 (1 - 2 t)).
    hard          the likeliest bin
Accents (accent.py) are added to the logits of the pitches before that, once four notes are heard; that of the
stride, where the note begins a chord.
A bin is the first at which the cumulative probability exceeds unit(seed, note, field).

A plan is a list of trajectories: bucket rows of the control attributes, one every 5 s. A lane
follows one from its first to its last row, moved to a key of its own, begins a new piece, and
follows another.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from . import accent, archive, control, export_transformer, midi, notes, passages, roll, safetensors, stats, streams, transformer
from .generate import wander

LONGEST_DELTA_TICKS = 400
ROW_TICKS = int(export_transformer.STEP / notes.TICK)  # of a trajectory
MOST_NOTES = 100  # a second: a net that stands still is given up
GAP = 255  # in a plan: a row of it between trajectories, a bucket of it is not known
_BIGGEST = {  # field -> bins that are never drawn, by their mask
    0: torch.from_numpy(notes.DELTA_TICKS > LONGEST_DELTA_TICKS),
    1: torch.tensor([not roll.LOWEST <= p <= roll.HIGHEST for p in range(128)]),
}


def unit(seeds, number, field):
    """[B] float64 in [0,1) of 24 bits for lanes' seeds: pcg4d (Jarzynski and Olano 2020)."""
    seeds = np.asarray(seeds, np.uint64)
    v = np.zeros((4, len(seeds)), np.uint32)
    v[0], v[1] = seeds & 0xFFFFFFFF, seeds >> np.uint64(32)
    v[2], v[3] = number & 0xFFFFFFFF, (number >> 32) << 7 & 0xFFFFFFFF ^ field
    v = v * np.uint32(1664525) + np.uint32(1013904223)
    for turn in range(2):
        for target, a, b in ((0, 1, 3), (1, 2, 0), (2, 0, 1), (3, 1, 2)):
            v[target] += v[a] * v[b]
        if not turn:
            v ^= v >> np.uint32(16)
    return (v[0] >> np.uint32(8)) / 16777216.0


def probabilities(logits, field, threshold=0.5, temperature=1.0):
    """[B,size] of one field's bins under the rule; logits [B,size]."""
    if field in _BIGGEST:
        logits = logits.masked_fill(_BIGGEST[field], -torch.inf)
    logits = logits / temperature
    if threshold < 0.5:
        logits = logits / (1 + 0.4 * (1 - 2 * threshold))
    p = torch.softmax(logits, -1)
    if threshold > 0.5:
        p = torch.where(p < 0.2 * (2 * threshold - 1) ** 2 * p.max(-1, keepdim=True).values, 0.0, p)
    return p / p.sum(-1, keepdim=True)


def told(buckets):
    """Multi-hot [B,control.NOTES_SIZE] float32 of bucket rows [B,6]; GAP and -1 tell nothing."""
    out = torch.zeros(len(buckets), control.NOTES_SIZE)
    place = 0
    for index, edges in enumerate(control.NOTES_BUCKETS.values()):
        for lane, row in enumerate(buckets):
            if 0 <= row[index] <= len(edges):
                out[lane, place + int(row[index])] = 1.0
        place += len(edges) + 1
    return out


def trajectories(plan):
    """The trajectories [M,6] of a plan [N,6]."""
    border = (np.asarray(plan) == GAP).all(1)
    parts = np.split(np.asarray(plan), np.flatnonzero(border))
    return [part for part in (p[(p != GAP).any(1)] for p in parts) if len(part)]


class Player:
    """B lanes of a Transformer: their rings of keys and values, their time, their last note."""

    def __init__(self, net, composers, seeds, kind=0, temperature=1.0, accents=None):
        """composers: list of B rows of the composer table; seeds: B whole numbers; temperature: of the file;
        accents: of its composers, as accent.load() has them."""
        self.accents = None if accents is None else [table[torch.tensor(composers)] for table in accents]
        self.temperature = temperature
        self.net, self.seeds = net, np.asarray(seeds, np.uint64)
        self.lanes = len(composers)
        with torch.no_grad():
            self.condition = net.composer[torch.tensor(composers)] + net.kind[kind]
        self.per_note, self.per_tick = transformer.turns()
        self.reset()

    def reset(self):
        """Empty rings; the next element is a start in every lane."""
        shape = (self.lanes * transformer.HEADS, 0, transformer.HEAD)
        self.rings = [[torch.zeros(shape), torch.zeros(shape)] for _ in self.net.layers]
        self.number = 0
        self.ticks = torch.zeros(self.lanes, dtype=torch.int64)  # of the last element
        self.last = torch.zeros(self.lanes, 4, dtype=torch.int64)
        self.starts = torch.ones(self.lanes, dtype=torch.bool)
        self.heard = torch.zeros(self.lanes, dtype=torch.int64)  # notes since the start
        self.turn = torch.zeros(self.lanes, dtype=torch.int64)
        self.low = torch.zeros(2, self.lanes, dtype=torch.int64)  # lowest pitches of the last two chords
        self.strides = torch.zeros(self.lanes, dtype=torch.int64)  # before them

    def _stridden(self):
        """The strides of each lane, the one to the chord that sounds now included."""
        last = torch.from_numpy(accent.sort_of((self.low[1] - self.low[0]).numpy()))
        return (self.strides * accent.SORTS + last) % accent.STRIDES

    def _accent(self, delta):
        """[B,128] of the pitches, after the turn of each lane, after its strides where delta [B] begins a chord, and
        of the compass."""
        turns, strides, compass = self.accents
        lanes, pitches = torch.arange(self.lanes), torch.arange(128)
        found = turns[lanes, self.turn].gather(1, (pitches - self.last[:, 1, None]) % 12)
        stride = (pitches - self.low[1][:, None]).clamp(-accent.WIDEST, accent.WIDEST) + accent.WIDEST
        begins = (delta > accent.CHORD)[:, None]  # a bin up to there is as many ticks
        found = found + torch.where(begins, strides[lanes, self._stridden()].gather(1, stride), 0.0) + compass
        return torch.where(((self.heard > accent.STEPS) & ~self.starts)[:, None], found, 0.0)

    def _lower(self, drawn, fresh):
        """Follow the chords: a note that is heard."""
        delta, pitch = drawn[0], drawn[1]
        begins = delta > accent.CHORD
        self.strides = torch.where(fresh, 0, torch.where(begins, self._stridden(), self.strides))
        before = torch.where(fresh, pitch, torch.where(begins, self.low[1], self.low[0]))
        now = torch.where(fresh | begins, pitch, torch.minimum(self.low[1], pitch))
        self.low = torch.stack([before, now])

    def _mix(self, index, layer, x, cos, sin):
        qkv = functional.linear(transformer.norm(x), layer.qkv).view(self.lanes, 3, transformer.HEADS, -1)
        q, k, v = qkv.unbind(1)
        q = transformer.rotate(transformer.norm(q), cos, sin).reshape(-1, transformer.HEAD, 1)
        k = transformer.rotate(transformer.norm(k), cos, sin).reshape(-1, 1, transformer.HEAD)
        v = v.reshape(-1, 1, transformer.HEAD)
        ring = self.rings[index]
        if self.number < layer.window:
            ring[:] = torch.cat([ring[0], k], 1), torch.cat([ring[1], v], 1)
        else:
            ring[0][:, self.number % layer.window] = k[:, 0]
            ring[1][:, self.number % layer.window] = v[:, 0]
        gain = (layer.gain / transformer.HEAD**0.5).repeat(self.lanes)[:, None]
        p = torch.exp(torch.bmm(ring[0], q)[..., 0] * gain)
        p = p / (p.sum(-1, keepdim=True) + layer.sink.exp().repeat(self.lanes)[:, None])
        return torch.bmm(p[:, None], ring[1]).view(self.lanes, transformer.WIDTH)

    @torch.no_grad()
    def feed(self, buckets=None):
        """Feed the last element, a note or a start, told so; returns h [B,WIDTH]."""
        x = sum(functional.embedding(self.last[:, j], table) for j, table in enumerate(self.net.tables))
        x = torch.where(self.starts[:, None], self.net.start, x) + self.condition
        if buckets is not None:
            x = x + told(buckets) @ self.net.control
        number = torch.full((self.lanes,), self.number, dtype=torch.int64)
        cos, sin = (part[:, None] for part in transformer.phases(number, self.ticks))
        for index, layer in enumerate(self.net.layers):
            x = x + functional.linear(self._mix(index, layer, x, cos, sin), layer.proj)
            hidden = functional.relu(functional.linear(transformer.norm(x), layer.up)).square()
            x = x + functional.linear(hidden, layer.down)
        self.number += 1
        return transformer.norm(x)

    @torch.no_grad()
    def step(self, buckets=None, threshold=0.5, hard=False, forced=None, begin=None):
        """Feed the last element and take the next: composed, or a row of forced [B,4] where it
        is not negative, or a start where begin [B] is true. Returns (notes [B,4], starts [B])."""
        h = self.feed(buckets)
        number, fresh = self.number - 1, self.starts
        drawn = []
        for field, head in enumerate(self.net.heads):
            logits = head(h, drawn, torch.float32)
            if field == 1 and self.accents is not None:
                logits = logits + self._accent(drawn[0])
            p = probabilities(logits, field, threshold, self.temperature)
            if hard:
                new = p.argmax(-1)
            else:
                u = torch.from_numpy(unit(self.seeds, number, field))[:, None]
                sums = p.double().cumsum(-1)
                new = (sums <= u * sums[:, -1:]).sum(-1)
            if field == 0:
                new = torch.where(fresh, 0, new)
            if forced is not None:
                new = torch.where(forced[:, field] >= 0, forced[:, field], new)
            drawn.append(new)
        step = (drawn[1] - self.last[:, 1]) % 12
        self.turn = torch.where(fresh, 0, (self.turn * 12 + step) % accent.TURNS)
        self._lower(drawn, fresh)
        self.heard = torch.where(fresh, 1, self.heard + 1)
        self.last = torch.stack(drawn, -1)
        self.starts = torch.zeros_like(fresh) if begin is None else begin.clone()
        ticks = torch.from_numpy(notes.DELTA_TICKS[self.last[:, 0].numpy()])
        self.ticks = self.ticks + torch.where(self.starts, passages.PAUSE, torch.where(fresh, 0, ticks))
        return self.last, self.starts


class Guide:
    """What the lanes are told: each follows trajectories of its composer's plan, one a piece."""

    def __init__(self, plans, seed=1):
        """plans: of each lane the list of its trajectories; an empty list: told nothing."""
        self.plans = plans
        self.rng = np.random.default_rng(seed)
        self.since = np.zeros(len(plans), np.int64)  # tick at which the lane's piece began
        self.current = [self._another(lane) for lane in range(len(plans))]

    def _another(self, lane):
        found = self.plans[lane]
        if not found:
            return None
        return control.transposed(found[self.rng.integers(len(found))], int(self.rng.integers(12)))

    def rows(self, ticks):
        """(buckets [B,6], finished [B]) at the lanes' times; a finished lane is told the last row."""
        out, done = np.full((len(self.plans), len(control.NOTES_BUCKETS)), GAP), np.zeros(len(self.plans), bool)
        for lane, plan in enumerate(self.current):
            if plan is not None:
                row = (int(ticks[lane]) - self.since[lane]) // ROW_TICKS
                out[lane], done[lane] = plan[min(row, len(plan) - 1)], row >= len(plan)
        return out, torch.from_numpy(done)

    def renew(self, starts, ticks):
        """Lanes that began anew take another trajectory."""
        for lane in np.flatnonzero(starts):
            self.since[lane], self.current[lane] = int(ticks[lane]), self._another(lane)


def compose(player, guide, seconds, threshold=0.5, hard=False, prompt=None, log=None):
    """Note array of each lane, so many seconds; prompt: tuples [N,4] that every lane begins with."""
    rows = [[] for _ in range(player.lanes)]  # (onset tick, pitch, duration, velocity)
    prompt = [] if prompt is None else torch.as_tensor(np.asarray(prompt, np.int64))
    began, told_at = time.time(), 0
    while int(player.ticks.min()) * notes.TICK < seconds and player.number < MOST_NOTES * seconds:
        buckets, finished = guide.rows(player.ticks)
        forced = prompt[player.number].expand(player.lanes, 4) if player.number < len(prompt) else None
        # a piece that has just begun cannot end: of two starts in a row the first would be no piece
        drawn, starts = player.step(buckets, threshold, hard, forced, finished & ~player.starts)
        guide.renew(starts, player.ticks)
        for lane, (note, start) in enumerate(zip(drawn.tolist(), starts.tolist())):
            if not start:
                rows[lane].append((int(player.ticks[lane]), *note[1:]))
        if log and time.time() - told_at > 10:
            told_at = time.time()
            log(f"{player.number} notes a lane, {int(player.ticks.min()) * notes.TICK:.0f} s of {seconds:.0f} s "
                f"after {told_at - began:.0f} s")
    out = []
    for lane in rows:
        some = np.array([row for row in lane if row[0] * notes.TICK < seconds], np.int64).reshape(-1, 4)
        array = np.zeros(len(some), midi.NOTE)
        array["onset"] = some[:, 0] * notes.TICK
        array["offset"] = array["onset"] + notes.DURATION_SECONDS[some[:, 2]]
        array["pitch"], array["velocity"] = some[:, 1], notes.velocity_of(some[:, 3])
        out.append(midi.separate(array))
    return out


def _checkpoint(path, wanted):
    """(net, composers, {composer: plan}) of a checkpoint of train_transformer."""
    stored = torch.load(path, map_location="cpu")
    if "metadata" in stored:
        names, family, state = json.loads(stored["metadata"]["composers"]), stored["metadata"]["family"], stored["net"]
    else:  # checkpoint.pt knows no names: those of both archives, as train_transformer has them
        both = [archive.load(archive.DATA / name) for name in (archive.PERMISSIVE, archive.MAESTRO)]
        names, family, state = passages.vocabulary(both), "permissive", stored["trainer"]["net"]
    data = archive.load(archive.DATA / {"permissive": archive.PERMISSIVE, "maestro": archive.MAESTRO}[family])
    pieces = [p for p in passages.levelled(data.of("train")) if len(p.notes) >= passages.MINIMUM]
    net = transformer.Transformer(len(names), len(archive.KINDS))
    net.load_state_dict(state)
    net.eval()
    plans = {
        name: export_transformer.plan([p for p in pieces if streams.row(names, p.composer) == names.index(name)])
        for name in wanted or ("bach", "chopin", "debussy")
    }
    return net, names, plans


def load(path, wanted=None):
    """(net, composers, {composer: plan [N,6]}, temperature, accents) of a weights file or a checkpoint."""
    if str(path).endswith(".pt"):
        return *_checkpoint(path, wanted), 1.0, None
    net, metadata, plans = export_transformer.load(path)
    names = json.loads(metadata["composers"])
    accents = accent.load(safetensors.read(path)[0], names)
    return net, names, plans, float(metadata.get("temperature", 1.0)), accents


def main():
    parser = argparse.ArgumentParser(description="Compose with a transformer in PyTorch; write MIDI and figures.")
    parser.add_argument("--weights", required=True, help="weights file, best.pt or checkpoint.pt")
    parser.add_argument("--composer", action="append", help="default: all that have a plan")
    parser.add_argument("--kind", choices=archive.KINDS, default=archive.KINDS[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--lanes", type=int, default=4, help="lanes per composer")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--hard", action="store_true")
    parser.add_argument("--untold", action="store_true", help="follow no plan")
    parser.add_argument("--prompt", help="MIDI file to begin with")
    parser.add_argument("--prompt-notes", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", help="folder for COMPOSER/stream-LANE.mid, as evaluate.py reads them")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    net, names, plans, temperature, accents = load(arguments.weights, arguments.composer)
    wanted = arguments.composer or list(plans)
    count = arguments.lanes
    player = Player(net, [names.index(n) for n in wanted for _ in range(count)],
                    [arguments.seed * 1000 + lane for lane in range(count * len(wanted))],
                    archive.KINDS.index(arguments.kind), temperature, accents)
    parts = {n: [] if arguments.untold or n not in plans else trajectories(plans[n]) for n in wanted}
    guide = Guide([parts[n] for n in wanted for _ in range(count)], arguments.seed)
    prompt = None
    if arguments.prompt:
        prompt = notes.from_notes(midi.read(arguments.prompt))[0][: arguments.prompt_notes]
    began = time.time()
    arrays = compose(player, guide, arguments.minutes * 60, arguments.threshold, arguments.hard, prompt,
                     lambda line: print(f"generate: {line}", flush=True))
    print(f"generate: {sum(map(len, arrays))} notes, {arguments.minutes} min x {player.lanes} lanes in {time.time() - began:.0f} s")
    frames = int(arguments.minutes * 60 * roll.FRAMES_PER_SECOND)
    for index, name in enumerate(wanted):
        mine = arrays[index * count : (index + 1) * count]
        rolls = [roll.from_notes(array) for array in mine]
        print(f"{name}: threshold {arguments.threshold}{' hard' if arguments.hard else ''}")
        for key, value in stats.of(rolls).items():
            print(f"  {key:17} {value}")
        print("  pitch-class entropy per lane, bits " + " ".join(f"{stats.entropy(e):.2f}" for e in rolls))
        for lane in wander(rolls, frames):
            print("  by minute " + " ".join(map(str, lane)))
        if arguments.out:
            folder = Path(arguments.out) / name
            folder.mkdir(parents=True, exist_ok=True)
            for lane, array in enumerate(mine):
                midi.write(array, str(folder / f"stream-{lane}.mid"))


if __name__ == "__main__":
    main()
