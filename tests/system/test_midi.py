#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The live MIDI port: what comes out of it, recorded in the same cycles as what comes out of the
output beside it. (A sink's monitor gives the sound a cycle later.)

    lib/session.sh -- test_midi.py PATH/midi_probe PATH/midi_listener
"""

import os
import signal
import subprocess
import sys
import time
import unittest

import numpy as np

from daemon_case import DaemonCase, session, wait_until
from test_output import patiently

PROBE, LISTENER = sys.argv[1:3]


def link(source, sink):
    """Whether they are linked; the ports may be yet to come."""
    run = subprocess.run(['pw-link', source, sink], capture_output=True, text=True)
    return run.returncode == 0 or 'File exists' in run.stderr


def outputs():
    return subprocess.run(['pw-link', '-o'], capture_output=True, text=True).stdout.split()


class Listener:
    """Hears the output NODE and its MIDI port until it is closed."""

    def __init__(self, folder, node):
        self.sound = os.path.join(folder, 'sound.raw')
        self.notes = os.path.join(folder, 'notes')
        with open(self.notes, 'wb') as file:
            self.process = subprocess.Popen([LISTENER, self.sound], stdout=file)
        wait_until(lambda: link(f'{node}:output_FL', 'listener:audio'), 'a link')
        wait_until(lambda: link(f'{node}.midi:midi', 'listener:midi'), 'a link of MIDI')

    def frames(self):
        return os.path.getsize(self.sound) // 4

    def hear(self, seconds):
        goal = self.frames() + int(seconds * 48000)
        wait_until(lambda: self.frames() >= goal, f'{seconds} s of sound')

    def close(self):
        """The sound, and rows of frame, status, key and velocity."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0
        return (np.fromfile(self.sound, np.float32),
                np.loadtxt(self.notes, dtype=np.int64, ndmin=2).reshape(-1, 4))


def hanging(notes):
    """The keys that sound in the end; each change must be one."""
    sounding = set()
    for _, status, key, _ in notes:
        assert status in (0x80, 0x90) and 0 <= key < 128
        if status == 0x90:
            sounding.add(key)
        else:
            sounding.discard(key)
    return sounding


class Clicks(DaemonCase):
    def setUp(self):
        super().setUp()
        self.probe = subprocess.Popen([PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True)

    def tearDown(self):
        self.probe.stdin.close()
        self.probe.wait(20)
        self.probe.stdout.close()
        super().tearDown()

    def tell(self, *lines):
        for line in lines:
            print(line, file=self.probe.stdin, flush=True)
            self.assertEqual(self.probe.stdout.readline(), f'did {line}\n')

    def compare(self, sound, notes, least):
        """Every note comes with its click, to the sample."""
        clicks = np.flatnonzero(np.abs(sound) > 0.3)
        onsets = notes[notes[:, 1] == 0x90][:, 0]
        self.assertGreater(len(onsets), least)
        self.assertGreater(len(clicks), least)
        # Those at the ends may have come before one of the links, or in the first cycle.
        onsets = onsets[(onsets > clicks[0] + 4096) & (onsets < clicks[-1])]
        clicks = clicks[(clicks >= onsets[0] - 1000) & (clicks <= onsets[-1] + 1000)]
        self.assertEqual(onsets.tolist(), clicks.tolist())

    def hear_clicks(self):
        """Four seconds of them, and how they end."""
        self.tell('midi on', 'play on')
        listener = Listener(self.folder, 'fermata.probe')
        listener.hear(4)
        self.tell('play off')
        listener.hear(1)
        return listener.close()

    def test_to_the_sample(self):
        sound, notes = self.hear_clicks()
        self.compare(sound, notes, 30)
        self.assertEqual(hanging(notes), set())

    @patiently
    def test_in_a_graph_of_another_rate(self):
        # The graph's resampler holds some of the sound back: the notes wait for it.
        def force(rate):
            subprocess.run(['pw-metadata', '-n', 'settings', '0', 'clock.force-rate', str(rate)],
                           check=True, stdout=subprocess.DEVNULL, timeout=20)
        self.addCleanup(force, 0)
        force(44100)
        sound, notes = self.hear_clicks()
        onsets = notes[notes[:, 1] == 0x90][:, 0]
        heard = np.flatnonzero(np.abs(sound) > 0.12)
        clicks = [block[np.argmax(np.abs(sound[block]))]
                  for block in np.split(heard, np.flatnonzero(np.diff(heard) > 500) + 1)]
        # 3001 frames of 48 kHz; some at the ends have come before one of the links.
        self.assertAlmostEqual(np.median(np.diff(clicks)), 3001 * 44100 / 48000, delta=1)
        off = [click - onsets[np.argmin(np.abs(onsets - click))] for click in clicks
               if onsets[0] + 4096 < click < onsets[-1]]
        self.assertGreater(len(off), 30)
        print(f'the sound comes {min(off)} to {max(off)} frames of 44.1 kHz behind the notes')
        self.assertLess(np.abs(off).max(), 4)

    def test_stops_and_starvation(self):
        self.tell('midi on', 'play on')
        listener = Listener(self.folder, 'fermata.probe')
        for _ in range(3):
            listener.hear(0.7)
            self.tell('refill off')
            listener.hear(0.7)
            self.tell('refill on')
            listener.hear(0.7)
            self.tell('play off')
            listener.hear(0.3)
            self.tell('play on')
        listener.hear(1)
        self.tell('midi off')
        listener.hear(0.5)
        sound, notes = listener.close()
        self.assertEqual(hanging(notes), set())
        self.assertNotIn('fermata.probe.midi:midi', outputs())
        # While it fades or has just begun, too: where a click is heard, its note is there.
        clicks = np.flatnonzero(np.abs(sound) > 0.3)
        onsets = set(notes[notes[:, 1] == 0x90][:, 0].tolist())
        missing = [int(c) for c in clicks
                   if min(onsets) <= c < max(onsets) and not onsets.intersection(range(c, c + 2049))]
        self.assertEqual(missing, [])
        exact = [c for c in clicks if int(c) in onsets]
        self.assertGreater(len(exact), 0.75 * len(clicks))

    def test_comes_back(self):
        self.tell('midi on', 'play on')
        wait_until(lambda: 'fermata.probe.midi:midi' in outputs(), 'the port')
        session('kill', 'pipewire')
        time.sleep(0.5)
        session('start', 'pipewire')
        listener = Listener(self.folder, 'fermata.probe')
        listener.hear(3)
        self.compare(*listener.close(), 10)


class Music(DaemonCase):
    def test_with_the_music(self):
        self.play('--composer', 'bach', '--profile', 'raw', '--licence', 'commercial')
        self.assertNotIn('fermata.main.midi:midi', outputs())
        self.ctl('midi', 'yes')
        self.assertIs(self.status()['midi'], True)
        listener = Listener(self.folder, 'fermata.main')
        listener.hear(8)
        self.ctl('skip')
        listener.hear(4)
        self.ctl('stop')
        listener.hear(3)
        sound, notes = listener.close()
        self.assertEqual(hanging(notes), set())
        onsets = notes[notes[:, 1] == 0x90][:, 0]
        self.assertGreater(len(onsets), 15)
        lags, rise = self.rises(sound, onsets)
        near = np.abs(lags) < 1024
        best, lag = rise[near].max(), lags[near][rise[near].argmax()]
        print(f'the sound comes {lag} frames behind the notes, {len(onsets)} of them')
        # In an even rhythm it is as good a note earlier or later.
        self.assertGreater(best, 0.8 * rise.max(), f'better at {lags[rise.argmax()]}')
        self.assertGreater(best, 1.25 * np.median(rise))
        self.ctl('midi', 'no')
        wait_until(lambda: 'fermata.main.midi:midi' not in outputs(), 'the port to go')
        with open(self.state, encoding='utf-8') as file:
            self.assertIn('midi = no', file.read())

    @staticmethod
    def rises(sound, onsets):
        """How much the sound grows so many frames behind the notes."""
        step, reach = 24, 4800
        power = np.array([np.mean(np.square(sound[i:i + 96], dtype=np.float64))
                          for i in range(0, len(sound) - 96, step)])
        rise = np.maximum(np.diff(np.log(power + 1e-7)), 0)
        curve = np.zeros(2 * reach // step)
        for onset in onsets:
            at = onset // step
            part = rise[max(at - reach // step, 0):at + reach // step]
            if len(part) == len(curve):
                curve += part
        curve = np.convolve(curve, np.ones(5), 'same')
        return (np.arange(len(curve)) - reach // step) * step, curve


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
