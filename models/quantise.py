"""Weights of one byte: what they cost, and a weights file that has them.

    nice -n 19 python3 -m models.quantise --measure FILE [--data PATH]     the loss, in a table
    python3 -m models.quantise --out FILE8 FILE                            the file

A matrix is kept as I8 with one float32 a row beside it (NAME.scale): weight = scale * integer, from
-127 to 127. A row's scale is, of a few that clip ever more of its largest weights, the one with the
smallest squared error. The matrices of the transformer's layers and the hidden ones of its heads
are kept so; the last of the heads, and all tables, stay as they are: they are small. Of the LSTM all
matrices are kept so; the kernels of the other roll nets know none of bytes.
"""

import argparse
import json

import torch

from . import archive, export, export_transformer, passages, safetensors, train, train_transformer

PARTS = ("qkv", "proj", "up", "down", "hidden")
LSTM_PARTS = ("weight",)
MOST = 127
CLIPS = torch.linspace(0.7, 1.0, 16)  # shares of a row's largest weight


def rows(matrix):
    """(int8 [R,C], float32 scales [R]) of a matrix [R,C]."""
    matrix = matrix.float()
    largest = matrix.abs().amax(1).clamp(min=1e-12)
    best, scale = torch.full_like(largest, float("inf")), largest / MOST
    for clip in CLIPS:
        trial = largest * clip / MOST
        error = (whole(matrix, trial) * trial[:, None] - matrix).square().sum(1)
        scale = torch.where(error < best, trial, scale)
        best = torch.minimum(error, best)
    return whole(matrix, scale).to(torch.int8), scale


def whole(matrix, scale):
    return (matrix / scale[:, None]).round().clamp(-MOST, MOST)


def parts_of(metadata):
    """Of the net that a file with this metadata holds."""
    known = {"transformer": PARTS, "lstm": LSTM_PARTS}
    if metadata["net"] not in known:
        raise SystemExit(f"a {metadata['net']} has no weights of one byte")
    return known[metadata["net"]]


def is_quantised(name, parts=PARTS):
    return name.rpartition(".")[2] in parts


def tensors(stored, parts=PARTS):
    """The tensors of a file, those of `parts` as integers and scales."""
    out = {}
    for name, tensor in stored.items():
        if is_quantised(name, parts) and tensor.dtype != torch.int8:
            out[name], out[f"{name}.scale"] = rows(tensor)
        else:
            out[name] = tensor
    return out


@torch.no_grad()
def rounded(net, parts=PARTS):
    """Rounds the weights of a Transformer or an Lstm in place."""
    for name, parameter in net.named_parameters():
        if is_quantised(export.stored_name(name) if parts == LSTM_PARTS else name, parts):
            integers, scale = rows(parameter)
            parameter.copy_(integers.float() * scale[:, None])


def measure(path, data, count):
    """Prints nats per note of `count` validation rows, or per frame, of the file's weights and of
    rounded ones."""
    stored, metadata = safetensors.read(path)
    if any(tensor.dtype == torch.int8 for tensor in stored.values()):
        raise SystemExit(f"{path} has weights of one byte already: measure what it was made of")
    names, pieces = json.loads(metadata["composers"]), archive.load(data).of("validation")
    if parts_of(metadata) == LSTM_PARTS:
        measure_frames(path, train.Validation(passages.piano(pieces), names))
    else:
        measure_notes(path, train_transformer.Validation(pieces, names, 1024, count))


def measure_frames(path, validation):
    """The table of an LSTM."""
    first = None
    print("weights of one byte            nats/frame   loss")
    for label, parts in (("none", ()), ("all matrices", LSTM_PARTS)):
        net, _ = export.load(path)
        rounded(net, parts)
        nats = validation.measure(net, torch.float32, told=False)[0]["all"]
        first = first or nats
        print(f"{label:28s}  {nats:10.5f}  {100 * (nats / first - 1):+.3f} %", flush=True)


def measure_notes(path, validation):
    """The table of a transformer."""
    first = None
    print("weights of one byte            nats/note    loss")
    for label, parts in (("none", ()), (" ".join(PARTS), PARTS), ("these and out", (*PARTS, "out"))):
        net, _, _ = export_transformer.load(path)
        rounded(net, parts)
        nats = validation.measure(net, torch.float32)["all"]
        first = first or nats
        print(f"{label:28s}  {nats:10.5f}  {100 * (nats / first - 1):+.3f} %", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Weights of one byte.")
    parser.add_argument("weights")
    parser.add_argument("--measure", action="store_true", help="what it costs, in nats per note")
    parser.add_argument("--data", default=str(archive.DATA / archive.PERMISSIVE), help="validation pieces")
    parser.add_argument("--rows", type=int, default=train_transformer.VALIDATION_ROWS, help="of 1024 notes, to measure")
    parser.add_argument("--out", help="file to write")
    arguments = parser.parse_args()
    if arguments.measure:
        torch.set_num_threads(1)
        measure(arguments.weights, arguments.data, arguments.rows)
    if arguments.out:
        stored, metadata = safetensors.read(arguments.weights)
        parts = parts_of(metadata)
        safetensors.write(arguments.out, tensors(stored, parts), {**metadata, "quantised": " ".join(parts)})
        print(f"quantise: {arguments.out} sha256 {export.digest(arguments.out)}")


if __name__ == "__main__":
    main()
