"""safetensors: round trip, alignment, metadata, refusal of malformed files."""

import json
import os
import struct
import tempfile
import unittest

import torch

from models import safetensors


class Safetensors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "a.safetensors")

    def test_round_trip(self):
        torch.manual_seed(1)
        tensors = {
            "a.weight": torch.randn(16, 32).bfloat16(),
            "a.bias": torch.randn(16),
            "ids": torch.arange(2, dtype=torch.int32),
        }
        safetensors.write(self.path, tensors, {"net": "lstm", "who": "Frédéric"})
        back, metadata = safetensors.read(self.path)
        self.assertEqual(metadata, {"net": "lstm", "who": "Frédéric"})
        self.assertEqual(list(back), list(tensors))
        for name, tensor in tensors.items():
            self.assertEqual(back[name].dtype, tensor.dtype)
            self.assertEqual(back[name].shape, tensor.shape)
            self.assertTrue(torch.equal(back[name].float(), tensor.float()))

    def test_layout_is_the_formats_and_aligned(self):
        safetensors.write(self.path, {"a": torch.ones(32), "b": torch.full((3,), 2.0)}, {"k": "v"})
        with open(self.path, "rb") as stream:
            data = stream.read()
        (size,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + size])
        self.assertEqual((8 + size) % 64, 0)
        self.assertEqual(header["__metadata__"], {"k": "v"})
        self.assertEqual(header["a"], {"dtype": "F32", "shape": [32], "data_offsets": [0, 128]})
        self.assertEqual(header["b"]["data_offsets"], [128, 140])
        self.assertEqual(len(data), 8 + size + 140)  # no hole, nothing behind
        self.assertEqual(struct.unpack_from("<f", data, 8 + size + 128), (2.0,))

    def test_bfloat16_is_the_upper_half_of_a_float(self):
        safetensors.write(self.path, {"a": torch.tensor([1.0, -2.0]).bfloat16()})
        with open(self.path, "rb") as stream:
            self.assertEqual(stream.read()[-4:], bytes.fromhex("803f00c0"))

    def test_transposed_tensor_is_written_row_major(self):
        tensor = torch.arange(6.0).reshape(2, 3).t()
        safetensors.write(self.path, {"a": tensor})
        self.assertTrue(torch.equal(safetensors.read(self.path)[0]["a"], tensor))

    def test_tensors_of_odd_length_come_last(self):
        tensors = {"bytes": torch.ones(5, dtype=torch.uint8), "odd": torch.ones(3), "even": torch.ones(16)}
        safetensors.write(self.path, tensors)
        with open(self.path, "rb") as stream:
            data = stream.read()
        (size,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + size])
        self.assertEqual([header[n]["data_offsets"][0] for n in ("even", "odd", "bytes")], [0, 64, 76])
        stored, _ = safetensors.read(self.path)
        for name, tensor in tensors.items():
            self.assertTrue(torch.equal(stored[name], tensor), name)

    def test_metadata_must_be_strings(self):
        with self.assertRaises(TypeError):
            safetensors.write(self.path, {"a": torch.ones(1)}, {"steps": 5})

    def test_malformed_files_are_refused(self):
        safetensors.write(self.path, {"a": torch.ones(16)})
        with open(self.path, "rb") as stream:
            good = stream.read()
        huge = struct.pack("<Q", 1 << 40) + good[8:]
        for bad in (b"", b"1234567", good[:-4], huge, struct.pack("<Q", 4) + b"nope"):
            with open(self.path, "wb") as stream:
                stream.write(bad)
            with self.assertRaises(ValueError):
                safetensors.read(self.path)


if __name__ == "__main__":
    unittest.main()
