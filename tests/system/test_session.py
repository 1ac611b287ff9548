#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The private session of the system tests keeps to itself: lib/session.sh."""

import os
import subprocess
import tempfile
import time
import unittest

PATIENCE = 240  # seconds until a test gives up waiting; nothing is asserted about time
SESSION = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib', 'session.sh')


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


def bus_of(session):
    """The bus among a session's children; pgrep is not everywhere."""
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/stat', encoding='utf-8') as file:
                parent = int(file.read().rpartition(')')[2].split()[1])
            with open(f'/proc/{entry}/cmdline', encoding='utf-8') as file:
                if parent == session.pid and file.read().startswith('dbus-daemon\0'):
                    return int(entry)
        except OSError:
            continue
    raise AssertionError('the session has no bus')


class Session(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.env = {**os.environ, 'TMPDIR': self.tmp.name}

    def run_in(self, script, *options):
        return subprocess.run([SESSION, *options, '--', 'sh', '-c', script], env=self.env,
                              capture_output=True, text=True, timeout=PATIENCE)

    def test_the_exit_status_is_the_commands(self):
        self.assertEqual(self.run_in('exit 0').returncode, 0)
        self.assertEqual(self.run_in('exit 7', '--no-pipewire').returncode, 7)
        self.assertEqual(self.run_in('kill -9 $$', '--no-pipewire', '--no-bus').returncode, 137)

    def begin(self, script):
        """A session that has said its first line, and that line."""
        # Its errors go to ours: they are the reason where it does not come up.
        session = subprocess.Popen([SESSION, '--', 'sh', '-c', script], env=self.env,
                                   stdout=subprocess.PIPE, text=True)
        # Otherwise a failure would wait for the end of what runs in it.
        self.addCleanup(session.stdout.close)
        self.addCleanup(session.wait)
        self.addCleanup(session.kill)
        return session, session.stdout.readline()

    def test_nothing_is_left_behind(self):
        run = self.run_in('setsid sleep 600 & echo $!; '
                          'ls -d $SESSION_DIR $HOME $XDG_RUNTIME_DIR >/dev/null')
        self.assertFalse(alive(int(run.stdout)))
        self.assertEqual(os.listdir(self.tmp.name), [])

    def test_it_may_be_terminated(self):
        session, pid = self.begin('echo $$; exec sleep 600')
        pid = int(pid)
        session.terminate()
        self.assertEqual(session.wait(PATIENCE), 143)
        self.assertFalse(alive(pid))
        self.assertEqual(os.listdir(self.tmp.name), [])

    def test_killed_outright_it_takes_its_services_along(self):
        session, _ = self.begin('echo; exec sleep 600')
        bus = bus_of(session)
        self.assertTrue(alive(bus))
        session.kill()
        session.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while alive(bus) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse(alive(bus))

    def test_what_is_left_out_can_be_started(self):
        run = self.run_in('pw-cli ls Node | grep -c testsink; '
                          'ls $XDG_RUNTIME_DIR; $SESSION ctl start sink; $SESSION ctl start bus; '
                          'pw-cli ls Node | grep -c testsink; ls $XDG_RUNTIME_DIR; '
                          '$SESSION ctl stop sink; pw-cli ls Node | grep -c testsink',
                          '--no-sink', '--no-bus')
        words = run.stdout.split()
        self.assertEqual(words[0], '0', run.stderr)
        self.assertEqual([word for word in words if word.isdigit()], ['0', '1', '0'])
        self.assertNotIn('bus', words[:words.index('1')])
        self.assertIn('bus', words[words.index('1'):])

    def test_an_unknown_request_is_refused(self):
        run = self.run_in('$SESSION ctl stop moon', '--no-pipewire')
        self.assertEqual(run.returncode, 1)
        self.assertIn('no such request', run.stderr)


if __name__ == '__main__':
    # Nothing to hold where the session cannot be made.
    PROBE = subprocess.run([SESSION, '--no-pipewire', '--no-bus', '--', 'true'], check=False)
    if PROBE.returncode == 77:
        raise SystemExit(77)
    unittest.main(verbosity=2)
