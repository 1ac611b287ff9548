#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A soak of seconds (fermatad --soak): what it writes is what was composed, and a promise that is
broken is seen. The real nets on the real device.

FERMATAD says what to test; FERMATA_MODELS where the nets are, FERMATA_LICENCE that all of them may
be played.
"""

import json
import math
import os
import signal
import subprocess
import tempfile
import time
import unittest

import mido
import numpy as np

FERMATAD = os.environ['FERMATAD']
ROLL, NOTES = 'lstm-maestro', 'transformer-open'


class Soak(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = os.path.join(folder.name, 'out')

    def run_daemon(self, *options, env=None):
        return subprocess.run([FERMATAD, *options], capture_output=True, text=True, timeout=900,
                              env={**os.environ, **(env or {})})

    def soak(self, *options, status=0, env=None):
        done = self.run_daemon('--soak', '--out', self.out, *options, env=env)
        self.assertEqual(done.returncode, status, done.stderr + done.stdout)
        return done

    def read(self, *names):
        with open(os.path.join(self.out, *names), encoding='utf-8') as file:
            return file.read()

    def minutes(self, *names):
        return [json.loads(line) for line in self.read(*names, 'minutes.jsonl').splitlines()]

    def compose(self, seconds, *options):
        done = self.run_daemon('--compose', '--quiet', '--seconds', str(seconds), *options, '-')
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return [e for e in events if e['event'] == 'on'], events

    def test_what_is_measured_is_what_is_composed(self):
        for net in (ROLL, NOTES):
            with self.subTest(net):
                self.out += net
                done = self.soak('--net', net, '--composer', 'chopin', '--seed', '5', '--seconds',
                                 '75')
                notes, events = self.compose(75, '--net', net, '--composer', 'chopin', '--seed',
                                             '5')
                lines = self.minutes(net, 'chopin-5')
                self.assertEqual([(m['minute'], m['seconds']) for m in lines], [(0, 60), (1, 15)])
                first = [n for n in notes if n['time'] < 60]
                self.assertEqual(lines[0]['notes'], len(first))
                self.assertEqual(lines[1]['notes'], len(notes) - len(first))
                self.assertAlmostEqual(lines[0]['register'],
                                       np.mean([n['pitch'] for n in first]), delta=0.006)
                self.assertAlmostEqual(lines[0]['velocity'],
                                       np.mean([n['velocity'] for n in first]), delta=0.06)
                self.check_gaps(lines, notes)
                self.check_midi(os.path.join(self.out, net, 'chopin-5', 'hour-00.mid'), notes)
                self.assertEqual(lines[-1]['done']['piece start'], 1)
                decided = lines[-1]['decided']
                self.assertGreaterEqual(decided['kept'], 75 / 4)
                self.assertGreaterEqual(decided['judged'], decided['kept'])
                self.assertEqual(decided['pieces'], lines[-1]['done'].get('piece next', 0) + 1)
                self.assertGreater(lines[-1]['resident'], 5e7)

                found = json.loads(self.read('soak.json'))
                self.assertEqual((found['seconds'], found['seed'], found['curator']), (75, 5, True))
                self.assertEqual(found['nets'][0]['licence'], events[0]['licence'])
                stream = found['nets'][0]['streams'][0]
                self.assertEqual((stream['folder'], stream['notes'], stream['broken']),
                                 (f'{net}/chopin-5', len(notes), []))
                self.assertEqual(stream['decided'], decided)
                self.assertEqual(stream['runs'], sum(m['runs'] for m in lines))
                self.assertEqual(done.stdout, self.read('report.md'))
                self.assertIn('Every promise was kept.', done.stdout)

    def check_gaps(self, lines, notes):
        """The silence and the gaps of the minutes, from the notes themselves."""
        onsets = [n['time'] for n in notes]
        longest = max(np.diff([0.0, *onsets, 75.0]))
        self.assertAlmostEqual(max(m['onset_gap'] for m in lines), longest, delta=0.003)
        silence, heard, sounded = 0.0, 0.0, 0.0
        for note in notes:
            silence = max(silence, note['time'] - heard)
            end = note['time'] + note['duration']
            heard = max(heard, end)
            sounded += min(end, 75) - note['time']
        self.assertAlmostEqual(max(m['silence'] for m in lines), max(silence, 75 - heard),
                               delta=0.003)
        self.assertAlmostEqual(sum(m['sounding'] * m['seconds'] for m in lines), sounded, delta=1)
        classes = np.bincount([n['pitch'] % 12 for n in notes if n['time'] < 60], minlength=12)
        share = classes[classes > 0] / classes.sum()
        self.assertAlmostEqual(lines[0]['entropy'], -(share * np.log2(share)).sum(), delta=0.002)

    def check_midi(self, path, notes):
        midi = mido.MidiFile(path)
        found, sounding, now = [], {}, 0.0
        for message in midi:
            now += message.time
            if message.type == 'note_on':
                sounding[message.note] = (round(now, 3), message.velocity)
            elif message.type == 'note_off':
                onset, velocity = sounding.pop(message.note)
                found.append((onset, message.note, velocity, now - onset))
        self.assertEqual(sounding, {})
        wanted = [(n['time'], n['pitch'], n['velocity'], n['duration']) for n in notes]
        self.assertEqual(len(found), len(wanted))
        for a, b in zip(sorted(found), sorted(wanted)):
            self.assertEqual(a[1:3], b[1:3])
            self.assertLess(max(abs(a[0] - b[0]), abs(a[3] - b[3])), 0.0025, (a, b))

    def test_streams_are_lanes_of_one_run(self):
        self.soak('--net', ROLL, '--composer', 'bach', '--composer', 'debussy', '--streams', '2',
                  '--seconds', '20', '--seed', '8', '--quiet')
        found = json.loads(self.read('soak.json'))['nets']
        self.assertEqual([n['net'] for n in found], [ROLL])
        self.assertEqual([(s['composer'], s['seed']) for s in found[0]['streams']],
                         [('bach', 8), ('bach', 9), ('debussy', 8), ('debussy', 9)])
        for stream in found[0]['streams']:
            alone, _ = self.compose(20, '--net', ROLL, '--composer', stream['composer'], '--seed',
                                    str(stream['seed']))
            self.assertEqual(stream['notes'], len(alone))

    def test_every_net_that_the_licence_allows(self):
        self.soak('--seconds', '3', '--seed', '1', '--composer', 'bach',
                  env={'FERMATA_LICENCE': 'commercial', 'FERMATA_NET': ROLL})
        found = json.loads(self.read('soak.json'))['nets']
        self.assertIn(NOTES, [n['net'] for n in found])
        self.assertNotIn(ROLL, [n['net'] for n in found])
        self.assertEqual([s['composer'] for s in found[0]['streams']], ['bach'])

    def test_a_broken_promise_is_seen(self):
        done = self.soak('--net', ROLL, '--composer', 'bach', '--seconds', '20', '--seed', '1',
                         '--curator', 'off', '--sampling', 'hard', '--threshold', '0.9', status=1)
        self.assertIn(f'BROKEN: {ROLL}, bach, seed 1: silent for 20.0 s from 0:00:00 on',
                      done.stdout)
        stream = json.loads(self.read('soak.json'))['nets'][0]['streams'][0]
        self.assertEqual((stream['notes'], stream['silence'], len(stream['broken'])), (0, 20, 1))
        self.assertTrue(math.isclose(self.minutes(ROLL, 'bach-1')[0]['silence'], 20))

    def test_what_cannot_be_comes_to_light_at_once(self):
        for options, status, word in (
                (['--soak'], 64, '--out'),
                (['--soak', '--out', self.out, '--compose', 'a.mid'], 64, '--compose'),
                (['--soak', '--out', self.out, 'a.mid'], 64, 'a.mid'),
                (['--soak', '--out', self.out, '--streams', '0'], 64, '--streams 0'),
                (['--soak', '--out', self.out, '--hours', '25'], 64, '--hours 25'),
                (['--soak', '--out', self.out, '--net', 'no-net'], 78, 'no-net'),
                (['--soak', '--out', self.out, '--composer', 'bach', '--composer', 'beatles'], 78,
                 'composer beatles'),
                (['--soak', '--out', self.out, '--streams', '40'], 78, 'too many'),
                (['--soak', '--out', os.path.join(self.out, 'x', 'y')], 78,
                 'cannot make')):
            done = self.run_daemon(*options)
            self.assertEqual(done.returncode, status, (options, done.stderr))
            self.assertIn(word, done.stderr)
            self.assertFalse(os.path.exists(self.out))

    def test_a_soak_is_not_written_over(self):
        options = ('--net', ROLL, '--composer', 'bach', '--seconds', '1', '--quiet')
        self.soak(*options)
        before = self.read('soak.json')
        self.assertIn('another folder', self.soak(*options, status=78).stderr)
        self.assertEqual(self.read('soak.json'), before)

    def ended_early(self, end, status, env=None):
        """A day that is ended, by end(process), once there is a minute of it; what it printed."""
        with subprocess.Popen([FERMATAD, '--soak', '--hours', '24', '--seed', '1', '--net', ROLL,
                               '--out', self.out], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env={**os.environ, **(env or {})}) as process:
            path = os.path.join(self.out, ROLL, 'bach-1', 'minutes.jsonl')
            for _ in range(1200):
                if os.path.exists(path) and os.path.getsize(path):
                    break
                time.sleep(0.1)
            end(process)
            said, wrong = process.communicate(timeout=120)
        self.assertEqual(process.returncode, status, wrong)
        stream = json.loads(self.read('soak.json'))['nets'][0]['streams'][0]
        lines = self.minutes(ROLL, 'bach-1')
        self.assertEqual(stream['notes'], sum(m['notes'] for m in lines))
        self.assertAlmostEqual(stream['seconds'], sum(m['seconds'] for m in lines), delta=0.002)
        self.assertLess(60, stream['seconds'])
        return said

    def test_interrupted_it_tells_what_there_is(self):
        said = self.ended_early(lambda process: process.send_signal(signal.SIGINT), 130)
        self.assertIn('| lstm-maestro | bach |', said)

    def test_where_the_device_fails_it_keeps_what_there_is(self):
        gone = self.out + '.gone'

        def lose(_):
            with open(gone, 'w', encoding='utf-8'):
                pass
        self.ended_early(lose, 1, {
            'LD_PRELOAD': os.environ['LOSE_DEVICE_LIBRARY'], 'LOSE_DEVICE': gone,
            'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'})


if __name__ == '__main__':
    unittest.main(verbosity=2)
