"""Export: from a training checkpoint to the weights file the daemon reads.

Owns the names, shapes, dtypes and metadata of models/weights/*.safetensors and
the way back (load). Weight matrices are bfloat16, biases and composer tables
float32.

    python3 -m models.export --checkpoint FILE [--out FILE]
    python3 -m models.export --random SEED --out FILE      an untrained net, for tests
"""

import argparse
import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import torch

from . import archive, control, passages, roll, rollnets, safetensors, stats, streams, train

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "models" / "weights" / "lstm-maestro.safetensors"

FORMAT = "fermata-net-1"
VOCABULARY = "roll-20fps-128 sounding+onset+velocity"
OFFERED = ("bach", "chopin", "debussy")
FAMILIES = {"maestro": "maestro", "permissive": "open"}  # of the archive -> of the weights

_LOW, _FULL = torch.bfloat16, torch.float32


def stored_name(key):
    """Name in the file of a parameter: lstm1_weight -> lstm1.weight."""
    return ".".join(key.rsplit("_", 1))


def digest(path):
    """sha256 of a file, hexadecimal."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def commit():
    """HEAD of the repository, or "unknown"."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def tensors(parameters):
    """{tensor name: tensor} of the file from a folded state_dict: matrices in bfloat16."""
    return {
        stored_name(key): value.detach().to(_LOW if key.endswith("_weight") else _FULL)
        for key, value in parameters.items()
        if not key.endswith("_control")
    }


def tables(parameters):
    """The control tables, as further tensors: who knows them can steer the net.

    To hold other attributes than the typical ones, add to a composer's row of
    LAYER.composer the rows of LAYER.control of the wanted buckets, less those of
    the buckets folded in (metadata `control`).
    """
    return {stored_name(key): value.detach().float() for key, value in parameters.items() if key.endswith("_control")}


def fold(parameters, names, wanted):
    """state_dict without control tables: those of each composer's attributes added to its rows.

    wanted: {composer name: (density, register, loudness, polyphony)}.
    """
    out = {key: value.detach().clone() for key, value in parameters.items() if not key.endswith("_control")}
    told = torch.from_numpy(np.stack([control.vector(wanted[name]) for name in names]))
    for key, value in parameters.items():
        if key.endswith("_control"):
            out[key[: -len("control")] + "composer"] += told @ value.detach()
    return out


def attributes(data, names):
    """{composer name: median attributes of its train music}; `other`: of all the rest's."""
    rolls = {name: [] for name in names}
    for piece in passages.piano(data.of("train")):
        rolls[names[streams.row(names, piece.composer)]].append(streams.clean(piece.notes))
    return {name: control.typical(found) for name, found in rolls.items()}


def measured(kind, parameters, data, names):
    """Validation, nats per frame {all, bach, chopin}, of the net as its file will play:
    folded, weights rounded."""
    net = rollnets.KINDS[kind](len(names))
    put(net, tensors(parameters))
    return train.Validation(passages.piano(data.of("validation")), names).measure(net, torch.float32, told=False)[0]


def restored(stored, name):
    """A tensor of a file in float32; one of integers times the scales of its rows."""
    values = stored[name].float()
    return values if stored[name].dtype != torch.int8 else values * stored[f"{name}.scale"][:, None]


def put(net, stored):
    """Give a net the parameters of a file's tensors; its control tables are left alone."""
    found = {key: restored(stored, stored_name(key)) for key in net.state_dict() if not key.endswith("_control")}
    net.load_state_dict({**net.state_dict(), **found})


def save(path, kind, parameters, metadata, further=None):
    """Write a weights file; `metadata` adds to the fixed entries, `further` to the tensors."""
    fixed = {
        "format": FORMAT,
        "net": kind,
        "vocabulary": VOCABULARY,
        "frames_per_second": "20",
    }
    safetensors.write(path, {**tensors(parameters), **(further or {})}, {**metadata, **fixed})


def load(path):
    """(net in float32 with the file's rounded weights, metadata)."""
    stored, metadata = safetensors.read(path)
    kind = rollnets.KINDS.get(metadata.get("net"))
    if metadata.get("format") != FORMAT or kind is None:
        raise ValueError(f"{path}: not a {FORMAT} of the roll vocabulary")
    net = kind(len(json.loads(metadata["composers"])))
    put(net, stored)
    net.eval()
    return net, metadata


def random(seed, composers, kind="lstm"):
    """An untrained net whose activations are not trivial, with few onsets, for tests."""
    torch.manual_seed(seed)
    net = rollnets.KINDS[kind](composers)
    parameters = dict(net.named_parameters())
    last = [name for name in parameters if name.endswith("bias")][-1]  # the logits'
    with torch.no_grad():
        for name, parameter in parameters.items():
            if name.endswith("weight"):
                parameter *= 1.5
            elif name.endswith("composer"):
                parameter.normal_(std=0.3)
            elif name != last:
                parameter += 0.2 * torch.randn_like(parameter)
        parameters[last][roll.PITCHES : 2 * roll.PITCHES] = -3.0
    return net


def out(arguments, kind, family):
    """Path to write to."""
    return arguments.out or str(WEIGHTS.parent / f"{kind}-{family}.safetensors")


def main():
    parser = argparse.ArgumentParser(description="Export a checkpoint to safetensors.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", help="file that models.train wrote")
    source.add_argument("--random", type=int, metavar="SEED", help="untrained net instead")
    parser.add_argument("--net", choices=list(rollnets.KINDS), default="lstm", help="kind of the untrained net")
    parser.add_argument("--data", help="the archive it was trained on (default: MAESTRO)")
    parser.add_argument("--out", help="default: models/weights/NET-FAMILY.safetensors")
    arguments = parser.parse_args()
    if arguments.random is not None:
        kind, family = arguments.net, "random"
        composers = [*OFFERED, *(f"composer{n}" for n in range(3, 16)), "other"]
        typical = {"notes_per_minute": [120, 180, 480, 840, 960], "sounding": [1, 1.5, 4, 8, 10],
                   "longest_gap": [0.1, 0.2, 0.6, 1.5, 2.0], "register": [40, 60, 80]}
        save(
            out(arguments, kind, family),
            kind,
            random(arguments.random, len(composers), kind).state_dict(),
            {
                "family": family,
                "composers": json.dumps(composers),
                "offered": json.dumps(OFFERED),
                "stats": json.dumps({name: typical for name in OFFERED}),
                "velocity_sigma": "0.1",
                "data": "none",
                "licence": "MIT",
                "attribution": "none",
                "commit": commit(),
                "command": f"python3 -m models.export --random {arguments.random} --net {kind}",
                "seed": str(arguments.random),
                "steps": "0",
                "validation_loss": "nan",
            },
        )
    else:
        checkpoint = torch.load(arguments.checkpoint, map_location="cpu")
        data = archive.load(arguments.data)
        if data.family != checkpoint["metadata"]["family"]:
            raise SystemExit(f"{arguments.checkpoint} was trained on {checkpoint['metadata']['family']}: give it with --data")
        kind = checkpoint["metadata"].get("net", "lstm")
        family = FAMILIES[data.family]
        names = json.loads(checkpoint["metadata"]["composers"])
        wanted = attributes(data, names)
        human = {
            name: stats.of([streams.begin_at_zero(roll.from_notes(p.notes)) for p in passages.piano(data.of("train", name))])
            for name in OFFERED
        }
        folded = fold(checkpoint["net"], names, wanted)
        figures = measured(kind, folded, data, names)
        told = {f"validation_told{n}": checkpoint["metadata"][f"validation_{k}"]
                for n, k in (("", "loss"), ("_bach", "bach"), ("_chopin", "chopin"))}
        save(
            out(arguments, kind, family),
            kind,
            folded,
            {
                **checkpoint["metadata"],
                **told,
                "family": family,
                "licence": archive.LICENCES[data.family],
                "attribution": archive.ATTRIBUTIONS[data.family],
                "validation_loss": f"{figures['all']:.4f}",
                "validation_bach": f"{figures['bach']:.4f}",
                "validation_chopin": f"{figures['chopin']:.4f}",
                "offered": json.dumps(OFFERED),
                "stats": json.dumps(human),
                "control": json.dumps({n: [round(float(v), 2) for v in wanted[n]] for n in names}),
                "control_buckets": json.dumps(control.BUCKETS),
                "commit": commit(),
            },
            tables(checkpoint["net"]),
        )
    print(f"export: {out(arguments, kind, family)} sha256 {digest(out(arguments, kind, family))}")


if __name__ == "__main__":
    main()
