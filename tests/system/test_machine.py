#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The sound of the machine's instance: the real daemon on a system bus, without PipeWire or a session,
and `fermatactl --system pipe` of one who may listen and one who may not.

    test_machine.py FERMATACTL FERMATAD SOURCE_ROOT
"""

import os
import subprocess
import sys
import time
import unittest
from pathlib import Path

import numpy as np

from machine import Machine, skip_where_it_cannot_be

CHUNK = 640  # bytes: 40 ms of 8 kHz
CHUNK_S = 0.040
QUIET = 40  # comfort noise is 28 at most
PATIENCE = 60.0


class Sound(unittest.TestCase):
    machine = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(CTL, [DAEMON, "--models", str(Path(ROOT) / "models/weights"), "--seed",
                                    "7", "--profile", "telephone", "--autostart", "yes"], ROOT)
        cls.addClassCleanup(cls.machine.finish)

    def feed(self, who):
        feeder = subprocess.Popen(self.machine.command(who, "--system", "pipe"), bufsize=0,
                                  env=self.machine.environment, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def end():
            feeder.kill()
            feeder.wait()
            feeder.stdout.close()
            feeder.stderr.close()
        self.addCleanup(end)
        return feeder

    def read(self, feeder):
        """A chunk, at the pace of a PBX; its loudest sample."""
        time.sleep(CHUNK_S)
        chunk = os.read(feeder.stdout.fileno(), CHUNK)
        self.assertEqual(len(chunk), CHUNK, "a short read: Asterisk throws it away")
        return int(np.abs(np.frombuffer(chunk, "<i2").astype(int)).max())

    def test_who_is_in_the_group_hears_music(self):
        feeder = self.feed("member")
        end = time.monotonic() + PATIENCE
        while self.read(feeder) <= QUIET:
            self.assertLess(time.monotonic(), end, "no music")
        peaks = [self.read(feeder) for _ in range(100)]
        print(f"peaks of 100 chunks: {min(peaks)} to {max(peaks)}")
        self.assertGreater(min(peaks), QUIET)
        # Nothing of it needs a session or PipeWire, and it is told who listens.
        self.assertRegex(self.machine.run("nobody", "metrics").stdout,
                         r'fermata_listeners{channel="main"} 1')

    def test_who_is_not_hears_comfort_and_is_told_why(self):
        feeder = self.feed("nobody")
        peaks = [self.read(feeder) for _ in range(25)]
        self.assertLessEqual(max(peaks), QUIET)
        self.assertGreater(max(peaks), 0, "a dead line")
        self.assertIsNone(feeder.poll())
        self.assertIn(b"adduser nobody fermata", os.read(feeder.stderr.fileno(), 4096))


if __name__ == "__main__":
    CTL, DAEMON, ROOT = sys.argv[1:4]
    skip_where_it_cannot_be()
    unittest.main(argv=sys.argv[:1], verbosity=2)
