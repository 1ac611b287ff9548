#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The daemon's own engine, composing to a file (fermatad --compose): generator, lane, curator,
score and the real net on the real device, without sound and bus.

FERMATAD says what to test; FERMATA_MODELS where the nets are.
"""

import json
import os
import subprocess
import tempfile
import unittest

FERMATAD = os.environ['FERMATAD']
COMPOSERS = ('bach', 'chopin', 'debussy')


def run(*options, env=None):
    return subprocess.run([FERMATAD, *options], capture_output=True, text=True, timeout=600,
                          env={**os.environ, **(env or {})})


def compose(seconds, *options):
    """(notes, other events) of so much music."""
    done = run('--compose', str(seconds), *options)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e for e in events if e['event'] == 'on'], [e for e in events if e['event'] != 'on']


def gaps(notes, seconds):
    onsets = [0.0] + [e['time'] for e in notes] + [seconds]
    return [b - a for a, b in zip(onsets, onsets[1:])]


class Compose(unittest.TestCase):
    def test_same_seed_same_notes(self):
        first = compose(90, '--seed', '11')
        self.assertEqual(first, compose(90, '--seed', '11'))
        self.assertNotEqual(first[0], compose(90, '--seed', '12')[0])

    def test_what_composed_it_stands_first(self):
        _, others = compose(5, '--seed', '11', '--composer', 'bach', '--threshold', '0.4')
        self.assertEqual(others[0]['event'], 'composed')
        self.assertEqual(others[0]['seed'], 11)
        self.assertEqual(others[0]['composer'], 'bach')
        self.assertEqual(others[0]['threshold'], 0.4)
        self.assertEqual(others[1]['event'], 'piece')

    def test_notes_are_notes(self):
        notes, _ = compose(120, '--seed', '4')
        self.assertEqual(notes, sorted(notes, key=lambda e: e['time']))
        for note in notes:
            self.assertTrue(21 <= note['pitch'] <= 108)
            self.assertTrue(1 <= note['velocity'] <= 127)
            self.assertTrue(0.05 <= note['duration'] <= 12)
        self.assertGreater(len({e['velocity'] for e in notes}), 15, 'a typewriter')

    def test_minutes_of_each_composer_without_a_gap(self):
        # An hour of each is composed by docs/drying_out.py.
        for composer in COMPOSERS:
            notes, others = compose(420, '--composer', composer, '--seed', '1')
            self.assertLessEqual(max(gaps(notes, 420)), 4.0, composer)
            self.assertGreater(len(notes) / 7, 30, f'{composer}: notes a minute')
            reseeds = [e['time'] for e in others if e['event'] == 'reseed']
            longest = max(b - a for a, b in zip([0.0] + reseeds, reseeds + [420]))
            self.assertLessEqual(longest, 30 + 8, 'a reseed every 30 s')

    def test_hard_sampling_does_not_fall_silent(self):
        for threshold in ('0.3', '0.9'):
            notes, _ = compose(180, '--sampling', 'hard', '--threshold', threshold, '--seed', '1')
            self.assertLessEqual(max(gaps(notes, 180)), 4.0, threshold)

    def test_the_threshold_thins_the_music(self):
        # Without the curator, which holds the density where the composer has it.
        thick, thin = (len(compose(120, '--curator', 'no', '--seed', '2', '--threshold', t)[0])
                       for t in ('0.4', '0.75'))
        self.assertGreater(thick, 1.5 * thin)

    def test_without_the_curator_nothing_is_reseeded(self):
        _, others = compose(120, '--curator', 'no', '--seed', '2')
        self.assertEqual([e for e in others if e['event'] == 'reseed'], [])

    def test_the_interval_is_kept(self):
        _, others = compose(120, '--reseed-interval', '10', '--seed', '2')
        self.assertGreaterEqual(len([e for e in others if e['event'] == 'reseed']), 7)
        _, others = compose(120, '--reseed-interval', '0', '--seed', '2')
        self.assertEqual([e for e in others if e.get('text') == 'interval'], [])

    def test_what_is_missing_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run('--compose', '1', '--models', folder)
            self.assertEqual(done.returncode, 78)
            self.assertIn(folder, done.stderr)
            with open(os.path.join(folder, 'lstm-maestro.safetensors'), 'wb') as file:
                file.write(b'\x10\0\0\0\0\0\0\0{"no":"net"}    ')
            done = run('--compose', '1', '--models', folder)
            self.assertEqual(done.returncode, 78)
            self.assertIn('lstm-maestro.safetensors', done.stderr)
        done = run('--compose', '1', '--device', 'no such thing')
        self.assertEqual(done.returncode, 1)
        self.assertIn('no such thing', done.stderr)
        done = run('--compose', '1', '--composer', 'beatles', '--seed', '1')
        self.assertEqual(done.returncode, 0)
        self.assertIn('beatles', done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
