"""quantise: integers and scales, what they stand for, and the file that has them."""

import os
import tempfile
import unittest

import torch

from models import export, export_transformer, quantise, safetensors


class Quantise(unittest.TestCase):
    def test_rows_round_to_half_a_step(self):
        torch.manual_seed(1)
        matrix = torch.randn(40, 256) * torch.logspace(-3, 3, 40)[:, None]
        integers, scale = quantise.rows(matrix)
        self.assertEqual((integers.dtype, scale.dtype), (torch.int8, torch.float32))
        self.assertLessEqual(int(integers.abs().max()), quantise.MOST)
        error = (integers.float() * scale[:, None] - matrix).abs()
        inside = matrix.abs() < quantise.MOST * scale[:, None]
        self.assertTrue(bool((error[inside] <= 0.5001 * scale[:, None].expand_as(error)[inside]).all()))
        # a step is some hundredth of the largest weight of its own row, not of the matrix's
        self.assertLess(float((error.square().sum(1) / matrix.square().sum(1)).max()), 2e-4)

    def test_a_clip_is_taken_where_it_errs_less(self):
        matrix = torch.linspace(-1, 1, 2048)[None].repeat(2, 1)
        matrix[1, 0] = 1.35
        _, scale = quantise.rows(matrix)
        self.assertAlmostEqual(float(scale[0]), 1 / 127, places=4)
        self.assertLess(float(scale[1]), 1.34 / 127)

    def test_a_row_of_zeros(self):
        integers, scale = quantise.rows(torch.zeros(2, 16))
        self.assertFalse(bool(integers.any()))
        self.assertTrue(bool(torch.isfinite(scale).all()))

    def test_the_file_stands_for_the_rounded_net(self):
        net = export_transformer.random(3, 4)
        fixed = {**export_transformer.fixed(net), "composers": "[1,2,3,4]"}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.safetensors")
            safetensors.write(path, quantise.tensors(export_transformer.tensors(net)), fixed)
            stored, _ = safetensors.read(path)
            back, _, _ = export_transformer.load(path)
        large = [name for name in stored if quantise.is_quantised(name)]
        self.assertEqual(len(large), 6 * 4 + 4)
        for name in large:
            self.assertEqual(stored[name].dtype, torch.int8)
            self.assertEqual(tuple(stored[f"{name}.scale"].shape), tuple(stored[name].shape[:1]))
        self.assertEqual(stored["head0.out"].dtype, torch.bfloat16)
        wanted = stored["layer2.down"].float() * stored["layer2.down.scale"][:, None]
        self.assertTrue(torch.equal(back.layers[2].down, wanted))
        self.assertLess(float((back.layers[2].down - net.layers[2].down).norm() / net.layers[2].down.norm()), 0.02)

    def test_the_file_of_an_lstm_stands_for_the_rounded_net(self):
        net = export.random(3, 4)
        fixed = {"format": export.FORMAT, "net": "lstm", "composers": "[1,2,3,4]"}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.safetensors")
            safetensors.write(path, quantise.tensors(export.tensors(net.state_dict()), quantise.parts_of(fixed)), fixed)
            stored, _ = safetensors.read(path)
            back, _ = export.load(path)
        self.assertEqual([name for name, tensor in stored.items() if tensor.dtype == torch.int8],
                         [f"{layer}.weight" for layer in ("lstm1", "lstm2", "dense1", "dense2", "dense3")])
        error = (back.lstm2_weight - net.lstm2_weight).norm() / net.lstm2_weight.norm()
        self.assertTrue(0 < float(error) < 0.02)
        self.assertTrue(torch.equal(back.lstm1_bias, net.lstm1_bias))
        with self.assertRaises(SystemExit):
            quantise.parts_of({"net": "wavenet"})


if __name__ == "__main__":
    unittest.main()
