#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real daemon when its device or its weights fail: music goes on, the state says so, and all is
well by itself afterwards.

Run as test_daemon.py is; LOSE_DEVICE_LIBRARY is lose_device.c.
"""

import json
import os
import shutil
import subprocess
import sys
import unittest

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon_case import DaemonCase, wait_until  # noqa: E402  pylint: disable=wrong-import-position

NAME = 'org.fermata.HoldMusic1'
MAIN = '/org/fermata/HoldMusic1/channel/main'


class Faults(DaemonCase):
    def losing(self):
        """(a file that takes the device away while it is there, the environment for that)."""
        gone = os.path.join(self.folder, 'gone')
        return gone, {'LD_PRELOAD': os.environ['LOSE_DEVICE_LIBRARY'], 'LOSE_DEVICE': gone,
                      'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '')
                                      + ':verify_asan_link_order=0'}

    def test_it_starts_without_a_device(self):
        gone, env = self.losing()
        with open(gone, 'w', encoding='utf-8'):
            pass
        self.start('--composer', 'bach', '--net', 'lstm-maestro', '--autostart', 'yes', env=env)
        wait_until(lambda: self.is_state('degraded'), 'degraded\n' + self.log())
        feed, watcher = self.watch()
        wait_until(lambda: self.status()['state_reason'].startswith('phrases: '), 'phrases')
        self.assertIn('device: ', self.status()['state_reason'])
        self.assertEqual(self.status()['device'], 'none')
        self.goes_on()
        self.assertGreater(self.status()['decisions']['phrases'], 1)
        self.ctl('stop')
        self.ctl('start')
        wait_until(lambda: self.is_state('degraded'), 'degraded again')
        os.remove(gone)
        wait_until(lambda: self.is_state('playing'), 'playing\n' + self.log())
        self.assertNotEqual(self.status()['device'], 'none')
        wait_until(lambda: self.status()['seconds_ahead'] > 15, 'composing')
        self.assertGreater(self.status()['decisions']['judged'], 0)
        self.end(watcher)
        onsets = [e['time'] for e in self.read_feed(feed) if e['event'] == 'on']
        self.assertLess(max(np.diff(onsets)), 4.0)

    @staticmethod
    def write_filled(good, path, numbers):
        """A copy of a weights file all of whose numbers are the bytes `numbers` has for their type."""
        with open(good, 'rb') as file:
            data = bytearray(file.read())
        head = 8 + int.from_bytes(data[:8], 'little')
        for name, tensor in json.loads(data[8:head]).items():
            if name != '__metadata__' and tensor['dtype'] in numbers:
                begin, end = (head + offset for offset in tensor['data_offsets'])
                number = numbers[tensor['dtype']]
                data[begin:end] = number * ((end - begin) // len(number))
        with open(path + '.part', 'wb') as file:
            file.write(data)
        os.replace(path + '.part', path)

    def test_weights_that_are_no_numbers_or_too_large(self):
        folder = os.path.join(self.folder, 'models')
        os.mkdir(folder)
        source = os.environ['FERMATA_MODELS']
        for name in ('conv1d-maestro.safetensors', 'quotes-maestro.safetensors',
                     'seeds-maestro.txt'):
            os.symlink(os.path.join(source, name), os.path.join(folder, name))
        good = os.path.join(source, 'lstm-maestro.safetensors')
        path = os.path.join(folder, 'lstm-maestro.safetensors')

        # NaN: refused as they are read.
        self.write_filled(good, path, {'F16': b'\x00\x7e', 'BF16': b'\xc0\x7f',
                                       'F32': b'\x00\x00\xc0\x7f'})
        self.start('--models', folder, '--net', 'lstm-maestro', '--composer', 'bach',
                   '--autostart', 'yes')
        wait_until(lambda: self.status().get('state_reason', '').startswith('net: '),
                   'another net\n' + self.log())
        self.assertIn('net lstm-maestro cannot be loaded', self.log())
        feed, watcher = self.watch()

        # So large that what is computed is none: found out as they are played, and set aside.
        self.write_filled(good, path, {'F16': b'\xff\x7b', 'BF16': b'\x7f\x7f',
                                       'F32': b'\xff\xff\x7f\x7f'})
        wait_until(lambda: self.status()['decisions']['set_aside'] > 0, 'set aside\n' + self.log())
        wait_until(lambda: self.status()['state_reason'].startswith('net: '), 'another net again')
        self.assertEqual(self.status()['net'], 'lstm-maestro')
        self.goes_on()

        shutil.copy(good, path + '.part')
        os.replace(path + '.part', path)
        wait_until(lambda: self.is_state('playing'), 'playing\n' + self.log())
        self.end(watcher)
        onsets = [e['time'] for e in self.read_feed(feed) if e['event'] == 'on']
        self.assertLess(max(np.diff(onsets)), 4.0)

    def test_no_weights_can_be_read(self):
        folder = os.path.join(self.folder, 'models')
        os.mkdir(folder)
        source = os.environ['FERMATA_MODELS']
        for family in ('maestro', 'open'):
            for name in (f'quotes-{family}.safetensors', f'seeds-{family}.txt'):
                os.symlink(os.path.join(source, name), os.path.join(folder, name))
        names = ('lstm-maestro', 'transformer-open')
        for name in names:
            with open(os.path.join(folder, name + '.safetensors'), 'wb') as file:
                file.write(b'no header')

        def mend(name):
            path = os.path.join(folder, name + '.safetensors')
            shutil.copy(os.path.join(source, name + '.safetensors'), path + '.part')
            os.replace(path + '.part', path)

        self.start('--models', folder, '--net', 'lstm-maestro', '--composer', 'bach',
                   '--autostart', 'yes')
        wait_until(lambda: self.status().get('state_reason', '').startswith('phrases: '),
                   'phrases\n' + self.log())
        feed, watcher = self.watch()
        self.assertIn('weights: no net can be read', self.status()['state_reason'])
        self.assertEqual((self.status()['state'], self.status()['net']),
                         ('degraded', 'lstm-maestro'))
        self.goes_on()
        self.assertEqual(self.status()['decisions']['judged'], 0)

        # One can be read: it plays for all. Then the one that was asked for.
        mend('transformer-open')
        wait_until(lambda: self.status()['state_reason'].startswith('net: '),
                   'another net\n' + self.log())
        self.assertEqual(sorted(self.status()['nets']), sorted(names))
        mend('lstm-maestro')
        wait_until(lambda: self.is_state('playing'), 'playing\n' + self.log())
        self.assertEqual(self.status()['net'], 'lstm-maestro')
        wait_until(lambda: self.status()['seconds_ahead'] > 15, 'composing')
        self.end(watcher)
        onsets = [e['time'] for e in self.read_feed(feed) if e['event'] == 'on']
        self.assertLess(max(np.diff(onsets)), 4.0)

    def test_the_usual_net_cannot_be_read(self):
        folder = os.path.join(self.folder, 'models')
        os.mkdir(folder)
        source = os.environ['FERMATA_MODELS']
        for name in ('lstm-open.safetensors', 'quotes-open.safetensors', 'seeds-open.txt'):
            os.symlink(os.path.join(source, name), os.path.join(folder, name))
        path = os.path.join(folder, 'transformer-open.safetensors')
        with open(os.path.join(source, 'transformer-open.safetensors'), 'rb') as file:
            whole = file.read()
        with open(path, 'wb') as file:
            file.write(whole[:len(whole) // 2])
        self.start('--models', folder, '--autostart', 'yes')
        wait_until(lambda: self.is_state('degraded'), 'degraded\n' + self.log())
        self.assertRegex(self.status()['state_reason'], '^net: .*cannot be read')
        self.assertEqual(self.status()['net'], 'transformer-open')
        self.assertIn('net transformer-open cannot be read', self.log())
        wait_until(lambda: self.status()['seconds_ahead'] > 10, 'composing')
        done = self.run_ctl('health')
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn('cannot be read', done.stdout)
        self.goes_on()
        with open(path + '.part', 'wb') as file:
            file.write(whole)
        os.replace(path + '.part', path)
        wait_until(lambda: self.is_state('playing'), 'playing\n' + self.log())

    def test_the_device_is_lost_and_comes_back(self):
        gone, env = self.losing()
        self.play(env=env)
        with open(os.path.join(self.folder, 'signals'), 'wb') as file:
            self.processes.append(subprocess.Popen(
                ['gdbus', 'monitor', '--session', '-d', NAME, '-o', MAIN], stdout=file))
        wait_until(lambda: self.status()['seconds_ahead'] > 20, 'a full score')
        with open(gone, 'w', encoding='utf-8'):
            pass
        self.ctl('reseed')  # has the generator run at once
        wait_until(lambda: self.is_state('degraded'), 'degraded')
        self.assertIn('GPU', self.status()['state_reason'])
        self.assertTrue(self.status()['state_reason'].startswith('device: '))
        # The score plays on, and goes on when all that was composed is played.
        wait_until(lambda: self.status()['state_reason'].startswith('replay: '), 'replays')
        self.goes_on()
        self.assertGreater(self.status()['decisions']['replays'], 1)
        os.remove(gone)
        wait_until(lambda: self.is_state('playing'), 'playing again')
        wait_until(lambda: self.status()['seconds_ahead'] > 20, 'composing again')
        with open(os.path.join(self.folder, 'signals'), encoding='utf-8') as file:
            told = file.read()
        self.assertIn("'State': <'degraded'>", told)
        self.assertIn("'State': <'playing'>", told.split("'State': <'degraded'>")[1])


if __name__ == '__main__':
    unittest.main(verbosity=2)
