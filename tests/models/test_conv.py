"""The conv nets: caches against the whole window, reach, causality, training, export."""

import os
import tempfile
import unittest

import torch

from models import control, export, golden, rollnets, train

from hand import piece

NAMES = ["bach", "chopin", "debussy", "other"]
REACH = {"conv1d": 1 + 7 + 56 + 128, "wavenet": 1 + 4 * (2 + 4 + 8 + 16 + 16)}  # frames


class Nets(unittest.TestCase):
    def each(self):
        for name in REACH:
            with self.subTest(name):
                net = export.random(1, 4, name)
                net.eval()
                yield name, net

    def run_net(self, net, x):
        with torch.no_grad():
            return net(x, torch.tensor([0, 1]), net.start(2))[0]

    def test_frame_by_frame_is_the_whole(self):
        for _, net in self.each():
            x = (torch.rand(40, 2, 256) < 0.05).float()
            whole, state = self.run_net(net, x), net.start(2)
            with torch.no_grad():
                for t in range(40):
                    one, state = net(x[t : t + 1], torch.tensor([0, 1]), state)
                    self.assertLess(float((one[0] - whole[t]).abs().max()), 1e-4)

    def test_reach_and_causality(self):
        for name, net in self.each():
            reach = REACH[name]
            x = (torch.rand(reach + 20, 2, 256) < 0.05).float()
            other = x.clone()
            other[10] = 1.0
            changed = (self.run_net(net, x) - self.run_net(net, other)).abs().amax((1, 2)) > 1e-7
            self.assertFalse(bool(changed[:10].any()))
            self.assertTrue(bool(changed[10]))
            self.assertTrue(bool(changed[10 + reach - 1]), "what lies a whole reach back is heard")
            self.assertFalse(bool(changed[10 + reach :].any()))

    def test_composer_is_heard(self):
        for _, net in self.each():
            x = (torch.rand(5, 1, 256) < 0.05).float().expand(5, 2, 256)
            out = self.run_net(net, x)
            self.assertGreater(float((out[:, 0] - out[:, 1]).abs().max()), 0.01)

    def test_learns_and_resumes_exactly(self):
        torch.set_num_threads(1)
        for name in REACH:
            pieces = [piece(seed=s, seconds=20) for s in range(3)]
            make = lambda: train.Trainer(pieces, NAMES, 4, 40, seed=5, warm=2, steps=8, kind=torch.float32, net=name)
            one = make()
            losses = [one.advance()["loss"] for _ in range(4)]
            path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
            torch.save(one.snapshot(), path)
            expected = one.advance()
            two = make()
            two.restore(torch.load(path))
            self.assertEqual(two.advance(), expected)
            self.assertLess(losses[-1], losses[0])

    def test_export_folds_and_comes_back(self):
        for name, net in self.each():
            full = rollnets.KINDS[name](4, controls=control.SIZE)
            with torch.no_grad():
                for key, parameter in full.named_parameters():
                    parameter.normal_(std=0.05)
                    parameter.copy_(parameter.bfloat16().float())
            full.eval()
            wanted = {n: (100.0 + 50 * i, 60.0, 64.0, 4.0) for i, n in enumerate(NAMES)}
            path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
            export.save(path, name, export.fold(full.state_dict(), NAMES, wanted),
                        {"composers": '["bach", "chopin", "debussy", "other"]'}, export.tables(full.state_dict()))
            again, metadata = export.load(path)
            self.assertEqual(metadata["net"], name)
            x = (torch.rand(30, 2, 256) < 0.05).float()
            told = torch.stack([torch.from_numpy(control.vector(wanted[n])) for n in ("bach", "chopin")])
            with torch.no_grad():
                theirs = full(x, torch.tensor([0, 1]), full.start(2), control=told)[0]
            self.assertLess(float((self.run_net(again, x) - theirs).abs().max()), 1e-4)

    def test_golden_vectors_outlast_the_caches(self):
        for name, net in self.each():
            vectors = golden.vectors(net)
            self.assertGreater(len(vectors["logits"]), REACH[name])
            self.assertTrue(torch.allclose(self.run_net(net, vectors["x"]), vectors["logits"], atol=1e-4))


if __name__ == "__main__":
    unittest.main()
