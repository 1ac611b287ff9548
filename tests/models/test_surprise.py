"""Surprise: likelihoods beside their floors, on made-up music."""

import math
import unittest

import torch

from models import archive, export, export_transformer, notes, surprise, transformer

from hand import piece

NAMES = ["bach", "chopin", "other"]


def blank():
    """A transformer that answers nothing: every bin is as likely as another."""
    torch.manual_seed(1)
    net = transformer.Transformer(len(NAMES), len(archive.KINDS), (32, 32))
    net.eval()
    return net


class OfNotes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.train = [piece(seed=n, seconds=60) for n in range(6)]
        cls.validation = [piece(seed=n, seconds=60, split="validation") for n in range(10, 16)]

    def test_a_blank_net_is_as_surprised_as_can_be(self):
        found = surprise.of_notes(blank(), NAMES, self.train, self.validation)
        self.assertEqual(found["length"], 256)  # 360 notes a piece: too short for rows of 1024
        self.assertAlmostEqual(found["all"], sum(math.log(size) for size in notes.SIZES), places=3)

    def test_the_floor_knows_the_histograms(self):
        found = surprise.of_notes(blank(), NAMES, self.train, self.validation)
        self.assertAlmostEqual(found["floor"], sum(found["floor_fields"].values()))
        # a sixth of the deltas are 0, two thirds of the rest 200 ms: far from 95 equal bins
        self.assertLess(found["floor_fields"]["delta"], 1.0)
        self.assertGreater(found["floor_fields"]["pitch"], 2.0)
        self.assertLess(found["floor_fields"]["pitch"], math.log(60))
        self.assertAlmostEqual(found["ordered"] - found["all"], found["order"])
        # one tick in five holds two notes: ln 2 for each six notes
        self.assertAlmostEqual(found["order"], math.log(2) / 6, delta=0.02)

    def test_flat_velocities_are_not_counted(self):
        flat = [p._replace(flat=True) for p in self.validation]
        found = surprise.of_notes(blank(), NAMES, self.train, flat)
        self.assertEqual(found["velocity"], 0.0)
        self.assertEqual(found["floor_fields"]["velocity"], 0.0)
        usual = surprise.of_notes(blank(), NAMES, self.train, self.validation)
        silent = [p._replace(flat=True, notes=p.notes.copy()) for p in self.train]
        for each in silent:
            each.notes["velocity"] = 1
        added = surprise.of_notes(blank(), NAMES, self.train + silent, self.validation)
        self.assertLess(usual["floor_fields"]["velocity"], math.log(20))
        self.assertAlmostEqual(added["floor_fields"]["velocity"], usual["floor_fields"]["velocity"])

    def test_a_random_net_is_worse_than_the_floor(self):
        net = export_transformer.random(3, len(NAMES), (32, 32))
        found = surprise.of_notes(net, NAMES, self.train, self.validation)
        self.assertGreater(found["all"], found["floor"])


class OfFrames(unittest.TestCase):
    def test_floor_and_net(self):
        train = [piece(seed=n, seconds=70) for n in range(4)]
        validation = [piece(seed=n, seconds=70, split="validation") for n in range(10, 13)]
        found = surprise.of_frames(export.random(1, len(NAMES)), NAMES, train, validation)
        self.assertEqual((found["unit"], found["rows"]), ("frame", 3))
        self.assertGreater(found["all"], found["floor"])
        self.assertGreater(found["floor"], 0.5)
        self.assertAlmostEqual(found["floor_bach"], found["floor"], places=5)
