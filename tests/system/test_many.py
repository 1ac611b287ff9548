#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real daemon with two channels, each in a style of its own, which are there again after a
restart; and a schedule that strikes.

Run by meson under tests/system/lib/session.sh; FERMATAD, FERMATACTL and FERMATA_MODELS say what to
test.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

PATIENCE = 240  # seconds until a test gives up waiting


class Many(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.daemon = None
        self.addCleanup(self.stop)

    def start(self):
        with open(os.path.join(self.folder, 'log'), 'ab') as log:
            self.daemon = subprocess.Popen(
                [os.environ['FERMATAD'], '--state-file', os.path.join(self.folder, 'state.conf')],
                stderr=log)
        self.wait_until(lambda: self.channels(), 'the daemon')

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.assertEqual(self.daemon.wait(PATIENCE), 0)

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8') as file:
            return file.read()

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertIsNone(self.daemon.poll(), self.log())
            if time.monotonic() > deadline:
                self.fail(f'not within {PATIENCE:.0f} s: {what}\n{self.channels()}\n{self.log()}')
            time.sleep(0.1)

    @staticmethod
    def channels():
        run = subprocess.run([os.environ['FERMATACTL'], 'channel', 'list', '--json'],
                             capture_output=True, text=True, check=False, timeout=PATIENCE)
        return {c['name']: c for c in json.loads(run.stdout)} if run.returncode == 0 else {}

    def ctl(self, *words):
        run = subprocess.run([os.environ['FERMATACTL'], *words], capture_output=True, text=True,
                             check=False, timeout=PATIENCE)
        self.assertEqual(run.returncode, 0, f'{words}: {run.stderr}')
        return run.stdout

    def plays(self, name):
        """It is heard, and in its own composer's manner."""
        there = self.channels().get(name, {})
        return there.get('state') == 'playing' and there['position'] > 0 and \
            there['composer'].capitalize() in there['title']

    def nodes(self):
        # Where the graph changes meanwhile, what has changed follows as another list.
        text = subprocess.run(['pw-dump'], capture_output=True, check=True, text=True).stdout
        dump, _ = json.JSONDecoder().raw_decode(text)
        return {o['info']['props'].get('node.name') for o in dump
                if o['type'] == 'PipeWire:Interface:Node'}

    def test_two_styles_and_a_restart(self):
        self.start()
        self.ctl('composer', 'chopin')
        self.ctl('start')
        self.ctl('channel', 'add', 'queue', '--composer', 'bach', '--volume', '0.5', '--autostart',
                 'yes')
        # The net is made anew for two, and neither falls silent for it.
        for name in ('main', 'queue'):
            self.wait_until(lambda name=name: self.plays(name), f'{name} plays')
        self.assertLessEqual({'fermata.main', 'fermata.queue'}, self.nodes())
        self.ctl('-c', 'queue', 'threshold', '0.4')
        self.ctl('channel', 'add', 'quiet')
        self.ctl('channel', 'add', 'gone', '--autostart', 'yes')
        self.ctl('channel', 'remove', 'gone')
        self.wait_until(lambda: 'fermata.gone' not in self.nodes(), 'the node has gone')
        before = self.channels()
        self.stop()

        self.start()
        after = self.channels()
        self.assertEqual(list(after), ['main', 'queue', 'quiet'])
        for name, channel in after.items():
            for key in ('composer', 'net', 'threshold', 'volume', 'piece_length'):
                self.assertEqual(channel[key], before[name][key], (name, key))
        self.assertEqual((after['queue']['composer'], after['queue']['threshold']), ('bach', 0.4))
        self.assertEqual(after['main']['composer'], 'chopin')
        self.assertNotEqual(after['main']['seed'], after['queue']['seed'])
        for name in ('main', 'queue'):
            self.wait_until(lambda name=name: self.plays(name), f'{name} plays again')
        self.assertEqual(self.channels()['quiet']['state'], 'stopped')

    def test_a_schedule(self):
        self.start()
        self.ctl('channel', 'add', 'queue')
        self.ctl('schedule', 'add', '*:*:0/2', 'composer=debussy', 'volume=0.25', '-c', 'queue')
        self.wait_until(lambda: self.channels()['queue']['volume'] == 0.25, 'the schedule strikes')
        self.assertEqual(self.channels()['queue']['composer'], 'debussy')
        self.assertNotEqual(self.channels()['main']['volume'], 0.25)
        # What strikes while the daemon does not run is made up for.
        self.ctl('schedule', 'remove', '1', '-c', 'queue')
        self.ctl('volume', '0.75', '-c', 'queue')
        soon = time.localtime(time.time() + 3)
        self.ctl('schedule', 'add', time.strftime('%Y-%m-%d %H:%M:%S', soon), 'volume=0.5', '-c',
                 'queue')
        self.stop()
        time.sleep(max(0, time.mktime(soon) + 0.1 - time.time()))
        self.start()
        self.wait_until(lambda: self.channels()['queue']['volume'] == 0.5, 'it is made up for')
        # But once only: a change by hand stays.
        self.ctl('volume', '0.75', '-c', 'queue')
        self.stop()
        self.start()
        self.assertEqual(self.channels()['queue']['volume'], 0.75)


if __name__ == '__main__':
    unittest.main()
