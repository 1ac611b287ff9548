"""Minimal reader and writer of safetensors files (Debian 12 has no python3-safetensors).

Format: https://huggingface.co/docs/safetensors - 8 bytes little-endian header
length, a JSON header {name: {dtype, shape, data_offsets}, "__metadata__":
{string: string}}, then the tensors' data, row-major and little-endian. The data of
every tensor begins on a 64-byte boundary of the file, but for those behind one
whose length is no multiple of that: such ones are written last, bytes at the very end.
"""

import json
import os
import struct

import numpy as np
import torch

ALIGNMENT = 64

_TYPES = {
    torch.bfloat16: "BF16",
    torch.float16: "F16",
    torch.float32: "F32",
    torch.float64: "F64",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.uint8: "U8",
    torch.int8: "I8",
}
_DTYPES = {name: dtype for dtype, name in _TYPES.items()}
_SIZES = {"BF16": 2, "F16": 2, "F32": 4, "F64": 8, "I32": 4, "I64": 8, "U8": 1, "I8": 1}


def _bytes(tensor):
    tensor = tensor.detach().contiguous()
    if tensor.dtype == torch.bfloat16:  # numpy has no bfloat16
        return tensor.view(torch.int16).numpy().tobytes()
    return tensor.numpy().tobytes()


def write(path, tensors, metadata=None):
    """Write {name: torch tensor} and {string: string} to `path`, atomically."""
    header = {}
    if metadata:
        for key, value in metadata.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError(f"metadata {key!r}: keys and values must be strings")
        header["__metadata__"] = dict(metadata)
    # the format allows no holes: tensors of even length come first, so that all of those are aligned
    blobs = {name: _bytes(tensor) for name, tensor in tensors.items()}
    odd = {name: (len(blob) % ALIGNMENT > 0) + (len(blob) % 4 > 0) for name, blob in blobs.items()}
    offset, order = 0, sorted(blobs, key=odd.get)
    for name in order:
        header[name] = {
            "dtype": _TYPES[tensors[name].dtype],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, offset + len(blobs[name])],
        }
        offset += len(blobs[name])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    part = f"{path}.{os.getpid()}.part"
    with open(part, "wb") as stream:
        stream.write(struct.pack("<Q", len(text)))
        stream.write(text)
        for name in order:
            stream.write(blobs[name])
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def read(path):
    """({name: torch tensor}, {string: string}) of a file. Raises ValueError on a malformed one."""
    with open(path, "rb") as stream:
        data = stream.read()
    if len(data) < 8:
        raise ValueError(f"{path}: too short")
    (size,) = struct.unpack_from("<Q", data)
    if size > len(data) - 8:
        raise ValueError(f"{path}: header of {size} bytes in a file of {len(data)}")
    try:
        header = json.loads(data[8 : 8 + size])
    except ValueError as error:
        raise ValueError(f"{path}: header is not JSON: {error}") from error
    metadata = header.pop("__metadata__", {})
    body = data[8 + size :]
    tensors = {}
    for name, about in header.items():
        start, end = about["data_offsets"]
        dtype, shape = about["dtype"], about["shape"]
        if dtype not in _DTYPES:
            raise ValueError(f"{path}: {name}: unknown dtype {dtype}")
        count = int(np.prod(shape, dtype=np.int64))
        if not 0 <= start <= end <= len(body) or end - start != count * _SIZES[dtype]:
            raise ValueError(f"{path}: {name}: data_offsets do not fit the shape or the file")
        raw = bytearray(body[start:end])
        if dtype == "BF16":
            flat = torch.frombuffer(raw, dtype=torch.int16).view(torch.bfloat16) if count else torch.empty(0, dtype=torch.bfloat16)
        else:
            flat = torch.frombuffer(raw, dtype=_DTYPES[dtype]) if count else torch.empty(0, dtype=_DTYPES[dtype])
        tensors[name] = flat.reshape(shape)
    return tensors, metadata


def restored(tensors):
    """I8 matrices with a scale beside them (quantise.py) as what they stand for, in float32."""
    return {
        name: tensor.float() * tensors[f"{name}.scale"][:, None] if tensor.dtype == torch.int8 else tensor
        for name, tensor in tensors.items()
    }
