"""The transformer's weights file: from a checkpoint, and back.

Owns the tensor names, shapes and metadata of the file (README.md describes them), and the
composers' plans: human trajectories of the control attributes for the net to follow.

    python3 -m models.export_transformer --checkpoint FOLDER/best.pt --out FILE
    python3 -m models.export_transformer --weights FILE --temperature 0.94 --out FILE
    python3 -m models.export_transformer --weights FILE --offered bach,chopin,debussy,mozart --out FILE
    python3 -m models.export_transformer --random SEED --out FILE       untrained, for tests
"""

import argparse
import json

import numpy as np
import torch

from . import accent, archive, control, export, notes, passages, roll, safetensors, stats, streams, transformer

VOCABULARY = "notes-4 delta+pitch+duration+velocity"
STEP = 5.0  # seconds of a plan's row
LONGEST, SHORTEST, MOST = 72, 12, 64  # rows of one trajectory; trajectories of a composer
_LOW, _FULL = torch.bfloat16, torch.float32


def tensors(net, gain=1.0 / transformer.HEAD**0.5):
    """{tensor name: tensor} of the file from a Transformer."""
    out = {f"embed.{name}": table for name, table in zip(notes.FIELDS, net.tables)}
    for name in ("start", "composer", "kind", "control"):
        out[f"embed.{name}"] = getattr(net, name)
    for index, layer in enumerate(net.layers):
        for name in ("qkv", "proj", "up", "down"):
            out[f"layer{index}.{name}"] = getattr(layer, name)
        out[f"layer{index}.gain"] = layer.gain * gain
        out[f"layer{index}.sink"] = layer.sink
    for index, head in enumerate(net.heads):
        out[f"head{index}.hidden"] = head.hidden
        for former, table in enumerate(head.seen):
            out[f"head{index}.seen{former}"] = table
        out[f"head{index}.out"] = head.out
        out[f"head{index}.bias"] = head.bias
    matrices = ("qkv", "proj", "up", "down", "hidden", "out")
    return {
        name: tensor.detach().to(_LOW if name.rpartition(".")[2] in matrices else _FULL).contiguous()
        for name, tensor in out.items()
    }


def padded(metadata, table, plans):
    """(table of controls, plans) of a file that may know fewer attributes than this version: what it
    lacks is told nothing and not known."""
    names = list(json.loads(metadata["control_buckets"]))
    if names != list(control.NOTES_BUCKETS)[: len(names)]:
        raise ValueError(f"unknown control attributes: {' '.join(names)}")
    rows = torch.zeros(control.NOTES_SIZE, table.shape[1])
    rows[: len(table)] = table
    missing = len(control.NOTES_BUCKETS) - len(names)
    return rows, {name: np.pad(plan, ((0, 0), (0, missing)), constant_values=255) for name, plan in plans.items()}


def load(path):
    """(Transformer in float32 with the file's rounded weights, metadata, plans)."""
    stored, metadata = safetensors.read(path)
    stored = safetensors.restored(stored)
    if metadata.get("format") != export.FORMAT or metadata.get("net") != "transformer":
        raise ValueError(f"{path}: not a {export.FORMAT} transformer")
    windows = tuple(json.loads(metadata["windows"]))
    plans = {name[5:]: value.numpy() for name, value in stored.items() if name.startswith("plan.")}
    stored["embed.control"], plans = padded(metadata, stored["embed.control"].float(), plans)
    net = transformer.Transformer(len(json.loads(metadata["composers"])), len(json.loads(metadata["kinds"])), windows)
    with torch.no_grad():
        for name, tensor in tensors(net, 1.0).items():
            value = stored[name].float()
            if value.shape != tensor.shape:
                raise ValueError(f"{path}: {name} has the shape {tuple(value.shape)}")
        for index, name in enumerate(notes.FIELDS):
            net.tables[index].copy_(stored[f"embed.{name}"].float())
        for name in ("start", "composer", "kind", "control"):
            getattr(net, name).copy_(stored[f"embed.{name}"].float())
        for index, layer in enumerate(net.layers):
            for name in ("qkv", "proj", "up", "down", "gain", "sink"):
                getattr(layer, name).copy_(stored[f"layer{index}.{name}"].float())
            layer.gain *= transformer.HEAD**0.5
        for index, head in enumerate(net.heads):
            head.hidden.copy_(stored[f"head{index}.hidden"].float())
            for former, table in enumerate(head.seen):
                table.copy_(stored[f"head{index}.seen{former}"].float())
            head.out.copy_(stored[f"head{index}.out"].float())
            head.bias.copy_(stored[f"head{index}.bias"].float())
    net.eval()
    return net, metadata, plans


def trajectory(piece):
    """Buckets uint8 [N,6] of a piece's attributes every STEP seconds; 255 for what is not known."""
    array = passages.close_gaps(piece.notes)
    values = passages.attributes(array)
    times = np.arange(0.0, float(array["onset"][-1]) - passages.WINDOW + passages.BEFORE, STEP)
    places = np.minimum(np.searchsorted(array["onset"], times), len(array) - 1)
    out = np.zeros((len(times), len(control.NOTES_BUCKETS)), np.uint8)
    for index, edges in enumerate(control.NOTES_BUCKETS.values()):
        out[:, index] = np.searchsorted(edges, values[places, index], "right")
    if piece.flat:
        out[:, list(control.NOTES_BUCKETS).index("loudness")] = 255
    return out[:LONGEST]


def plan(pieces):
    """Plan uint8 [N,6] of a composer: trajectories spread evenly over the pieces of piano music,
    played and written, a row of 255s between."""
    some = sorted((p for p in pieces if p.kind != "song"), key=lambda p: p.file)
    good = [t for t in map(trajectory, some) if len(t) >= SHORTEST]
    good = [good[i] for i in sorted(set(np.linspace(0, len(good) - 1, MOST).astype(int)))] if good else []
    border = np.full((1, len(control.NOTES_BUCKETS)), 255, np.uint8)
    return np.concatenate([part for t in good for part in (border, t)][1:]) if good else border[:0]


def typical(pieces):
    """Median attributes over the notes of pieces, without key and chroma; loudness of those that are
    not flat."""
    values = np.concatenate([passages.attributes(passages.close_gaps(p.notes))[::8] for p in pieces])
    loud = [passages.attributes(p.notes)[::8, 2] for p in pieces if not p.flat]
    medians = np.median(values, 0)[: len(control.BUCKETS)]
    medians[2] = np.median(np.concatenate(loud)) if loud else 64.0
    return [round(float(v), 2) for v in medians]


def fixed(net):
    return {
        "format": export.FORMAT,
        "net": "transformer",
        "vocabulary": VOCABULARY,
        "kinds": json.dumps(archive.KINDS),
        "windows": json.dumps([layer.window for layer in net.layers]),
        "heads": str(transformer.HEADS),
        "periods_notes": json.dumps(transformer.PERIODS_NOTES),
        "periods_ticks": json.dumps(transformer.PERIODS_TICKS),
        "control_buckets": json.dumps(control.NOTES_BUCKETS),
    }


def habits(data, names, offered):
    """What a file says of the composers offered: ({composer: statistics}, {composer: plan}, {composer: all their
    pieces of the train split, songs too}). names: rows of the table of composers."""
    pieces = [p for p in passages.levelled(data.of("train")) if len(p.notes) >= passages.MINIMUM]
    groups = {name: [p for p in pieces if streams.row(names, p.composer) == row] for row, name in enumerate(names)}
    human, plans = {}, {}
    for name in offered:
        of_piano = [p for p in groups.get(name, []) if p.kind != "song"]
        plans[name] = plan(of_piano) if of_piano else []
        if not len(plans[name]):
            raise SystemExit(f"--offered {name}: the net has no row of {name}, or {data.name} no piano music to make a plan of")
        human[name] = stats.of([streams.begin_at_zero(roll.from_notes(p.notes)) for p in of_piano])
        print(f"export: {name}: {len(of_piano)} pieces, plan of {len(plans[name])} rows")
    return human, plans, groups


def offer(stored, about, offered, data):
    """(tensors, metadata) of a weights file that offers these composers: those new to it get plans and statistics,
    those that it offers no longer lose theirs, and their accents."""
    if about["net"] != "transformer" or list(json.loads(about["control_buckets"])) != list(control.NOTES_BUCKETS):
        raise SystemExit(f"--offered: only a transformer that knows {', '.join(control.NOTES_BUCKETS)} can be given plans")
    before, human = json.loads(about["offered"]), json.loads(about["stats"])
    found, plans, _ = habits(data, json.loads(about["composers"]), [name for name in offered if name not in before])
    gone = {f"{kind}.{name}" for kind in ("plan", *accent.KINDS) for name in set(before) - set(offered)}
    stored = {name: tensor for name, tensor in stored.items() if name not in gone}
    stored.update({f"plan.{name}": torch.from_numpy(rows) for name, rows in plans.items()})
    about = {**about, "offered": json.dumps(offered), "stats": json.dumps({name: {**human, **found}[name] for name in offered})}
    if "accent" in about:
        told = json.loads(about["accent"])
        about["accent"] = json.dumps({name: how for name, how in told.items() if name in offered})
    return stored, about


def random(seed, composers, windows=transformer.WINDOWS):
    """An untrained Transformer whose activations and answers are not trivial, for tests."""
    torch.manual_seed(seed)
    net = transformer.Transformer(composers, len(archive.KINDS), windows)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            last = name.rpartition(".")[2]
            if last in ("proj", "down", "out"):
                parameter.normal_(std=0.7 * parameter.shape[1] ** -0.5)
            elif last in ("composer", "kind", "control", "sink", "bias") or "seen" in name:
                parameter.normal_(std=0.3)
            elif last == "gain":
                parameter.uniform_(0.5, 2.0)
    net.eval()
    return net


def main():
    parser = argparse.ArgumentParser(description="Export a transformer to safetensors.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", help="best.pt of models.train_transformer")
    source.add_argument("--weights", metavar="FILE", help="weights file that only gets another --temperature or --offered")
    source.add_argument("--random", type=int, metavar="SEED", help="untrained net instead")
    parser.add_argument("--data", help="the archive it was trained on")
    parser.add_argument("--offered", help=f"composers to offer, with commas (default: {','.join(export.OFFERED)})")
    parser.add_argument("--temperature", type=float, help="at which it is to be drawn from, by measure (default: 1)")
    parser.add_argument("--windows", type=json.loads, default=list(transformer.WINDOWS), help="of a random net")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    offered = list(dict.fromkeys(arguments.offered.split(","))) if arguments.offered else list(export.OFFERED)
    if arguments.temperature is not None and not arguments.temperature > 0:
        parser.error("--temperature: a number over 0")
    if arguments.weights:
        if not arguments.offered and not arguments.temperature:
            parser.error("--weights: say what is to change, --temperature or --offered")
        stored, about = safetensors.read(arguments.weights)
        if arguments.offered:
            data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
            if export.FAMILIES[data.family] != about["family"]:
                raise SystemExit(f"{arguments.weights} is of the family {about['family']}: give its archive with --data")
            stored, about = offer(stored, about, offered, data)
        if arguments.temperature:
            about = {**about, "temperature": f"{arguments.temperature:g}"}
        safetensors.write(arguments.out, stored, about)
        print(f"export: {arguments.out} sha256 {export.digest(arguments.out)}")
        return
    if arguments.random is not None:
        names = [*offered, *(f"composer{n}" for n in range(3, 8)), "other"]
        net = random(arguments.random, len(names), arguments.windows)
        rng = np.random.default_rng(arguments.random)
        plans = {name: rng.integers(0, 8, (40, len(control.NOTES_BUCKETS))).astype(np.uint8) for name in offered}
        about = {
            "family": "random", "composers": json.dumps(names), "offered": json.dumps(offered),
            "stats": "{}", "control": json.dumps({name: [400, 62, 64, 4] for name in names}),
            "data": "none", "licence": "MIT", "attribution": "none", "commit": export.commit(),
            "command": f"python3 -m models.export_transformer --random {arguments.random}",
            "seed": str(arguments.random), "steps": "0", "validation_loss": "nan",
        }
    else:
        checkpoint = torch.load(arguments.checkpoint, map_location="cpu")
        about = checkpoint["metadata"]
        names = json.loads(about["composers"])
        net = transformer.Transformer(len(names), len(archive.KINDS))
        net.load_state_dict(checkpoint["net"])
        data = archive.load(arguments.data or archive.DATA / archive.PERMISSIVE)
        if data.family != about["family"]:
            raise SystemExit(f"{arguments.checkpoint} was trained on {about['family']}: give its archive with --data")
        human, plans, groups = habits(data, names, offered)
        figures = json.loads(about["validation"])
        about = {
            **about,
            "family": export.FAMILIES[data.family],
            "licence": archive.LICENCES[data.family],
            "attribution": archive.ATTRIBUTIONS[data.family],
            "offered": json.dumps(offered),
            "stats": json.dumps(human),
            "control": json.dumps({name: typical(found) for name, found in groups.items() if found}),
            "validation_loss": f"{figures['all']:.4f}",
            "commit": export.commit(),
        }
        if arguments.temperature not in (None, 1.0):
            about["temperature"] = f"{arguments.temperature:g}"
    safetensors.write(
        arguments.out,
        {**tensors(net), **{f"plan.{name}": torch.from_numpy(rows) for name, rows in plans.items()}},
        {**fixed(net), **about},
    )
    print(f"export: {arguments.out} sha256 {export.digest(arguments.out)}")


if __name__ == "__main__":
    main()
