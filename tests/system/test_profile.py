#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The profiles on music of the real nets, rendered by the daemon's engine (fermatad --compose).

    test_profile.py [MINUTES [COMPOSER...]]

Each composer's music for the telephone and for the room, of so many minutes (4 of Chopin, where
nothing is said; the ending of a piece in each), is held against what the profiles promise, for the
telephone also after G.711. With FERMATA_FIGURES=FILE the figures are written there as JSON.

FERMATAD and LEVELS say what to test; FERMATA_MODELS where the nets are.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

FERMATAD, LEVELS = os.environ['FERMATAD'], os.environ['LEVELS']
MINUTES = float(sys.argv[1]) if len(sys.argv) > 1 else 4
COMPOSERS = sys.argv[2:] or ['chopin']
PATIENCE = 3600 + 60 * MINUTES
FIGURES = {}


def compose(folder, profile, composer, *options, net='transformer-open', minutes=MINUTES):
    """(path of the sound, notes)"""
    stem = os.path.join(folder, f'{profile}-{composer}-{net}')
    done = subprocess.run(
        [FERMATAD, '--compose', '--quiet', '--minutes', str(minutes), '--net', net, '--seed', '5',
         '--composer', composer, '--profile', profile, *options, stem + '.wav', stem + '.jsonl'],
        capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    with open(stem + '.jsonl', encoding='utf-8') as file:
        events = [json.loads(line) for line in file]
    assert events[0]['profile'] == profile
    return stem + '.wav', [e for e in events if e['event'] == 'on']


def measure(path, *span):
    done = subprocess.run([LEVELS, path, *map(str, span)], capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    figures['curve'] = np.array(figures['curve'])
    return figures


def most_sounding(notes):
    """The most pitches that are held at once."""
    # A note that ends as the next one begins is none too many; the feed tells both in milliseconds.
    changes = sorted([(round(n['time'] + n['duration'] - 0.0015, 6), -1) for n in notes] +
                     [(round(n['time'], 6), 1) for n in notes])
    return int(np.cumsum([c for _, c in changes]).max())


class Profiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def keep(self, name, figures, notes):
        pitches = [n['pitch'] for n in notes]
        FIGURES[name] = {**figures, 'curve': figures['curve'].tolist(), 'notes': len(notes),
                         'pitches': [min(pitches), float(np.mean(pitches)), max(pitches)],
                         'sounding': most_sounding(notes)}

    def test_telephone(self):
        for composer in COMPOSERS:
            with self.subTest(composer):
                path, notes = compose(self.folder, 'telephone', composer, '--piece-length', '1.5')
                # The file ends with a fade, which is none of the stream's.
                figures = measure(path, 0, 60 * MINUTES - 1)
                self.keep(f'telephone, {composer}', figures, notes)
                self.assertEqual((figures['rate'], figures['channels']), (8000, 1))
                for form, heard in figures['forms'].items():
                    self.assertGreater(heard['rms_dbfs'], -24, form)
                    self.assertLess(heard['rms_dbfs'], -20, form)
                    self.assertLessEqual(heard['peak_dbfs'], -6, form)
                    self.assertGreater(heard['softest_dbfs'], -41, form)
                self.assertEqual(set(figures['forms']), {'linear', 'ulaw', 'alaw'})
                # From the first seconds on.
                self.assertGreater(10 * np.log10(np.mean(10 ** (figures['curve'][:50] / 10))), -29)
                for note in notes:
                    self.assertTrue(55 <= note['pitch'] <= 96, note)
                    self.assertLess(note['duration'], 4, note)
                # A chord, and two that ring on.
                self.assertLessEqual(most_sounding(notes), 6)
                # Most pitches are composed where no octave has to be moved.
                self.assertTrue(66 <= np.mean([n['pitch'] for n in notes]) <= 80)

    def test_room(self):
        for composer in COMPOSERS:
            with self.subTest(composer):
                path, notes = compose(self.folder, 'room', composer)
                figures = measure(path, 0, 60 * MINUTES - 1)
                self.keep(f'room, {composer}', figures, notes)
                self.assertEqual((figures['rate'], figures['channels']), (48000, 2))
                # A few minutes may be a soft piece, or a loud one.
                self.assertLess(abs(figures['lufs'] + 23), 2.5 if MINUTES < 30 else 1)
                self.assertLessEqual(figures['true_peak_dbtp'], -1)
                # What is soft stays soft: between loud and soft seconds lie more than 15 dB.
                low, high = np.percentile(figures['curve'], (5, 95))
                self.assertGreater(high - low, 15)

    def test_a_net_of_frames_is_heard_as_well(self):
        path, notes = compose(self.folder, 'telephone', 'bach', '--licence', 'any',
                              net='lstm-maestro', minutes=1)
        figures = measure(path, 0, 59)
        self.assertTrue(all(55 <= n['pitch'] <= 96 for n in notes))
        self.assertGreater(figures['forms']['alaw']['softest_dbfs'], -41)
        self.assertLessEqual(figures['forms']['alaw']['peak_dbfs'], -6)


if __name__ == '__main__':
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    if os.environ.get('FERMATA_FIGURES'):
        with open(os.environ['FERMATA_FIGURES'], 'w', encoding='utf-8') as out:
            json.dump(FIGURES, out)
    sys.exit(not result.wasSuccessful())
