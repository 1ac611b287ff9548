"""The transformer: attention against its definition, causality, time, rows, training resumed, export."""

import json
import os
import tempfile
import unittest
from unittest import mock

import numpy as np
import torch

from models import (archive, control, export_transformer, golden_transformer, midi, notes, passages, pianist, safetensors,
                    train_transformer, transformer)

from hand import piece

NAMES = ["bach", "chopin", "debussy", "other"]


class Attention(unittest.TestCase):
    def test_values_and_gradients_are_those_of_the_definition(self):
        torch.manual_seed(0)
        q, k, v = (torch.randn(2, 16, 8, requires_grad=True) for _ in range(3))
        gain, sink = (torch.rand(2, requires_grad=True) for _ in range(2))
        row, column = torch.arange(16)[:, None], torch.arange(16)[None]
        window = 4
        seen = (column <= row) & (column > row - window)
        weight = (torch.bmm(q, k.transpose(1, 2)) * gain[:, None, None]).exp() * seen
        theirs = torch.bmm(weight, v) / (weight.sum(-1, keepdim=True) + sink.exp()[:, None, None])
        mine = transformer._Attention.apply(q, k, v, gain, sink, window)
        pull = torch.randn_like(mine)
        self.assertTrue(torch.allclose(mine, theirs, atol=1e-5))
        inputs = (q, k, v, gain, sink)
        for a, b in zip(torch.autograd.grad((mine * pull).sum(), inputs), torch.autograd.grad((theirs * pull).sum(), inputs)):
            self.assertTrue(torch.allclose(a, b, atol=1e-4), float((a - b).abs().max()))


def inputs(net, tuples, number=0, ticks=0):
    count = len(tuples)
    told = torch.zeros(1, count, control.NOTES_SIZE)
    x = net.embed(tuples[None], torch.zeros(1, count, dtype=torch.bool), torch.zeros(1, count, dtype=torch.int64),
                  torch.zeros(1, count, dtype=torch.int64), told)
    at = torch.cumsum(torch.from_numpy(notes.DELTA_TICKS[tuples[:, 0].numpy()]), 0)
    return x, (torch.arange(count) + number)[None], (at + ticks)[None]


class Net(unittest.TestCase):
    def setUp(self):
        self.net = export_transformer.random(3, 4, (8, 16))
        self.tuples = torch.from_numpy(golden_transformer.phrase(0, 64))

    def h(self, tuples, **at):
        with torch.no_grad():
            return self.net.body(*inputs(self.net, tuples, **at))[0]

    def test_the_future_is_not_seen(self):
        changed = self.tuples.clone()
        changed[40:, 1] = 99
        a, b = self.h(self.tuples), self.h(changed)
        self.assertTrue(torch.equal(a[:40], b[:40]))
        self.assertGreater(float((a[40:] - b[40:]).abs().max()), 0.1)

    def test_what_left_the_windows_is_forgotten(self):
        changed = self.tuples.clone()
        changed[0, 1] = 99
        a, b = self.h(self.tuples), self.h(changed)
        reach = 7 + 15  # of the two layers
        self.assertGreater(float((a[reach] - b[reach]).abs().max()), 0.0)
        self.assertEqual(float((a[reach + 1 :] - b[reach + 1 :]).abs().max()), 0.0)

    def test_positions_are_relative_for_ever(self):
        a = self.h(self.tuples)
        b = self.h(self.tuples, number=10**9, ticks=3 * 10**11)  # ninety years of music
        self.assertLess(float((a - b).abs().max()), 1e-4)

    def test_tempo_is_heard(self):
        slower = self.tuples.clone()
        slower[:, 0] = torch.where(slower[:, 0] > 0, slower[:, 0] + 20, slower[:, 0])
        x, number, ticks = inputs(self.net, self.tuples)
        _, _, later = inputs(self.net, slower)
        with torch.no_grad():
            difference = self.net.body(x, number, ticks) - self.net.body(x, number, later)
        self.assertGreater(float(difference.abs().max()), 0.01)


class Rows(unittest.TestCase):
    def pieces(self):
        return [piece(seed=s, seconds=20, composer=NAMES[s % 3]) for s in range(4)] + [
            piece(seed=9, seconds=20, kind="score", flat=True)]

    def test_every_row_is_whole_and_repeats(self):
        some = passages.Passages(self.pieces(), NAMES, 3, 256, 7)
        one, two = some.next(5), some.next(5)
        for name, values in one.items():
            self.assertTrue(np.array_equal(values, two[name]), name)
        self.assertFalse(np.array_equal(one["tuples"], some.next(6)["tuples"]))
        self.assertEqual(one["tuples"].shape, (3, 256, 4))
        # the next element is the target, and nothing is learnt of a start
        for row in range(3):
            starts = np.flatnonzero(one["starts"][row, 1:])
            self.assertEqual(float(one["known"][row, starts].sum()), 0.0)
            keep = ~one["starts"][row, 1:]
            self.assertTrue(np.array_equal(one["target"][row, :-1][keep], one["tuples"][row, 1:][keep]))
        self.assertTrue((np.diff(one["ticks"], axis=1) >= 0).all())
        self.assertGreater(int(one["starts"].sum()), 0)

    def test_flat_velocities_teach_nothing(self):
        rows = passages.Passages([piece(seed=9, seconds=60, kind="score", flat=True)], NAMES, 2, 128, 1).next(0)
        self.assertEqual(float(rows["known"][..., 3].sum()), 0.0)
        self.assertGreater(float(rows["known"][..., 1].sum()), 0.0)
        loud = 10 + 8  # rows of the buckets before loudness
        self.assertEqual(float(rows["told"][..., loud : loud + 8].sum()), 0.0)

    def test_attributes_by_hand(self):
        array = notes.to_notes([[0, 60, 40, 16]] + [[92 - 6, 64, 40, 16]] * 3)
        step = notes.DELTA_TICKS[86] * notes.TICK
        self.assertGreater(step, passages.BEFORE)
        values = passages.attributes(array)
        seen = 1 + int(((7.0 / step)))  # the note itself and those in the 7 s behind it
        self.assertAlmostEqual(values[0, 0], seen * 6.0)
        self.assertAlmostEqual(values[0, 2], 66.0)
        self.assertAlmostEqual(values[0, 3], seen * notes.DURATION_SECONDS[40] / 10, places=4)

    def test_key_and_chroma_are_those_of_the_time_around(self):
        """Twenty seconds of a C major scale, then as long the F sharp minor scale."""
        steps = {0: [60, 62, 64, 65, 67, 69, 71, 72, 60, 64, 67, 72], 1: [66, 68, 69, 71, 73, 74, 76, 78, 66, 69, 73, 78]}
        rows = [(i * 0.25, i * 0.25 + 0.2, steps[i // 80][i % 12], 64) for i in range(160)]
        values = passages.attributes(midi.separate(np.array(rows, midi.NOTE)))
        self.assertEqual(values.shape, (160, 6))
        self.assertEqual(values[24:40, 4].tolist(), [0.0] * 16)
        self.assertEqual(values[-40:, 4].tolist(), [12.0 + 6] * 40)
        # from six seconds before the note to ten behind it: notes i - 24 to i + 39
        for pure, mixed in ((40, 41), (104, 103)):
            step = 12 if pure > 80 else -12  # as far in the scale, deeper in the key
            self.assertAlmostEqual(values[pure, 5], values[pure + step, 5])
            self.assertNotAlmostEqual(values[mixed, 5], values[mixed + step, 5])
        told = passages.told(values[30:31], np.ones(6, bool))
        self.assertEqual(int(np.flatnonzero(told[0])[4]), 35)
        self.assertEqual(told.shape, (1, 67))

    def test_a_played_page_teaches_its_pitches_only(self):
        score = [piece(seed=s, seconds=60, kind="score") for s in range(3)]
        some = passages.Passages([piece(seed=7), *score], NAMES, 2, 256, 3)
        self.assertEqual(some.played, passages.PLAYED_SHARE)
        self.assertEqual(passages.Passages(score, NAMES, 2, 256, 3).played, 0.0)
        part, kind = some._elements(score[0], np.random.default_rng(3))
        while kind != "performance":
            part, kind = some._elements(score[0], np.random.default_rng(len(kind) + int(part["ticks"][-1])))
        part = {**part, "composer": np.zeros(len(part["starts"]), int), "kind": np.zeros(len(part["starts"]), int)}
        rows = passages.batch([part])
        self.assertEqual(rows["known"].sum((0, 1)).tolist(), [0.0, rows["known"].shape[1], 0.0, 0.0])
        page = passages.batch([{**passages.elements(score[0], score[0].notes), "composer": part["composer"][:1].repeat(
            len(score[0].notes) + 1), "kind": part["kind"][:1].repeat(len(score[0].notes) + 1)}])
        self.assertTrue((page["known"].sum((0, 1)) >= page["known"].shape[1] - 1).all())

    def test_silences_are_shortened(self):
        array = passages.close_gaps(notes.to_notes([[0, 60, 40, 16], [94, 64, 40, 16], [94, 64, 40, 16]]))
        gaps = array["onset"][1:] - array["offset"][:-1]
        self.assertLessEqual(float(gaps.max()), passages.LONGEST_GAP + 1e-4)

    def test_sources_speak_one_language(self):
        quiet = piece(seed=3, kind="score")
        quiet = quiet._replace(file="Bach/scores/x.mid", notes=quiet.notes.copy())
        quiet.notes["velocity"] //= 3
        out = passages.levelled([piece(seed=1), quiet])
        self.assertAlmostEqual(float(out[0].notes["velocity"].mean()), float(out[1].notes["velocity"].mean()), delta=2)


class Pianist(unittest.TestCase):
    def test_no_pitch_is_changed(self):
        page = piece(seed=4, seconds=60, kind="score", flat=True)
        for seed in range(4):
            played = pianist.play(page.notes, True, np.random.default_rng(seed))
            self.assertLessEqual(len(played), len(page.notes))
            self.assertGreater(len(played), 0.98 * len(page.notes))
            lost = np.bincount(page.notes["pitch"], minlength=128) - np.bincount(played["pitch"], minlength=128)
            self.assertTrue((lost >= 0).all())
            self.assertTrue((played["offset"] > played["onset"]).all())
            self.assertGreater(len(np.unique(played["velocity"])), 10)
            self.assertTrue((np.diff(played["onset"]) >= -1e-3).all())
            ratio = played["onset"][-1] / page.notes["onset"][-1]
            self.assertTrue(0.6 < ratio < 1.6, ratio)

    def test_written_velocities_are_kept_nearly(self):
        page = piece(seed=4, seconds=60, kind="score")
        played = pianist.play(page.notes, False, np.random.default_rng(1))
        self.assertAlmostEqual(float(played["velocity"].mean()), float(page.notes["velocity"].mean()), delta=2)

    def test_nothing_is_played_of_nothing(self):
        self.assertEqual(len(pianist.play(np.zeros(0, midi.NOTE), True, np.random.default_rng(0))), 0)


class Training(unittest.TestCase):
    def trainer(self):
        pieces = [piece(seed=s, seconds=20) for s in range(3)]
        return train_transformer.Trainer(pieces, NAMES, 2, 512, seed=5, steps=8, dtype=torch.float32)

    def test_learns_and_resumes_exactly(self):
        torch.set_num_threads(1)
        one = self.trainer()
        first = one.advance()["loss"]
        for _ in range(2):
            one.advance()
        kept = {"trainer": one.snapshot()}
        path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
        torch.save(kept, path)
        two = self.trainer()
        two.restore(torch.load(path)["trainer"])
        a, b = one.advance(), two.advance()
        self.assertEqual(a, b)
        for (name, p), q in zip(one.net.named_parameters(), two.net.parameters()):
            self.assertTrue(torch.equal(p, q), name)
        self.assertLess(a["loss"], first)


    def test_begins_from_a_run_that_knew_less(self):
        net, older = (export_transformer.random(seed, 4, (8, 16)) for seed in (1, 2))
        state = {name: value.clone() for name, value in older.state_dict().items()}
        state["control"] = state["control"][: control.SIZE]
        train_transformer.begin_from(net, state)
        self.assertTrue(torch.equal(net.control[: control.SIZE], older.control[: control.SIZE]))
        self.assertEqual(float(net.control[control.SIZE :].abs().max()), 0.0)
        self.assertGreater(float(older.control[control.SIZE :].abs().max()), 0.0)
        self.assertTrue(torch.equal(net.composer, older.composer))
        train_transformer.begin_from(net, older.state_dict())
        self.assertTrue(torch.equal(net.control, older.control))


class Export(unittest.TestCase):
    def test_a_file_that_knows_less(self):
        net = export_transformer.random(3, 4, (8, 16))
        path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
        stored = {**export_transformer.tensors(net), "plan.bach": torch.tensor([[1, 2, 3, 4]], dtype=torch.uint8)}
        stored["embed.control"] = stored["embed.control"][: control.SIZE]
        about = {**export_transformer.fixed(net), "composers": json.dumps(NAMES),
                 "control_buckets": json.dumps(control.BUCKETS)}
        safetensors.write(path, stored, about)
        again, _, plans = export_transformer.load(path)
        self.assertTrue(torch.equal(again.control[: control.SIZE], net.control[: control.SIZE]))
        self.assertEqual(float(again.control[control.SIZE :].abs().max()), 0.0)
        self.assertEqual(plans["bach"].tolist(), [[1, 2, 3, 4, 255, 255]])
        about["control_buckets"] = json.dumps({"key": [1]})
        safetensors.write(path, stored, about)
        self.assertRaises(ValueError, export_transformer.load, path)

    def test_there_and_back(self):
        net = export_transformer.random(3, 4, (8, 16))
        path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
        plans = {"plan.bach": torch.tensor([[1, 2, 3, 4, 13, 6], [255] * 6], dtype=torch.uint8)}
        about = {"composers": json.dumps(NAMES)}
        safetensors.write(path, {**export_transformer.tensors(net), **plans}, {**export_transformer.fixed(net), **about})
        again, metadata, read = export_transformer.load(path)
        self.assertEqual(json.loads(metadata["windows"]), [8, 16])
        self.assertEqual(read["bach"].tolist(), [[1, 2, 3, 4, 13, 6], [255] * 6])
        for (name, a), b in zip(net.named_parameters(), again.parameters()):
            self.assertTrue(torch.allclose(a, b, atol=0.02, rtol=0.01), name)
        vectors = golden_transformer.vectors(again, 40)
        self.assertEqual(tuple(vectors["logits1"].shape), (2, 40, 128))
        self.assertGreater(float(vectors["logits1"].std()), 0.1)

    def test_composers_can_be_offered_later(self):
        data = archive.Archive("test", "0" * 64, "permissive", [piece(name, 120, seed) for name in ("bach", "debussy") for seed in range(2)])
        about = {"composers": json.dumps(NAMES), "offered": '["bach", "chopin"]', "stats": '{"bach": 1, "chopin": 2}',
                 "accent": '{"bach": {}, "chopin": {}}', "seed": "7", "net": "transformer", "control_buckets": json.dumps(control.NOTES_BUCKETS)}
        stored = {"plan.bach": torch.ones(1), "plan.chopin": torch.ones(1), "accent.chopin": torch.ones(1), "compass.bach": torch.ones(1)}
        with mock.patch("builtins.print"):
            tensors, told = export_transformer.offer(stored, about, ["bach", "debussy"], data)
        self.assertEqual(set(tensors), {"plan.bach", "compass.bach", "plan.debussy"})
        self.assertEqual(tensors["plan.debussy"].shape[1], len(control.NOTES_BUCKETS))
        self.assertEqual(json.loads(told["offered"]), ["bach", "debussy"])
        self.assertEqual(list(json.loads(told["stats"])), ["bach", "debussy"])
        self.assertEqual(json.loads(told["stats"])["bach"], 1)
        self.assertEqual((json.loads(told["accent"]), told["seed"]), ({"bach": {}}, "7"))
        for name in ("chopni", "chopin"):  # no row, no music
            with self.assertRaisesRegex(SystemExit, f"--offered {name}: "):
                export_transformer.offer({}, {**about, "offered": "[]"}, [name], data)
        for key, value in (("net", "lstm"), ("control_buckets", json.dumps(control.BUCKETS))):
            with self.assertRaisesRegex(SystemExit, "only a transformer that knows density, "):
                export_transformer.offer(stored, {**about, key: value}, ["bach"], data)

    def test_plan(self):
        rows = export_transformer.plan([piece(seed=s, seconds=120) for s in range(3)])
        borders = np.flatnonzero((rows == 255).all(1))
        self.assertEqual(len(borders), 2)
        buckets = [len(edges) + 1 for edges in control.NOTES_BUCKETS.values()]
        inner = rows[~(rows == 255).all(1)]
        self.assertTrue((inner < buckets).all())
        # 300 notes a minute and a bass a second: 360, which is an edge
        edge = np.searchsorted(control.BUCKETS["density"], 360, "right")
        self.assertTrue(np.isin(inner[1:20, 0], (edge - 1, edge)).all())

    def test_flat_plan_tells_no_loudness(self):
        rows = export_transformer.trajectory(piece(seconds=120, kind="score", flat=True))
        self.assertTrue((rows[:, 2] == 255).all())


if __name__ == "__main__":
    unittest.main()
