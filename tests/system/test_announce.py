#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Announcements of the real daemon, given with fermatactl: what is taken, kept across a restart,
ended. How they are heard, tests/unit/test_announcer.c tells.

    lib/session.sh -- ./test_announce.py
"""
import array
import json
import math
import os
import signal
import subprocess
import tempfile
import time
import unittest
import wave

FERMATAD, FERMATACTL = os.environ["FERMATAD"], os.environ["FERMATACTL"]
PATIENCE = 240
TONE = 1000  # Hz


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"no {what} in {PATIENCE} s")
        time.sleep(0.1)


class Announce(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = os.path.join(self.folder, "state", "state.conf")
        self.log = open(self.path("log"), "w", encoding="utf-8")
        self.addCleanup(self.log.close)
        self.daemon = None
        self.start()
        self.addCleanup(self.end)

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self):
        self.daemon = subprocess.Popen([FERMATAD, "--state-file", self.state, "--seed", "3"],
                                       stderr=self.log)
        wait_for("daemon", lambda: self.ctl("status").returncode == 0)

    def end(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(PATIENCE)

    def ctl(self, *words):
        return subprocess.run([FERMATACTL, *words], capture_output=True, text=True, timeout=PATIENCE)

    def ok(self, *words):
        done = self.ctl(*words)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def ended(self, code, *words, says=()):
        done = self.ctl(*words)
        self.assertEqual(done.returncode, code, (words, done.stderr))
        for word in says:
            self.assertIn(word, done.stderr)

    def every(self):
        return json.loads(self.ok("status", "--json"))["channels"][0]["announce_every"]

    def sound(self, name, seconds=1.5, rate=8000):
        samples = array.array("h", (int(8000 * math.sin(2 * math.pi * TONE * i / rate))
                                    for i in range(int(seconds * rate))))
        with wave.open(self.path(name), "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
        return self.path(name)

    def test_kept_until_stopped(self):
        copy = os.path.join(self.folder, "state", "announcements", "main")
        sound = self.sound("welcome.wav")
        self.assertEqual(self.every(), 0)
        self.assertIn("every 45 s", self.ok("announce", sound, "--every", "45s"))
        wait_for("repetition", lambda: self.every() == 45)
        with open(copy, "rb") as kept, open(sound, "rb") as given:
            self.assertEqual(kept.read(), given.read())
        os.unlink(sound)

        # A file that is none changes nothing.
        with open(self.path("text.wav"), "w", encoding="utf-8") as file:
            file.write("Dear caller\n" * 1000)
        self.ended(1, "announce", self.path("text.wav"), "-e", "2m",
                   says=["text.wav", "no sound that can be read"])
        self.ended(1, "announce", self.folder, says=[self.folder])
        self.ended(1, "announce", self.sound("long.wav", 121), "-e", "5", says=["2 minutes"])
        self.ended(2, "announce", self.path("none.wav"), says=["none.wav", "No such file"])
        self.ended(2, "announce", says=["announce takes a sound file"])
        self.ended(2, "announce", "--stop", self.path("text.wav"), says=["--stop"])
        for every in ("4", "2h", "-5", "x", "", "1e9", "nan"):
            self.ended(2, "announce", self.path("text.wav"), "--every=" + every, says=["45s"])
        self.assertEqual(self.every(), 45)

        self.end()
        self.start()
        wait_for("the repetition of before", lambda: self.every() == 45)
        self.ok("announce", "--stop")
        self.assertEqual(self.every(), 0)
        self.assertFalse(os.path.exists(copy))
        self.end()
        self.start()
        self.assertEqual(self.every(), 0)

    def test_a_stopped_channel_speaks_to_nobody(self):
        self.ended(1, "announce", self.sound("hello.wav"), says=["does not play", "start"])

    def test_a_lost_copy_is_told(self):
        self.ok("announce", self.sound("hello.wav"), "-e", "10")
        wait_for("repetition", lambda: self.every() == 10)
        self.end()
        os.unlink(os.path.join(self.folder, "state", "announcements", "main"))
        self.start()
        self.assertEqual(self.every(), 0)
        with open(self.path("log"), encoding="utf-8") as file:
            self.assertIn("give it again with fermatactl announce", file.read())


if __name__ == "__main__":
    unittest.main()
