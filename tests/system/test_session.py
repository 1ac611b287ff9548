#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The private session of the system tests keeps to itself: lib/session.sh."""

import os
import subprocess
import tempfile
import time
import unittest

SESSION = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib', 'session.sh')


def alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except OSError:
        return False


class Session(unittest.TestCase):
    def setUp(self):
        self.tmp = tempfile.TemporaryDirectory()
        self.addCleanup(self.tmp.cleanup)
        self.env = {**os.environ, 'TMPDIR': self.tmp.name}

    def run_in(self, script, *options):
        return subprocess.run([SESSION, *options, '--', 'sh', '-c', script], env=self.env,
                              capture_output=True, text=True, timeout=60)

    def test_the_exit_status_is_the_commands(self):
        self.assertEqual(self.run_in('exit 0').returncode, 0)
        self.assertEqual(self.run_in('exit 7', '--no-pipewire').returncode, 7)
        self.assertEqual(self.run_in('kill -9 $$', '--no-pipewire', '--no-bus').returncode, 137)

    def test_nothing_is_left_behind(self):
        run = self.run_in('setsid sleep 600 & echo $!; '
                          'ls -d $SESSION_DIR $HOME $XDG_RUNTIME_DIR >/dev/null')
        self.assertFalse(alive(int(run.stdout)))
        self.assertEqual(os.listdir(self.tmp.name), [])

    def test_it_may_be_terminated(self):
        with subprocess.Popen([SESSION, '--', 'sh', '-c', 'echo $$; exec sleep 600'], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as session:
            pid = int(session.stdout.readline())
            session.terminate()
            self.assertEqual(session.wait(20), 143)
        self.assertFalse(alive(pid))
        self.assertEqual(os.listdir(self.tmp.name), [])

    def test_killed_outright_it_takes_its_services_along(self):
        script = 'pgrep -f "address=unix:path=$XDG_RUNTIME_DIR"; ' \
                 'exec sleep 600'
        with subprocess.Popen([SESSION, '--', 'sh', '-c', script], env=self.env,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as session:
            bus = int(session.stdout.readline())
            self.assertTrue(alive(bus))
            session.kill()
            session.wait(10)
        deadline = time.monotonic() + 10
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
