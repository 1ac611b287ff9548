"""The net against torch.nn.LSTM, its likelihood by hand, training resumed, export, sampling."""

import json
import math
import os
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch

from models import export, generate, golden, likelihood, lstm, roll, safetensors, seeds, stats, streams, train, training

from hand import piece

NAMES = ["bach", "chopin", "debussy", "other"]


class Layer(unittest.TestCase):
    def test_values_and_gradients_are_those_of_torch(self):
        torch.manual_seed(0)
        reference = torch.nn.LSTM(12, 16)
        x = torch.randn(9, 4, 12)
        h, c = torch.randn(4, 16), torch.randn(4, 16)
        weight = torch.cat([reference.weight_ih_l0, reference.weight_hh_l0], 1).detach().requires_grad_()
        bias = (reference.bias_ih_l0 + reference.bias_hh_l0).detach().requires_grad_()
        pull = torch.randn(9, 4, 16)
        one, two = x.clone().requires_grad_(), x.clone().requires_grad_()
        mine, cell = lstm.LstmLayer.apply(one, weight, bias.expand(4, -1), h, c, torch.float32)
        theirs, (_, their_cell) = reference(two, (h[None], c[None]))
        (mine * pull).sum().backward()
        (theirs * pull).sum().backward()
        for a, b in (
            (mine, theirs), (cell, their_cell[0]), (one.grad, two.grad),
            (weight.grad[:, :12], reference.weight_ih_l0.grad),
            (weight.grad[:, 12:], reference.weight_hh_l0.grad),
            (bias.grad, reference.bias_ih_l0.grad),
        ):
            self.assertTrue(torch.allclose(a, b, atol=2e-5), float((a - b).abs().max()))

    def test_bfloat16_is_near(self):
        torch.manual_seed(0)
        x, weight, bias = torch.randn(20, 4, 12), torch.randn(64, 28) * 0.3, torch.randn(4, 64)
        zero = torch.zeros(4, 16)
        full, _ = lstm.LstmLayer.apply(x, weight, bias, zero, zero, torch.float32)
        low, _ = lstm.LstmLayer.apply(x, weight, bias, zero, zero, torch.bfloat16)
        self.assertLess(float((full - low).abs().max()), 0.05)


class Likelihood(unittest.TestCase):
    def test_by_hand(self):
        logits = torch.zeros(384)
        logits[128:256] = -30.0  # no onset, for certain
        logits[0], logits[128 + 1], logits[128 + 2] = 1.0, 2.0, -1.0
        sounding, target = torch.zeros(128), torch.zeros(256)
        sounding[0] = sounding[1] = sounding[3] = 1.0
        target[0] = 1.0  # goes on
        target[1] = 1.0  # struck again: its sustain logit has no say
        target[128 + 1] = 0.5 + 127 / 254
        onset, sustain, square, count = likelihood.loss_terms(logits, target, sounding)
        log = lambda value: -math.log(1 / (1 + math.exp(-value)))
        self.assertAlmostEqual(float(onset), log(2.0) + log(1.0), places=4)  # 1 struck, 2 not
        self.assertAlmostEqual(float(sustain), log(1.0) + math.log(2.0), places=4)  # 0 goes on, 3 ends
        self.assertAlmostEqual(float(square), 0.25, places=5)  # sigmoid(0) against 1
        self.assertEqual(float(count), 1.0)


class Training(unittest.TestCase):
    def trainer(self, steps=20):
        pieces = [piece("bach", 30, 1), piece("chopin", 25, 2)]
        return train.Trainer(pieces, NAMES, batch=4, frames=20, seed=3, warm=2, steps=steps)

    @mock.patch.object(train, "CONTROL_FROM", 2)
    def test_resumes_bit_for_bit(self):
        torch.set_num_threads(1)
        one = self.trainer()
        for _ in range(3):
            one.advance()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "c.pt")
            training.save(one.snapshot(), path)
            for _ in range(3):
                last = one.advance()
            torch.manual_seed(999)
            two = self.trainer()
            two.restore(torch.load(path))
        for _ in range(3):
            again = two.advance()
        self.assertEqual(last, again)
        for (name, a), (_, b) in zip(one.net.named_parameters(), two.net.named_parameters()):
            self.assertTrue(torch.equal(a, b), name)

    def test_learns(self):
        trainer = self.trainer(steps=60)
        losses = [trainer.advance()["loss"] for _ in range(60)]
        self.assertLess(np.mean(losses[-5:]), 0.9 * np.mean(losses[:3]))

    def test_rate_warms_up_and_falls(self):
        rates = [train.rate(step, 1.0, 10, 100) for step in range(101)]
        self.assertAlmostEqual(rates[0], 0.1)
        self.assertAlmostEqual(max(rates), 1.0)
        self.assertAlmostEqual(rates[100], 0.02)
        self.assertEqual(rates[10:], sorted(rates[10:], reverse=True))

    def test_validation_floor_is_the_histograms_entropy(self):
        pieces = [piece("bach", 70, 1, "validation"), piece("chopin", 70, 2, "validation")]
        validation = train.Validation(pieces, NAMES)
        floor = validation.floor(pieces)
        figures, sigma = validation.measure(lstm.Lstm(4), torch.float32, told=False)
        self.assertEqual(set(floor), {"all", "bach", "chopin"})
        self.assertAlmostEqual(floor["all"], (floor["bach"] + floor["chopin"]) / 2, places=4)
        self.assertLess(floor["all"], figures["all"])  # an untrained net is worse than the histogram
        self.assertTrue(0.05 < sigma < 0.5)


class Exported(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "a.safetensors")
        cls.net = export.random(5, 4)
        export.save(cls.path, "lstm", cls.net.state_dict(), {"composers": json.dumps(NAMES), "velocity_sigma": "0.1"})

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_shapes_names_and_types(self):
        tensors, metadata = safetensors.read(self.path)
        self.assertEqual(
            {name: (list(t.shape), t.dtype) for name, t in tensors.items()},
            {
                "lstm1.weight": ([2048, 768], torch.bfloat16), "lstm1.bias": ([2048], torch.float32),
                "lstm1.composer": ([4, 2048], torch.float32),
                "lstm2.weight": ([2048, 1024], torch.bfloat16), "lstm2.bias": ([2048], torch.float32),
                "dense1.weight": ([256, 512], torch.bfloat16), "dense1.bias": ([256], torch.float32),
                "dense1.composer": ([4, 256], torch.float32),
                "dense2.weight": ([256, 256], torch.bfloat16), "dense2.bias": ([256], torch.float32),
                "dense3.weight": ([384, 256], torch.bfloat16), "dense3.bias": ([384], torch.float32),
            },
        )
        self.assertEqual(metadata["format"], "fermata-net-1")
        self.assertEqual(metadata["net"], "lstm")
        self.assertLess(os.path.getsize(self.path), 10e6)

    def test_reloaded_net_is_the_rounded_one(self):
        net, _ = export.load(self.path)
        rounded = lstm.Lstm(4)
        rounded.load_state_dict({
            k: v.bfloat16().float() if k.endswith("weight") else v for k, v in self.net.state_dict().items()
        })
        rounded.eval()
        x, composer = torch.rand(5, 2, 256), torch.tensor([0, 3])
        with torch.no_grad():
            a, _ = net(x, composer, net.start(2))
            b, _ = rounded(x, composer, rounded.start(2))
            c, _ = self.net.eval()(x, composer, net.start(2))
        self.assertTrue(torch.equal(a, b))
        self.assertFalse(torch.equal(a, c))
        self.assertLess(float((a - c).abs().max()), 0.2)

    def test_other_formats_are_refused(self):
        path = self.path + ".other"
        safetensors.write(path, {"a": torch.ones(1)}, {"format": "something"})
        with self.assertRaises(ValueError):
            export.load(path)

    def test_golden_vectors_are_the_nets(self):
        net, _ = export.load(self.path)
        vectors = golden.vectors(net)
        self.assertEqual(list(vectors["x"].shape), [24, 2, 256])
        self.assertEqual(vectors["composer"].dtype, torch.int32)
        with torch.no_grad():
            logits, (h1, c1, h2, c2) = net(vectors["x"], torch.tensor([0, 1]), net.start(2))
        for name, last in (("h1", h1), ("c1", c1), ("h2", h2), ("c2", c2), ("logits", logits[-1])):
            self.assertTrue(torch.allclose(vectors[name][-1], last, atol=1e-4), name)
        self.assertTrue(((vectors["x"][:, :, 128:] > 0).sum((0, 2)) >= 9).all())
        self.assertFalse(torch.allclose(vectors["logits"][0, 0], vectors["logits"][0, 1]))

    def test_player_agrees_with_the_training_net(self):
        net, _ = export.load(self.path)
        vectors = golden.vectors(net)
        player = generate.Player(net, [0, 1], 0.1)
        for step in range(24):
            logits = player.logits(vectors["x"][step])
        self.assertTrue(torch.allclose(logits, vectors["logits"][-1], atol=1e-4))

    def test_sampling_rule(self):
        net, _ = export.load(self.path)
        player = generate.Player(net, [0], 0.0, seed=2)
        wanted = torch.full((1, 384), -30.0)
        wanted[0, 60] = wanted[0, 61] = 30.0  # both would go on, only 60 sounds
        wanted[0, 128 + 64] = 30.0
        wanted[0, 256 + 64] = 0.0
        player.logits = lambda x: wanted
        player.x[0, 60] = player.x[0, 62] = 1.0
        for hard in (False, True):
            player.x = torch.zeros(1, 256)
            player.x[0, 60] = player.x[0, 62] = 1.0
            frame = player.step(hard=hard)[0]
            self.assertEqual(torch.nonzero(frame).flatten().tolist(), [60, 64, 128 + 64])
            self.assertAlmostEqual(float(frame[128 + 64]), 0.5 + 64 / 254, places=6)

    def test_threshold_shifts_the_odds(self):
        net, _ = export.load(self.path)
        shares = []
        for threshold in (0.2, 0.5, 0.8):
            player = generate.Player(net, [0] * 64, 0.0, seed=2)
            player.logits = lambda x: torch.zeros(64, 384)
            shares.append(float((player.step(threshold)[:, 128:] > 0).float().mean()))
        for share, expected in zip(shares, (0.8, 0.5, 0.2)):
            self.assertAlmostEqual(share, expected, delta=0.02)

    def test_generation_is_deterministic_and_whole(self):
        net, _ = export.load(self.path)
        first = generate.compose(generate.Player(net, [0, 1], 0.1, seed=4), 60)
        second = generate.compose(generate.Player(net, [0, 1], 0.1, seed=4), 60)
        other = generate.compose(generate.Player(net, [0, 1], 0.1, seed=5), 60)
        self.assertEqual([e.tolist() for e in first], [e.tolist() for e in second])
        self.assertNotEqual([e.tolist() for e in first], [e.tolist() for e in other])
        self.assertGreater(len(first[0]), 20)


class Figures(unittest.TestCase):
    def test_density_sounding_and_gaps(self):
        events = np.array([(f, f + 10, 60, 64) for f in range(0, 1200, 20)], roll.EVENT)
        events = events[(events["on"] < 400) | (events["on"] >= 500)]
        events = np.append(events, np.array([(1190, 1210, 70, 10)], roll.EVENT))
        figures = stats.of([roll.tidy(events)])
        self.assertEqual(figures["notes_per_minute"][2], 60.0)
        self.assertEqual(figures["sounding"][2], 0.5)
        self.assertEqual(figures["longest_gap"][2], (500 - 390) / 20)
        self.assertEqual(figures["longest_wait"][2], (500 - 381) / 20)
        self.assertEqual(figures["register"], [60.0, 60.0, 60.0])

    def test_entropy(self):
        chromatic = np.array([(i, i + 1, 60 + i, 64) for i in range(12)], roll.EVENT)
        self.assertAlmostEqual(stats.entropy(chromatic), math.log2(12))
        self.assertEqual(stats.entropy(chromatic[:1]), 0.0)


class Seeds(unittest.TestCase):
    def test_phrase_is_normalised(self):
        want = (420.0, 60.0, 70.0)
        pieces = [piece("bach", 60, seed) for seed in range(4)]
        chosen = seeds.choose(pieces, want, 3)
        self.assertEqual(len(chosen), 3)
        for _, rows in chosen:
            onsets = [r[0] for r in rows]
            self.assertEqual(onsets[0], 0)
            self.assertEqual(rows, sorted(rows))
            self.assertLess(max(r[0] + r[1] for r in rows), 10100)
            self.assertLess(max(np.diff(onsets)), 1500)
            self.assertAlmostEqual(float(np.median([r[2] for r in rows])), 60.0, delta=1.0)
            self.assertAlmostEqual(float(np.mean([r[3] for r in rows])), 70.0, delta=1.5)
            self.assertTrue(all(d >= 1 for _, d, _, _ in rows))

    def test_file_reads_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "seeds.txt")
            with open(path, "w", encoding="utf-8") as out:
                out.write("# a\n\nphrase bach Fugue [x]\n0 500 60 64\n250 100 62 70\n\nphrase chopin Étude\n0 1 60 1\n")
            phrases = generate.load_seeds(path)
        self.assertEqual(sorted(phrases), ["bach", "chopin"])
        self.assertEqual(phrases["bach"][0]["pitch"].tolist(), [60, 62])
        self.assertAlmostEqual(float(phrases["bach"][0]["offset"][1]), 0.35, places=5)


if __name__ == "__main__":
    unittest.main()
