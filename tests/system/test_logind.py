#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The real daemon beside a logind of python3-dbusmock on a private system bus: before the machine
sleeps the music fades out, and only then the sleep goes on; when it wakes the music goes on.

Run as test_daemon.py is.
"""

import os
import subprocess
import sys
import unittest

import dbus
import dbus.lowlevel

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemon_case import DaemonCase, wait_until  # noqa: E402  pylint: disable=wrong-import-position

try:
    import dbusmock  # noqa: F401  pylint: disable=unused-import
except ImportError:
    print('skipped: python3-dbusmock is missing (apt-get install python3-dbusmock)')
    sys.exit(77)

NAME = 'org.freedesktop.login1'
PATH = '/org/freedesktop/login1'
MANAGER = 'org.freedesktop.login1.Manager'
LOCK = ['sleep', 'Fermata', 'fades the music out', 'delay']


class Logind(DaemonCase):
    def setUp(self):
        super().setUp()
        self.socket = os.path.join(self.folder, 'system-bus')
        self.address = f'unix:path={self.socket}'
        self.env = {'DBUS_SYSTEM_BUS_ADDRESS': self.address}
        self.bus = self.system = self.mock = None

    def spawn(self, *command):
        with open(os.path.join(self.folder, 'services'), 'ab') as log:
            process = subprocess.Popen(command, env={**os.environ, **self.env}, stdout=log,
                                       stderr=log)
        self.processes.append(process)
        return process

    def end_service(self, process):
        process.kill()
        process.wait()
        self.processes.remove(process)

    def start_bus(self):
        self.bus = self.spawn('dbus-daemon', '--session', '--nofork', '--nopidfile', '--nosyslog',
                              f'--address={self.address}')
        wait_until(lambda: os.path.exists(self.socket), 'the system bus')
        self.system = dbus.bus.BusConnection(self.address)
        self.system.set_exit_on_disconnect(False)

    def start_logind(self):
        self.mock = self.spawn('/usr/bin/python3', '-m', 'dbusmock', '--system', '--template',
                               'logind')
        wait_until(lambda: self.system.name_has_owner(NAME), 'logind')

    def logind(self):
        return self.system.get_object(NAME, PATH, introspect=False)

    def locks(self):
        return [list(map(str, lock[:4]))
                for lock in self.logind().ListInhibitors(dbus_interface=MANAGER)]

    def prepare_for_sleep(self, begins):
        self.logind().EmitSignal(MANAGER, 'PrepareForSleep', 'b', [begins],
                                 dbus_interface='org.freedesktop.DBus.Mock')

    def test_it_sleeps_and_wakes_with_the_machine(self):
        self.start_bus()
        self.start_logind()
        self.play(env=self.env)
        wait_until(lambda: self.locks() == [LOCK], f'one lock, and no other\n{self.log()}')
        wait_until(lambda: os.path.exists(self.state), 'it remembers that it plays')
        with open(self.state, encoding='utf-8') as file:
            remembered = [line for line in file if 'autostart' in line]

        # A signal that anybody may send is not logind's.
        owner = self.system.get_name_owner(NAME)
        for name in self.system.list_names():
            if name.startswith(':') and name not in (owner, self.system.get_unique_name()):
                forged = dbus.lowlevel.SignalMessage(PATH, MANAGER, 'PrepareForSleep')
                forged.append(True, signature='b')
                forged.set_destination(name)
                self.system.send_message(forged)
        self.system.flush()
        position = self.status()['position']
        wait_until(lambda: self.status()['position'] > position + 1_000_000, 'playing on')
        self.assertEqual(self.locks(), [LOCK])

        feed, watcher = self.watch()
        wait_until(lambda: self.read_feed(feed), 'the feed')
        self.prepare_for_sleep(True)
        wait_until(lambda: self.locks() == [], f'the lock released\n{self.log()}')
        # The fade-out came first.
        status = self.status()
        self.assertEqual(status['state'], 'waiting')
        self.assertIn('sleeps', status['state_reason'])
        position = status['position']
        with open(self.state, encoding='utf-8') as file:
            self.assertEqual([line for line in file if 'autostart' in line], remembered)

        self.prepare_for_sleep(False)
        wait_until(lambda: self.is_state('playing'), f'awake\n{self.log()}')
        wait_until(lambda: self.locks() == [LOCK], 'a new lock')
        wait_until(lambda: self.status()['position'] > position + 1_000_000, 'music')
        self.end(watcher)
        states = [e['text'] for e in self.read_feed(feed) if e['event'] == 'state']
        self.assertIn('waiting', states)

        # Who is stopped meanwhile stays so; where nothing plays there is nothing to wake.
        self.prepare_for_sleep(True)
        wait_until(lambda: self.is_state('waiting'), 'asleep again')
        self.ctl('stop')
        self.assertTrue(self.is_state('stopped'))
        self.prepare_for_sleep(False)
        wait_until(lambda: self.locks() == [LOCK], 'a third lock')
        self.assertTrue(self.is_state('stopped'))
        self.prepare_for_sleep(True)
        wait_until(lambda: self.locks() == [], 'the lock released in silence')
        self.prepare_for_sleep(False)
        wait_until(lambda: self.locks() == [LOCK], 'a fourth lock')
        self.assertTrue(self.is_state('stopped'))

    def test_logind_and_the_bus_go_and_come(self):
        self.start_bus()
        self.play(env=self.env)
        self.start_logind()
        wait_until(lambda: self.locks() == [LOCK], f'a lock as soon as logind is there'
                                                   f'\n{self.log()}')
        self.prepare_for_sleep(True)
        wait_until(lambda: self.is_state('waiting'), 'asleep')
        self.end_service(self.mock)
        wait_until(lambda: self.is_state('playing'), 'awake without logind')
        self.start_logind()
        wait_until(lambda: self.locks() == [LOCK], 'a lock of the new logind')
        self.prepare_for_sleep(True)
        wait_until(lambda: self.is_state('waiting'), 'asleep again')
        self.end_service(self.bus)
        wait_until(lambda: self.is_state('playing'), 'awake without a bus')
        self.end_service(self.mock)
        os.remove(self.socket)
        self.start_bus()
        self.start_logind()
        wait_until(lambda: self.locks() == [LOCK], 'a lock on the new bus')
        self.assertIsNone(self.daemon.poll())


if __name__ == '__main__':
    unittest.main(verbosity=2)
