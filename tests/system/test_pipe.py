#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real daemon without any PipeWire, and the real fermatactl pipe, read as a PBX reads.

Run by meson under tests/system/lib/session.sh --no-pipewire; FERMATAD, FERMATACTL and
FERMATA_MODELS say what to test.
"""

import array
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import unittest

import numpy as np
from gi.repository import Gio, GLib

FERMATAD = os.environ['FERMATAD']
FERMATACTL = os.environ['FERMATACTL']
PATIENCE = 240  # seconds until a test gives up waiting
CHUNK = 640  # bytes: 40 ms of 8 kHz, as Asterisk reads
CHUNK_S = 0.040
QUIET = 40  # a chunk whose loudest sample is not above this is no music: comfort noise is 28


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {PATIENCE:.0f} s: {what}')
        time.sleep(0.05)


def peak(chunk):
    return int(np.abs(np.frombuffer(chunk, '<i2').astype(int)).max())


class Pipe(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.daemon = None
        self.feeders = []

    def tearDown(self):
        for process in self.feeders + [self.daemon]:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for feeder in self.feeders:
            if feeder.stdout:
                feeder.stdout.close()

    def start(self, *options):
        with open(os.path.join(self.folder, 'log'), 'ab') as log:
            self.daemon = subprocess.Popen(
                [FERMATAD, '--state-file', os.path.join(self.folder, 'state.conf'), '--seed', '7',
                 '--autostart', 'yes', *options], stderr=log, stdout=log)

    def feed(self, *options):
        """As Asterisk starts its application: no shell, the pipe's writing end as its output."""
        feeder = subprocess.Popen([FERMATACTL, 'pipe', *options], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, bufsize=0)
        self.feeders.append(feeder)
        return feeder

    def read(self, feeder, chunks, size=CHUNK):
        """Whole chunks at their pace; returns them, and how many were late by more than one."""
        read = []
        late = 0
        due = time.monotonic()
        for _ in range(chunks):
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif wait < -1:
                due = time.monotonic()  # it is we who were away
            began = time.monotonic()
            ready, _, _ = select.select([feeder.stdout], [], [], PATIENCE)
            self.assertTrue(ready, 'nothing to read')
            late += time.monotonic() - began > CHUNK_S
            chunk = os.read(feeder.stdout.fileno(), size)
            self.assertEqual(len(chunk), size, 'a short read: Asterisk throws it away')
            read.append(chunk)
            due += CHUNK_S
        return read, late

    def read_until_music(self, feeder):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if peak(self.read(feeder, 1)[0][0]) > QUIET:
                return
        self.fail('no music')

    @staticmethod
    def queued(feeder):
        count = array.array('i', [0])
        fcntl.ioctl(feeder.stdout.fileno(), termios.FIONREAD, count)
        return count[0]

    def status(self):
        run = subprocess.run([FERMATACTL, 'status', '--json'], capture_output=True, text=True,
                             timeout=PATIENCE, check=True)
        return json.loads(run.stdout)['channels'][0]

    def test_a_reader_at_its_pace_hears_music_without_a_gap(self):
        # Music may rest; for a telephone what sounds is held over rests.
        self.start('--profile', 'telephone')
        feeder = self.feed()
        # Full, and no fuller, of whole chunks: 200 ms, and 120 from then on.
        wait_until(lambda: self.queued(feeder) == 5 * CHUNK, '200 ms ahead')
        self.read_until_music(feeder)
        wait_until(lambda: self.queued(feeder) == 3 * CHUNK, '120 ms ahead')
        time.sleep(0.3)
        self.assertEqual(self.queued(feeder), 3 * CHUNK)
        self.assertLessEqual(fcntl.fcntl(feeder.stdout.fileno(), fcntl.F_GETPIPE_SZ), 8192)
        chunks, late = self.read(feeder, 250)
        print(f'{late} of 250 chunks late')
        music = np.frombuffer(b''.join(chunks), '<i2').astype(float)
        rms = np.sqrt((music.reshape(-1, 320) ** 2).mean(axis=1))
        self.assertGreater(rms.min(), 1, 'silence between')
        # It plays, though there is no PipeWire.
        self.assertEqual(self.status()['state'], 'playing')

        # What is changed is heard after what is ahead: 120 ms here, 40 ms in the daemon's pipe, a
        # few of filters, and it fades for 30 ms. tests/unit/test_latency.c holds it to 250.
        subprocess.run([FERMATACTL, 'volume', '0'], check=True, timeout=PATIENCE)
        chunks, _ = self.read(feeder, 40)
        heard = np.flatnonzero(np.frombuffer(b''.join(chunks), '<i2'))
        print(f'silent {(heard[-1] + 1) / 8:.0f} ms of music after fermatactl had ended')
        self.assertLess(heard[-1], 8000)

    def test_the_daemon_is_killed_and_comes_back(self):
        # The feeder is there first.
        feeder = self.feed()
        self.assertTrue(self.read(feeder, 20))
        self.start()
        self.read_until_music(feeder)
        self.read(feeder, 25)
        self.daemon.kill()
        self.daemon.wait()
        chunks, _ = self.read(feeder, 60)
        self.assertIsNone(feeder.poll())
        # Music to the last, then no click: the steepest is what music has anyway.
        sound = np.frombuffer(b''.join(chunks), '<i2').astype(int)
        steps = np.abs(np.diff(sound))
        quiet = [peak(chunk) for chunk in chunks]
        self.assertGreater(quiet[0], QUIET)
        self.assertLessEqual(max(quiet[-20:]), QUIET)
        self.assertGreater(max(quiet[-20:]), 0, 'a dead line')
        first = next(i for i, p in enumerate(quiet) if p <= QUIET) * 320
        self.assertLessEqual(steps[max(0, first - 960):first + 320].max(),
                             max(steps[:first - 960].max(), 400) * 1.5)
        self.start()
        self.read_until_music(feeder)
        self.read(feeder, 25)

    def test_it_goes_at_once_with_its_reader(self):
        for running in (False, True):
            if running:
                self.start()
            feeder = self.feed()
            self.read(feeder, 10)
            if running:
                self.read_until_music(feeder)
            # Nothing is read, nothing written any more.
            wait_until(lambda f=feeder: self.queued(f) >= 2 * CHUNK, 'some ahead')
            time.sleep(0.5)
            feeder.stdout.close()
            self.assertEqual(feeder.wait(PATIENCE), 0)

    def test_signals_end_it(self):
        for number in (signal.SIGHUP, signal.SIGTERM):
            feeder = self.feed()
            self.read(feeder, 3)
            feeder.send_signal(number)
            self.assertEqual(feeder.wait(PATIENCE), 0)

    def test_formats_and_arguments(self):
        self.start()
        wait_until(lambda: subprocess.run([FERMATACTL, 'status'], capture_output=True,
                                          timeout=PATIENCE, check=False).returncode == 0, 'status')
        for options, size in ((('-r', '16000', '-c', '2'), 2560), (('--format', 'ulaw'), 320),
                              (('-f', 'alaw', '-n', '1'), 320), (('--format', 'g722'), 320),
                              (('--format=f32le', '--rate=48000', '--channels=2'), 15360)):
            with self.subTest(options):
                feeder = self.feed(*options)
                chunks, _ = self.read(feeder, 8, size)
                self.assertGreater(len(set(chunks)), 4)
                feeder.stdout.close()
                self.assertEqual(feeder.wait(PATIENCE), 0)
        for options in (('-r', '44101'), ('-r', 'x'), ('-c', '3'), ('-f', 'mp3'), ('extra',),
                        ('-f', 'g722', '-r', '8000'), ('-f', 'g722', '-c', '2')):
            with self.subTest(options):
                run = subprocess.run([FERMATACTL, 'pipe', *options], capture_output=True,
                                     timeout=PATIENCE, check=False)
                self.assertEqual(run.returncode, 2)
                self.assertTrue(run.stderr)

    def test_live_gives_no_more_than_is_heard(self):
        # FreeSWITCH's shell_stream takes all there is into a buffer that has no limit.
        self.start()
        feeder = self.feed('--live')
        self.read_until_music(feeder)
        began = time.monotonic()
        read = 0
        while time.monotonic() - began < 2:
            read += len(os.read(feeder.stdout.fileno(), 32768))
            # 200 ms are ahead, in chunks of 40 ms.
            self.assertLessEqual(read / 16000, time.monotonic() - began + 0.28)
        self.assertGreater(read, 0)

    def open_pipe(self, *arguments):
        method = 'OpenPipe' if len(arguments) == 3 else 'OpenPipeAhead'
        signature = '(suu)' if len(arguments) == 3 else '(suuu)'
        reply, fds = Gio.bus_get_sync(Gio.BusType.SESSION).call_with_unix_fd_list_sync(
            'org.fermata.HoldMusic1', '/org/fermata/HoldMusic1/channel/main',
            'org.fermata.HoldMusic1.Channel', method, GLib.Variant(signature, arguments), None, 0,
            20000, None, None)
        return fds.get(reply.unpack()[0])

    def test_the_pipe_on_the_bus_and_what_it_refuses(self):
        self.start()
        wait_until(lambda: subprocess.run([FERMATACTL, 'stop'], capture_output=True,
                                          timeout=PATIENCE, check=False).returncode == 0, 'stop')
        # A stopped channel gives silence.
        for arguments in (('s16le', 8000, 1), ('slin', 16000, 2, 80)):
            fd = self.open_pipe(*arguments)
            self.assertTrue(select.select([fd], [], [], PATIENCE)[0])
            self.assertEqual(os.read(fd, 640), bytes(640))
            os.close(fd)
        for arguments, error in ((('mp3', 8000, 1), 'UnknownFormat'),
                                 (('ulaw', 7999, 1), 'OutOfRange'),
                                 (('ulaw', 48025, 1), 'OutOfRange'),
                                 (('ulaw', 8000, 0), 'OutOfRange'),
                                 (('ulaw', 8000, 3), 'OutOfRange'),
                                 (('g722', 8000, 1), 'OutOfRange'),
                                 (('ulaw', 8000, 1, 39), 'OutOfRange'),
                                 (('ulaw', 8000, 1, 2**32 - 1), 'OutOfRange')):
            with self.subTest(arguments), self.assertRaises(GLib.Error) as caught:
                self.open_pipe(*arguments)
            self.assertEqual(Gio.DBusError.get_remote_error(caught.exception),
                             'org.fermata.HoldMusic1.Error.' + error)
        fds = []
        with self.assertRaises(GLib.Error) as caught:
            for _ in range(40):
                fds.append(self.open_pipe('ulaw', 8000, 1))
        self.assertIn('TooManyPipes', str(caught.exception))
        self.assertEqual(len(fds), 32)
        for fd in fds:
            os.close(fd)
        wait_until(lambda: self.status_listeners() == 0, 'all have left')

    @staticmethod
    def status_listeners():
        return Gio.bus_get_sync(Gio.BusType.SESSION).call_sync(
            'org.fermata.HoldMusic1', '/org/fermata/HoldMusic1/channel/main',
            'org.freedesktop.DBus.Properties', 'Get',
            GLib.Variant('(ss)', ('org.fermata.HoldMusic1.Channel', 'Listeners')), None, 0, 20000,
            None).unpack()[0]

    def test_a_channel_that_is_not_there_is_waited_for(self):
        self.start()
        feeder = subprocess.Popen([FERMATACTL, 'pipe', '--channel', 'nobody'],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.feeders.append(feeder)
        self.read(feeder, 30)
        self.assertIsNone(feeder.poll())
        feeder.terminate()
        self.assertIn(b'trying again', feeder.stderr.read())
        feeder.stderr.close()


if __name__ == '__main__':
    unittest.main(verbosity=2)
