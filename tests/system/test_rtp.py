#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real daemon's RTP, received and decoded, without any PipeWire.

Run by meson under tests/system/lib/session.sh --no-pipewire; FERMATAD, FERMATACTL and
FERMATA_MODELS say what to test.
"""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np

FERMATAD = os.environ['FERMATAD']
FERMATACTL = os.environ['FERMATACTL']
PATIENCE = 240  # seconds until a test gives up waiting
GROUP = '239.77.20.3'


def decode_ulaw(data):
    code = ~np.frombuffer(data, np.uint8) & 0xff
    size = (((code & 15).astype(int) * 8 + 132) << (code >> 4 & 7)) - 132
    return np.where(code & 128, -size, size)


def decode_alaw(data):
    code = np.frombuffer(data, np.uint8) ^ 0x55
    segment = (code >> 4 & 7).astype(int)
    size = (code & 15).astype(int) * 16 + 8
    size = np.where(segment > 0, (size + 256) << np.maximum(segment - 1, 0), size)
    return np.where(code & 128, size, -size)


class Packet:
    def __init__(self, data, at):
        first, second, self.number, self.time, self.ssrc = struct.unpack('>BBHII', data[:12])
        self.version, self.marked, self.kind = first >> 6, second >> 7, second & 127
        self.plain = first == 0x80
        self.sound, self.at = data[12:], at


class Listener:
    """A socket, and where it listens: on this machine, or to a multicast group."""

    def __init__(self, group=None, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS_NEW, 1)
        self.socket.bind((group or '127.0.0.1', port))
        self.port = self.socket.getsockname()[1]
        self.address = f'{group or "127.0.0.1"}:{self.port}'
        if group:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                   socket.inet_aton(group) + socket.inet_aton('0.0.0.0'))

    def receive(self, timeout=PATIENCE):
        """A packet with the kernel's time of it, or None."""
        self.socket.settimeout(timeout)
        try:
            data, ancillary, _, _ = self.socket.recvmsg(2048, 256)
        except socket.timeout:
            return None
        seconds, nanoseconds = struct.unpack('qq', ancillary[0][2][:16])
        return Packet(data, seconds + nanoseconds / 1e9)

    def flush(self):
        while self.receive(0.001):
            pass

    def close(self):
        self.socket.close()


if not hasattr(socket, 'SO_TIMESTAMPNS_NEW'):
    socket.SO_TIMESTAMPNS_NEW = 64  # asm-generic


class Rtp(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.daemon = None

    def tearDown(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(PATIENCE)

    def listen(self, *where):
        listener = Listener(*where)
        self.addCleanup(listener.close)
        return listener

    def start(self, *options):
        with open(os.path.join(self.folder, 'log'), 'ab') as log:
            self.daemon = subprocess.Popen(
                [FERMATAD, '--state-file', os.path.join(self.folder, 'state.conf'), '--seed', '7',
                 '--profile', 'telephone', '--autostart', 'yes', *options], stderr=log, stdout=log)

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8') as file:
            return file.read()

    def wait_for_log(self, text):
        deadline = time.monotonic() + PATIENCE
        while text not in self.log():
            self.assertLess(time.monotonic(), deadline, f'{text}\n{self.log()}')
            time.sleep(0.1)

    @staticmethod
    def ctl(*words, status=0):
        run = subprocess.run([FERMATACTL, *words], capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        assert run.returncode == status, (words, run)
        return run.stdout.strip() + run.stderr.strip()

    def take(self, listener, count):
        packets = [listener.receive() for _ in range(count)]
        self.assertNotIn(None, packets, self.log())
        return packets

    def check_music(self, packets, kind, decode):
        for packet in packets:
            self.assertTrue(packet.plain)
            self.assertEqual((packet.version, packet.kind, len(packet.sound)), (2, kind, 160))
        for one, other in zip(packets, packets[1:]):
            self.assertEqual(other.ssrc, one.ssrc)
            self.assertEqual(other.number, (one.number + 1) & 0xffff)
            self.assertEqual(other.time, (one.time + 160) & 0xffffffff)
            self.assertFalse(other.marked)
        sound = decode(b''.join(p.sound for p in packets)).astype(float)
        level = np.sqrt((sound[:len(sound) // 320 * 320].reshape(-1, 320) ** 2).mean(axis=1))
        self.assertGreater(level.min(), 20, 'silence')
        # Of the whole, so that a machine that is late now and then says nothing of the pace.
        pace = (len(packets) - 1) / (packets[-1].at - packets[0].at)
        apart = np.diff([p.at for p in packets]) * 1000
        print(f'{len(packets)} packets, {pace:.2f} a second, {np.percentile(apart, 5):.1f} to '
              f'{np.percentile(apart, 95):.1f} ms apart, {apart.max():.1f} at most; '
              f'level {20 * np.log10(sound.std() / 32768):.1f} dBFS', file=sys.stderr)
        self.assertLess(abs(pace - 50), 5)

    def test_to_a_host_and_on_to_another(self):
        one, other = self.listen(), self.listen()
        self.start('--rtp', one.address)
        first = one.receive()
        self.assertTrue(first.marked)
        self.take(one, 25)  # it fades in
        self.check_music(self.take(one, 250), 0, decode_ulaw)
        self.assertEqual(self.ctl('rtp'), one.address)
        self.assertIn(f'to {one.address}', self.ctl('status'))

        # What cannot be changes nothing.
        for bad in ('127.0.0.1', '127.0.0.1:70000', '224.0.0.5:5004', 'pbx.example:5004'):
            self.assertIn('must', self.ctl('rtp', bad, status=1))
        self.assertEqual(self.ctl('rtp'), one.address)
        one.flush()
        self.take(one, 5)

        self.ctl('rtp', other.address + '/alaw')
        one.flush()
        self.assertIsNone(one.receive(0.5))
        self.take(other, 50)
        self.check_music(self.take(other, 100), 8, decode_alaw)

        # Nothing while it is stopped; then the same stream, later by the pause.
        before = self.take(other, 1)[0]
        self.ctl('stop')
        while packet := other.receive(1):
            before = packet
        self.ctl('start')
        after = other.receive()
        self.assertEqual((after.ssrc, after.number), (before.ssrc, (before.number + 1) & 0xffff))
        self.assertTrue(after.marked)
        ticks = (after.time - before.time) & 0xffffffff
        self.assertEqual(ticks % 160, 0)
        self.assertLess(abs(ticks / 8000 - (after.at - before.at)), 0.5)

        self.ctl('rtp', 'off')
        other.flush()
        self.assertIsNone(other.receive(0.5))
        self.assertEqual(self.ctl('rtp'), 'off')
        self.ctl('rtp', one.address)
        self.take(one, 5)
        # It is remembered, and there is none of what is no address.
        self.daemon.terminate()
        self.daemon.wait(PATIENCE)
        one.flush()
        self.start()
        self.take(one, 5)

    def test_sender_reports(self):
        listener = self.listen()
        reports = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(reports.close)
        try:
            reports.bind(('127.0.0.1', listener.port + 1))
        except OSError:
            self.skipTest('the port beside is taken')
        reports.settimeout(PATIENCE)
        self.start('--rtp', listener.address)
        data = reports.recv(2048)
        self.assertEqual((data[0] >> 6, data[1]), (2, 200))
        self.assertEqual(struct.unpack('>I', data[4:8])[0], self.take(listener, 1)[0].ssrc)
        self.assertIn(b'main@', data)

    def test_multicast(self):
        try:
            listener = self.listen(GROUP)
        except OSError as error:
            self.skipTest(f'no multicast on this machine: {error}')
        # None leaves the machine.
        self.start('--rtp', listener.address, '--rtp-ttl', '0')
        if not listener.receive(PATIENCE / 2) and 'cannot send RTP' in self.log():
            self.skipTest('no route for multicast on this machine')
        self.take(listener, 25)
        self.check_music(self.take(listener, 100), 0, decode_ulaw)

    def test_a_network_that_is_away(self):
        # Without any network but its own there is no route to a group, and then there is.
        if subprocess.run(['unshare', '-n', 'true'], check=False, capture_output=True).returncode:
            self.skipTest('making a network namespace takes root')
        listener = self.listen()
        with open(os.path.join(self.folder, 'log'), 'ab') as log:
            self.daemon = subprocess.Popen(
                ['unshare', '-n', FERMATAD, '--state-file',
                 os.path.join(self.folder, 'state.conf'), '--seed', '7', '--autostart', 'yes',
                 '--rtp', listener.address.replace('127.0.0.1', GROUP)], stderr=log, stdout=log)
        self.wait_for_log('cannot send RTP')
        self.assertIn('Network is unreachable', self.log())
        time.sleep(1)
        self.assertEqual(self.log().count('cannot send RTP'), 1)
        self.assertIn('playing', self.ctl('status'))
        inside = ['nsenter', '-t', str(self.daemon.pid), '-n', 'ip']
        subprocess.run([*inside, 'link', 'set', 'lo', 'up'], check=True)
        subprocess.run([*inside, 'route', 'add', '239.0.0.0/8', 'dev', 'lo'], check=True)
        self.wait_for_log(f':{listener.port} again')
        self.assertEqual(self.log().count('cannot send RTP'), 1)


if __name__ == '__main__':
    unittest.main(verbosity=2)
