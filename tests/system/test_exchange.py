#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Music passed between files and the daemon that plays: fermatactl seed and keep.

    lib/session.sh -- ./test_exchange.py FERMATAD FERMATACTL MODELS
"""
import json
import os
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import wave

import mido
from gi.repository import Gio, GLib

fermatad, ctl, models = sys.argv[1:4]
PATIENCE = 240  # seconds until a test gives up waiting; nothing is asserted about time
PITCHES = [60 + step for step in (0, 4, 7, 12, 16, 12, 7, 4)] * 3
STEP = 0.25  # seconds from note to note
daemon = None


def phrase():
    """The bytes of a MIDI file: broken chords, each note as long as the step, at velocity 81."""
    notes = b"".join(bytes([0, 0x90, pitch, 81, 48, pitch, 0]) for pitch in PITCHES)
    track = notes + b"\0\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\0\x60MTrk" + struct.pack(">I", len(track)) + track


def run(*args):
    return subprocess.run([ctl, *args], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, check=False)


class Watch:
    """The feed, from now on."""

    def __init__(self):
        self.process = subprocess.Popen([ctl, "watch", "--json"], stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, text=True)
        self.events = [json.loads(self.process.stdout.readline())]

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition(self.events):
            assert time.monotonic() < deadline, self.events[-20:]
            self.events.append(json.loads(self.process.stdout.readline()))
        return self.events

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def notes_of(events):
    return [e for e in events if e["event"] == "on"]


def find_phrase(pitches):
    """Index at which the phrase stands in a list of pitches, or -1."""
    for i in range(len(pitches) - len(PITCHES) + 1):
        if pitches[i:i + len(PITCHES)] == PITCHES:
            return i
    return -1


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, data=None):
        path = os.path.join(self.folder, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def ended(self, code, *args, words=()):
        done = run(*args)
        self.assertEqual(done.returncode, code, (args, done))
        for word in words:
            self.assertIn(word, done.stderr)

    def tearDown(self):
        self.assertIsNone(daemon.poll(), "the daemon has ended")


class Seed(Case):
    def test_1_a_phrase_is_heard_and_gone_on_from(self):
        watch = Watch()
        self.addCleanup(watch.close)
        watch.until(lambda events: len(notes_of(events)) > 10)
        done = run("seed", self.path("my tune.mid", phrase()))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("24 notes of", done.stdout)
        self.assertIn("my tune.mid, 6.0 s", done.stdout)
        watch.until(lambda events: find_phrase([e["pitch"] for e in notes_of(events)]) >= 0)
        notes = notes_of(watch.events)
        at = find_phrase([e["pitch"] for e in notes])
        for i, note in enumerate(notes[at:]):
            self.assertAlmostEqual(note["time"] - notes[at]["time"], i * STEP, delta=0.005)
            self.assertEqual(note["velocity"], 81)
        # The piece begins with it, and goes on without a hole.
        piece = [e for e in watch.events if e["event"] == "piece" and e["text"] == "given"]
        self.assertEqual(len(piece), 1)
        self.assertAlmostEqual(piece[0]["time"], notes[at]["time"], delta=0.001)
        watch.until(lambda events: len(notes_of(events)) > at + len(PITCHES) + 20)
        times = [e["time"] for e in notes_of(watch.events)]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 4)

    def test_2_bad_files_are_named_and_change_nothing(self):
        cut = self.path("cut.mid", phrase()[:-9])
        self.ended(1, "seed", cut, words=["cut.mid", "broken MIDI file"])
        self.ended(1, "seed", self.path("diary.mid", b"Dear diary"), words=["no MIDI file", ".mid"])
        large = self.path("large.mid", phrase() + bytes(1 << 20))
        self.ended(1, "seed", large, words=["larger than 1 MiB"])
        self.ended(2, "seed", self.path("none.mid"), words=["none.mid", "No such file"])
        self.ended(2, "seed", self.folder, words=["directory"])
        self.ended(2, "seed", words=["my.mid"])
        self.assertEqual(json.loads(run("status", "--json").stdout)["channels"][0]["state"],
                         "playing")


class Keep(Case):
    """What was played comes back as files."""

    def test_3_all_forms_have_what_was_heard(self):
        watch = Watch()
        self.addCleanup(watch.close)
        watch.until(lambda events: len(notes_of(events)) > 12 and notes_of(events)[-1]["time"] > 14)
        paths = {form: self.path("idea" + form) for form in (".jsonl", ".mid", ".wav", ".png")}
        for form, path in paths.items():
            done = run("keep", "12s", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), form)
            self.assertRegex(done.stdout, r"has the last \d+\.\d s")
        self.assertEqual(sorted(os.listdir(self.folder)), sorted("idea" + form for form in paths))

        with open(paths[".jsonl"], encoding="utf-8") as file:
            kept = [json.loads(line) for line in file]
        self.assertEqual(kept[0]["event"], "composed")
        self.assertAlmostEqual(kept[0]["seconds"], 12, delta=0.01)
        notes = notes_of(kept)
        self.assertTrue(all(0 <= n["time"] < 12 and n["time"] + n["duration"] <= 12.01
                            for n in notes))
        # The feed's notes stand in it, at their distances from each other.
        heard = notes_of(watch.events)[-8:]
        shifts = {(round(h["time"] - n["time"], 2)) for h in heard for n in notes
                  if n["pitch"] == heard[0]["pitch"] and h is heard[0]}
        found = max(sum(any(abs(h["time"] - shift - n["time"]) < 0.02 and h["pitch"] == n["pitch"]
                            and h["velocity"] == n["velocity"] for n in notes) for h in heard)
                    for shift in shifts)
        self.assertEqual(found, len(heard))

        # The same notes in the MIDI file, but for the second or so that the order of files took.
        midi = mido.MidiFile(paths[".mid"])
        strikes = [m.note for m in midi if m.type == "note_on" and m.velocity]
        self.assertAlmostEqual(midi.length, 12, delta=0.01)
        pitches = [n["pitch"] for n in notes]
        middle = pitches[len(pitches) // 2:len(pitches) // 2 + 8]
        self.assertTrue(any(strikes[i:i + 8] == middle for i in range(len(strikes))))

        with wave.open(paths[".wav"]) as file:
            self.assertEqual((file.getframerate(), file.getnchannels()), (48000, 2))
            self.assertAlmostEqual(file.getnframes() / 48000, 12, delta=0.01)
            samples = file.readframes(file.getnframes())
        self.assertGreater(max(samples[1::2]), 0)
        with open(paths[".png"], "rb") as file:
            self.assertTrue(file.read().startswith(b"\x89PNG"))

    def test_4_what_cannot_be_kept(self):
        self.ended(1, "keep", "20s", self.path("x.mp3"), words=[".mp3", ".wav"])
        self.ended(1, "keep", "20s", self.path("x"), words=[".wav"])
        self.ended(1, "keep", "16m", self.path("x.mid"), words=["960", "900"])
        self.ended(1, "keep", "0", self.path("x.mid"), words=["900"])
        for time_ in ("x", "", "2d", "5s3", "nan"):
            self.ended(2, "keep", time_, self.path("x.mid"), words=["1m30s"])
        self.ended(2, "keep", "2m", words=["idea.mid"])
        self.ended(5, "keep", "2s", self.path("none/x.mid"), words=["none/x.mid", "No such file"])
        self.assertEqual(os.listdir(self.folder), [])
        # What is there and is no file is left alone.
        os.mkfifo(self.path("pipe.mid"))
        os.symlink("pipe.mid", self.path("link.mid"))
        for name in ("pipe.mid", "link.mid"):
            self.ended(5, "keep", "2s", self.path(name), words=[name, "is no file"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["link.mid", "pipe.mid"])
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("link.mid")).st_mode))
        os.remove(self.path("pipe.mid"))
        os.remove(self.path("link.mid"))
        done = run("keep", "14m30s", self.path("all.mid"))
        self.assertEqual(done.returncode, 0)
        self.assertIn("that is all there is", done.stdout)

    def test_5_readers_that_do_not_read(self):
        """They hold their places, not the daemon; what they leave is closed."""
        fds = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        held = []
        with self.assertRaises(GLib.Error) as caught:
            for _ in range(5):
                reply, files = bus.call_with_unix_fd_list_sync(
                    "org.fermata.HoldMusic1", "/org/fermata/HoldMusic1/channel/main",
                    "org.fermata.HoldMusic1.Channel", "Keep",
                    GLib.Variant("(ds)", (10.0, ".wav")), None, 0, -1, None, None)
                held += files.steal_fds()
                self.assertGreater(reply.unpack()[1], 0)
        self.assertIn("LimitsExceeded", str(caught.exception))
        self.assertEqual(len(held), 4)
        self.ended(1, "keep", "2s", self.path("x.mid"), words=["4 files"])
        for fd in held:
            os.close(fd)
        deadline = time.monotonic() + PATIENCE
        while run("keep", "2s", self.path("x.mid")).returncode != 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        while len(os.listdir(f"/proc/{daemon.pid}/fd")) > fds:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)


def main():
    global daemon
    log = open(os.path.join(os.environ["SESSION_DIR"], "log", "fermatad"), "ab")
    daemon = subprocess.Popen(
        [fermatad, "--models", models, "--autostart", "yes", "--seed", "5", "--piece-length", "0"],
        stderr=log, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while '"playing"' not in run("status", "--json").stdout:
        assert daemon.poll() is None and time.monotonic() < deadline, "the daemon does not play"
        time.sleep(0.2)
    try:
        result = unittest.main(argv=[sys.argv[0], *sys.argv[4:]], exit=False).result
    finally:
        daemon.terminate()
        status = daemon.wait(PATIENCE)
    sys.exit(not result.wasSuccessful() or status != 0)


if __name__ == "__main__":
    main()
