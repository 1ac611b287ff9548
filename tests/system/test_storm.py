#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whatever is called on the bus, the daemon lives and the music plays on: a bounded storm of calls
of every method and property of every object, with arguments that fit, that nearly fit and that do
not. What would stop the music as it should (Stop, a microphone's output) is left out.

    lib/session.sh -- test_storm.py FERMATAD MODELS [CALLS [SEED]]
"""

import os
import random
import subprocess
import sys
import time
import xml.etree.ElementTree

from gi.repository import Gio, GLib

FERMATAD, MODELS = sys.argv[1:3]
CALLS = int(sys.argv[3]) if len(sys.argv) > 3 else 300
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else 1
PATIENCE = 60
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tsan.supp')

NAME, ROOT = 'org.fermata.HoldMusic1', '/org/fermata/HoldMusic1'
PLAYER = 'org.mpris.MediaPlayer2.fermata', '/org/mpris/MediaPlayer2'
MAIN = ROOT + '/channel/main'
CHANNEL = NAME + '.Channel'
PROPERTIES = 'org.freedesktop.DBus.Properties'
# They do what they say, and that is not what is asked here.
STOPPING = {'Stop', 'Pause', 'PlayPause', 'Rate', 'Output'}
MOST_CHANNELS = 4

# RTP goes to this machine alone.
TEXTS = ('', ' ', 'main', 'bach', 'chopin', 'debussy', 'transformer-open', 'lstm-open', 'sample', 'hard',
         'telephone', 'room', 'raw', 'one', 'two', 'UPPER', '-', 'a/b', '../../etc/passwd', '%s%n%d', 'x' * 31,
         'x' * 40000, '\x01\x7f', 'a\nvolume = 1', 'a ;b', '\u00e9\u4e16\U0001f3b9', '.mid', '.wav', '.png',
         '.jsonl', '127.0.0.1:5004', '127.0.0.1:5006/alaw', '127.0.0.1:0', '999.1.1.1:70000/gsm', '2-5', '0',
         '60-0.5', 's16le', 'ulaw', 'alaw', 'Mon..Fri 18:00 composer=bach', '*-2-30 12:00 skip',
         '*:*:* volume=0.5', '*-*-* 25:00 start', 'Sun..Mon 1:00 start', CHANNEL, 'Composer', 'Volume',
         'org.fermata.HoldMusic1.Manager', 'org.mpris.MediaPlayer2.Player')
KEYS = ('composer', 'net', 'volume', 'threshold', 'profile', 'target', 'midi', 'seed', 'models', 'tempo', '')
PATHS = ('/', '/x', ROOT, MAIN, ROOT + '/channel/nobody')
NUMBERS = (0, 1, 2, 5, 8, 127, 255, 8000, 44100, 48000, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
FRACTIONS = (0.0, -0.0, 0.5, 1.0, 1.0000001, -1.0, 30.0, 900.0, 1e-320, 1e308, float('nan'), float('inf'),
             float('-inf'))
RANGES = {'y': (0, 2**8 - 1), 'n': (-2**15, 2**15 - 1), 'q': (0, 2**16 - 1), 'i': (-2**31, 2**31 - 1),
          'u': (0, 2**32 - 1), 'x': (-2**63, 2**63 - 1), 't': (0, 2**64 - 1), 'h': (0, 0)}
TUNE = (b'MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x14'
        b'\0\x90\x3c\x40\x60\x80\x3c\0\0\x90\x40\x40\x60\x80\x40\0\0\xff\x2f\0')


class Storm:
    def __init__(self):
        self.random = random.Random(SEED)
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        self.states = set()
        self.answered = self.refused = 0
        self.files = [os.open(path, os.O_RDWR | os.O_CLOEXEC) for path in ('/dev/null', '/dev/zero')]
        for data in (b'', b'RIFF' + bytes(400), os.urandom(4096), TUNE):
            fd = os.memfd_create('storm')
            os.write(fd, data)
            self.files.append(fd)
        self.files += [os.open('/', os.O_RDONLY | os.O_CLOEXEC), *os.pipe()]

    def value(self, signature, depth=0):
        """A value of the first type in the signature, and what is left of that."""
        kind, rest = signature[0], signature[1:]
        pick = self.random
        if kind == 's':
            return GLib.Variant('s', pick.choice(TEXTS)), rest
        if kind == 'o':
            return GLib.Variant('o', pick.choice(PATHS)), rest
        if kind == 'g':
            return GLib.Variant('g', pick.choice(('', 's', 'a{sv}'))), rest
        if kind == 'b':
            return GLib.Variant('b', pick.random() < 0.5), rest
        if kind == 'd':
            return GLib.Variant('d', pick.choice(FRACTIONS)), rest
        if kind in RANGES:
            least, most = RANGES[kind]
            return GLib.Variant(kind, min(max(pick.choice(NUMBERS) * pick.choice((1, 1, -1)), least), most)), rest
        if kind == 'v':
            inner = pick.choice('sdbuxtv' if depth < 3 else 'sd')
            return GLib.Variant('v', self.value(inner, depth + 1)[0]), rest
        if signature.startswith('ay'):
            data = bytearray(TUNE if pick.random() < 0.7 else pick.randbytes(pick.choice((0, 14, 4000, 2**20 + 1))))
            for _ in range(pick.choice((0, 1, 4))):
                if data:
                    data[pick.randrange(len(data))] = pick.randrange(256)
            return GLib.Variant('ay', bytes(data)), signature[2:]
        if signature.startswith('a{sv}'):
            entries = {pick.choice(KEYS): self.value(pick.choice('sdbut'), 1)[0] for _ in range(pick.randrange(4))}
            return GLib.Variant('a{sv}', entries), signature[5:]
        raise AssertionError(f'a type that the storm does not know: {signature}')

    def values(self, signature):
        values = []
        while signature:
            value, signature = self.value(signature)
            values.append(value)
        return GLib.Variant.new_tuple(*values)

    def call(self, name, path, interface, member, arguments, files=None):
        """Any answer will do, but there must be one."""
        try:
            reply, _ = self.bus.call_with_unix_fd_list_sync(name, path, interface, member, arguments, None, 0,
                                                            PATIENCE * 1000, files, None)
            self.answered += 1
            return reply
        except GLib.Error as error:
            remote = Gio.DBusError.get_remote_error(error)
            if not remote or remote.rpartition('.')[2] in ('NoReply', 'ServiceUnknown', 'Disconnected'):
                raise AssertionError(f'{interface}.{member}{str(arguments)[:300]} of {path}: {error}') from error
            assert Gio.DBusError.strip_remote_error(error) and error.message, remote
            self.refused += 1
            return None

    def get(self, interface, name):
        reply = self.call(NAME, MAIN, PROPERTIES, 'Get', GLib.Variant('(ss)', (interface, name)))
        return reply.unpack()[0]

    def objects(self):
        paths = [ROOT, ROOT + '/channel', *self.channels()]
        return [(NAME, path) for path in paths] + [PLAYER]

    def channels(self):
        reply = self.call(NAME, ROOT, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects', None)
        return list(reply.unpack()[0])

    def members(self, name, path):
        """Methods and properties as introspection tells them: interface, name, signature."""
        reply = self.call(name, path, 'org.freedesktop.DBus.Introspectable', 'Introspect', None)
        methods, properties = [], []
        for interface in xml.etree.ElementTree.fromstring(reply.unpack()[0]).findall('interface'):
            where = interface.get('name')
            for method in interface.findall('method'):
                signature = ''.join(argument.get('type') for argument in method.findall('arg')
                                    if argument.get('direction') != 'out')
                methods.append((where, method.get('name'), signature))
            properties += [(where, p.get('name'), p.get('type')) for p in interface.findall('property')]
        return ([m for m in methods if m[1] not in STOPPING], [p for p in properties if p[1] not in STOPPING])

    def call_method(self, name, path, method):
        interface, member, signature = method
        if self.random.random() < 0.15:  # what does not fit
            signature = self.random.choice(('', 's', 'd', 'ay', 'a{sv}', 'sv', 'h', signature + 's'))
        if self.random.random() < 0.03:
            member = 'Fly'
        files = Gio.UnixFDList.new()
        if 'h' in signature:
            files.append(self.random.choice(self.files))
        arguments = self.values(signature)
        if interface == PROPERTIES and member == 'Set' and arguments.n_children() > 1 \
                and arguments.get_child_value(1).print_(False).strip("'") in STOPPING:
            return
        self.call(name, path, interface, member, arguments, files)

    def call_property(self, name, path, prop):
        interface, member, signature = prop
        self.call(name, path, PROPERTIES, 'Get', GLib.Variant('(ss)', (interface, member)))
        if signature not in ('s', 'd', 'u', 'b') or self.random.random() < 0.1:
            signature = self.random.choice('sdubtov')
        value = self.value(signature)[0]
        self.call(name, path, PROPERTIES, 'Set', GLib.Variant('(ssv)', (interface, member, value)))

    def step(self):
        name, path = self.random.choice(self.objects())
        methods, properties = self.members(name, path)
        if properties and self.random.random() < 0.5:
            self.call_property(name, path, self.random.choice(properties))
        elif methods:
            self.call_method(name, path, self.random.choice(methods))
        for channel in self.channels()[MOST_CHANNELS:]:
            self.call(NAME, ROOT, NAME + '.Manager', 'RemoveChannel',
                      GLib.Variant('(s)', (channel.rpartition('/')[2],)))
        while GLib.MainContext.default().iteration(False):
            pass

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f'never: {what}; {self.get(CHANNEL, "StateReason")}'
            time.sleep(0.05)

    def rage(self):
        self.bus.signal_subscribe(NAME, PROPERTIES, 'PropertiesChanged', MAIN, CHANNEL, 0,
                                  lambda *args: self.states.add(args[5].unpack()[1].get('State')))
        playing = ('playing', 'degraded')
        self.wait_until(lambda: self.get(CHANNEL, 'State') in playing, 'it plays')
        while GLib.MainContext.default().iteration(False):
            pass
        self.states.clear()
        for _ in range(CALLS):
            self.step()
        self.wait_until(lambda: self.get(CHANNEL, 'State') in playing, 'it plays after the storm')
        position = self.get(CHANNEL, 'Position')
        self.wait_until(lambda: self.get(CHANNEL, 'Position') > position, 'it plays on')
        while GLib.MainContext.default().iteration(False):
            pass
        print(f'{CALLS} steps, {self.answered} answers, {self.refused} refusals; main was {self.states - {None}}')
        assert not self.states & {'stopped', 'idle'}, self.states
        assert self.refused > CALLS / 10 and self.answered > CALLS


def main():
    env = dict(os.environ)
    env['TSAN_OPTIONS'] = f"{env.get('TSAN_OPTIONS', '')}:suppressions={SUPPRESSIONS}"
    # As in test_tour.py: what the drivers leave cannot be told from ours.
    env['ASAN_OPTIONS'] = f"{env.get('ASAN_OPTIONS', '')}:detect_leaks=0"
    state = os.path.join(os.environ['SESSION_DIR'], 'state.conf')
    with open(os.path.join(os.environ['SESSION_DIR'], 'storm.log'), 'w+b') as log:
        # Without a device human phrases are played, and none has to be got ready: it is the bus that
        # is tried here.
        daemon = subprocess.Popen([FERMATAD, '--models', MODELS, '--licence', 'any', '--autostart', 'yes', '--device',
                                   'none of these', '--state-file', state], env=env, stderr=log)
        try:
            storm = Storm()
            storm.wait_until(lambda: storm.bus.call_sync(
                'org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'NameHasOwner',
                GLib.Variant('(s)', (NAME,)), None, 0, -1, None).unpack()[0] or daemon.poll(), 'it is on the bus')
            storm.rage()
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors='replace')[-6000:])
            raise
        finally:
            daemon.terminate()
            status = daemon.wait(PATIENCE)
    assert status == 0, status


if __name__ == '__main__':
    main()
