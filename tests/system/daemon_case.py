# SPDX-License-Identifier: MIT
"""What the tests of the real daemon share: the daemon itself, driven by the real fermatactl,
recorded at the sink's monitor, its feed read. Under tests/system/lib/session.sh; FERMATAD,
FERMATACTL and FERMATA_MODELS say what to test.
"""

import glob
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

FERMATAD = os.environ['FERMATAD']
FERMATACTL = os.environ['FERMATACTL']
PATIENCE = 240  # seconds until a test gives up waiting


def session(*request):
    subprocess.run([os.environ['SESSION'], 'ctl', *request], check=True, timeout=PATIENCE)


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f'not within {PATIENCE:.0f} s: {what}')
        time.sleep(0.05)


class DaemonCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.state = os.path.join(self.folder, 'state', 'state.conf')
        self.daemon = None
        self.processes = []
        for name in ('bus', 'pipewire', 'sink'):
            session('start', name)

    def tearDown(self):
        for process in self.processes + [self.daemon]:
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    self.fail(f'{process.args[0]} did not end after SIGTERM')

    def start(self, *options, env=None, terminal=True):
        log = open(os.path.join(self.folder, 'log'), 'ab')  # pylint: disable=consider-using-with
        self.daemon = subprocess.Popen(
            [FERMATAD, '--state-file', self.state, *options], stderr=log, stdout=log,
            env={**os.environ, **(env or {})}, start_new_session=not terminal)
        self.addCleanup(log.close)
        return self.daemon

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8', errors='replace') as file:
            return file.read()

    def run_ctl(self, *words):
        return subprocess.run([FERMATACTL, *words], capture_output=True, text=True,
                              timeout=PATIENCE)

    def ctl(self, *words):
        run = self.run_ctl(*words)
        self.assertEqual(run.returncode, 0, f'{words}: {run.stderr}\n{self.log()}')
        return run.stdout.strip()

    def status(self):
        run = self.run_ctl('status', '--json')
        return self.find_channel(json.loads(run.stdout)) if run.returncode == 0 else {}

    @staticmethod
    def find_channel(status):
        channels = status.get('channels')
        return {**status, **channels[0]} if channels else status

    def is_state(self, *states):
        return self.status().get('state') in states

    def play(self, *options, **kwargs):
        self.start('--autostart', 'yes', *options, **kwargs)
        wait_until(lambda: self.is_state('playing'), 'playing\n' + self.log())

    def record(self):
        """Starts to record the sink's monitor; returns (file, process, start time)."""
        path = os.path.join(self.folder, f'{len(self.processes)}.wav')
        process = subprocess.Popen(
            ['pw-cat', '-r', '-P', '{ stream.capture.sink=true }', '--target', 'testsink',
             '--rate', '48000', '--channels', '2', '--format', 's16', path])
        self.processes.append(process)
        wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 4096, 'recording')
        return path, process, time.monotonic()

    def watch(self):
        """Starts to read the live feed; returns (file, process)."""
        path = os.path.join(self.folder, f'{len(self.processes)}.jsonl')
        with open(path, 'wb') as file:
            process = subprocess.Popen([FERMATACTL, 'watch', '--json'], stdout=file)
        self.processes.append(process)
        return path, process

    @staticmethod
    def end(process):
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)

    @staticmethod
    def read_feed(path):
        with open(path, encoding='utf-8') as file:
            return [json.loads(line) for line in file if line.endswith('\n')]

    def kept_waiting(self):
        """Seconds for which the daemon's threads have been ready to run so far and others have run,
        on all cores together (the second number of proc(5)'s schedstat)."""
        waited = 0
        for path in glob.glob(f'/proc/{self.daemon.pid}/task/*/schedstat'):
            with open(path, encoding='utf-8') as file:
                waited += int(file.read().split()[1])
        return waited / 1e9

    def goes_on(self):
        """Music is played, whatever the state is."""
        before = self.status()
        wait_until(lambda: self.status()['position'] > before['position'] + 6_000_000, 'music')
        self.assertGreater(self.status()['notes_per_minute'], 20)
