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

import torch

from . import archive, control, lstm, roll, safetensors, stats, streams, train

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "models" / "weights" / "lstm-maestro.safetensors"

FORMAT = "fermata-net-1"
VOCABULARY = "roll-20fps-128 sounding+onset+velocity"
OFFERED = ("bach", "chopin", "debussy")

# parameter of lstm.Lstm -> (tensor in the file, dtype)
_LOW, _FULL = torch.bfloat16, torch.float32
TENSORS = {
    "lstm1_weight": ("lstm1.weight", _LOW),
    "lstm1_bias": ("lstm1.bias", _FULL),
    "lstm1_composer": ("lstm1.composer", _FULL),
    "lstm2_weight": ("lstm2.weight", _LOW),
    "lstm2_bias": ("lstm2.bias", _FULL),
    "dense1_weight": ("dense1.weight", _LOW),
    "dense1_bias": ("dense1.bias", _FULL),
    "dense1_composer": ("dense1.composer", _FULL),
    "dense2_weight": ("dense2.weight", _LOW),
    "dense2_bias": ("dense2.bias", _FULL),
    "dense3_weight": ("dense3.weight", _LOW),
    "dense3_bias": ("dense3.bias", _FULL),
}


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
    """{tensor name: tensor} of the file from an Lstm's state_dict."""
    return {name: parameters[key].detach().to(dtype) for key, (name, dtype) in TENSORS.items()}


def tables(parameters):
    """The control tables, as further tensors: who knows them can steer the net.

    To hold other attributes than the typical ones, add to a composer's row of
    lstm1.composer the rows of lstm1.control of the wanted buckets, less those of
    the buckets folded in (metadata `control`); likewise for dense1.
    """
    return {
        "lstm1.control": parameters["lstm1_control"].detach().float(),
        "dense1.control": parameters["dense1_control"].detach().float(),
    }


def fold(parameters, names, wanted):
    """state_dict without control tables: those of each composer's attributes added to its rows.

    wanted: {composer name: (density, register, loudness, polyphony)}.
    """
    out = {key: value.detach().clone() for key, value in parameters.items() if not key.endswith("control")}
    for index, name in enumerate(names):
        told = torch.from_numpy(control.vector(wanted[name]))
        out["lstm1_composer"][index] += told @ parameters["lstm1_control"].detach()
        out["dense1_composer"][index] += told @ parameters["dense1_control"].detach()
    return out


def attributes(data, names):
    """{composer name: median attributes of its train music}; `other`: of all the rest's."""
    rolls = {name: [] for name in names}
    for piece in data.of("train"):
        rolls[names[streams.row(names, piece.composer)]].append(streams.clean(piece.notes))
    return {name: control.typical(found) for name, found in rolls.items()}


def measured(parameters, data, names):
    """Validation, nats per frame {all, bach, chopin}, of the net as its file will play:
    folded, weights rounded."""
    net = lstm.Lstm(len(names))
    rounded = {key: tensor.float() for key, tensor in zip(TENSORS, tensors(parameters).values())}
    net.load_state_dict({**net.state_dict(), **rounded})
    return train.Validation(data.of("validation"), names).measure(net, torch.float32, told=False)[0]


def save(path, parameters, metadata, further=None):
    """Write a weights file; `metadata` adds to the fixed entries, `further` to the tensors."""
    fixed = {
        "format": FORMAT,
        "net": "lstm",
        "vocabulary": VOCABULARY,
        "frames_per_second": "20",
    }
    safetensors.write(path, {**tensors(parameters), **(further or {})}, {**fixed, **metadata})


def load(path):
    """(lstm.Lstm in float32 with the file's rounded weights, metadata)."""
    stored, metadata = safetensors.read(path)
    if metadata.get("format") != FORMAT or metadata.get("net") != "lstm":
        raise ValueError(f"{path}: not a {FORMAT} lstm")
    net = lstm.Lstm(stored["lstm1.composer"].shape[0])
    found = {key: stored[name].float() for key, (name, _) in TENSORS.items()}
    net.load_state_dict({**net.state_dict(), **found})  # the control tables are empty
    net.eval()
    return net, metadata


def random(seed, composers):
    """An untrained Lstm whose activations are not trivial, with few onsets, for tests."""
    torch.manual_seed(seed)
    net = lstm.Lstm(composers)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("weight"):
                parameter *= 1.5
            elif name.endswith("composer"):
                parameter.normal_(std=0.3)
            elif not name.startswith("dense3"):
                parameter += 0.2 * torch.randn_like(parameter)
        net.dense3_bias[lstm.PITCHES : 2 * lstm.PITCHES] = -3.0
    return net


def main():
    parser = argparse.ArgumentParser(description="Export a checkpoint to safetensors.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", help="file that models.train wrote")
    source.add_argument("--random", type=int, metavar="SEED", help="untrained net instead")
    parser.add_argument("--data", help="the archive it was trained on (default: MAESTRO)")
    parser.add_argument("--out", default=str(WEIGHTS))
    arguments = parser.parse_args()
    if arguments.random is not None:
        composers = [*OFFERED, *(f"composer{n}" for n in range(3, 16)), "other"]
        typical = {"notes_per_minute": [120, 180, 480, 840, 960], "sounding": [1, 1.5, 4, 8, 10],
                   "longest_gap": [0.1, 0.2, 0.6, 1.5, 2.0], "register": [40, 60, 80]}
        save(
            arguments.out,
            random(arguments.random, len(composers)).state_dict(),
            {
                "family": "random",
                "composers": json.dumps(composers),
                "offered": json.dumps(OFFERED),
                "stats": json.dumps({name: typical for name in OFFERED}),
                "velocity_sigma": "0.1",
                "data": "none",
                "licence": "MIT",
                "attribution": "none",
                "commit": commit(),
                "command": f"python3 -m models.export --random {arguments.random}",
                "seed": str(arguments.random),
                "steps": "0",
                "validation_loss": "nan",
            },
        )
    else:
        checkpoint = torch.load(arguments.checkpoint, map_location="cpu")
        data = archive.load(arguments.data)
        names = json.loads(checkpoint["metadata"]["composers"])
        wanted = attributes(data, names)
        human = {
            name: stats.of([streams.begin_at_zero(roll.from_notes(p.notes)) for p in data.of("train", name)])
            for name in OFFERED
        }
        folded = fold(checkpoint["net"], names, wanted)
        figures = measured(folded, data, names)
        told = {f"validation_told{n}": checkpoint["metadata"][f"validation_{k}"]
                for n, k in (("", "loss"), ("_bach", "bach"), ("_chopin", "chopin"))}
        save(
            arguments.out,
            folded,
            {
                **checkpoint["metadata"],
                **told,
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
    print(f"export: {arguments.out} sha256 {digest(arguments.out)}")


if __name__ == "__main__":
    main()
