#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The two ways of docs/pbx/freeswitch.md into FreeSWITCH's local_stream, read by a stand-in for it.

    lib/session.sh --no-pipewire -- tests/pbx/freeswitch.py BUILD [--seconds 20]

FreeSWITCH is not in Debian, so this is not FreeSWITCH. It does to fermatactl what its source does:
mod_local_stream takes the lines of a .loc file one by one, opens what each names, and takes 20 ms of it
at every tick of its timer, whether anybody listens or not;

- a FIFO that ends in .r8 it opens through mod_sndfile: libsndfile, raw 16 bits, and as many bytes at
  once as `prebuf` says;
- for shell_stream:// mod_shell_stream starts `sh -c "COMMAND -r RATE -c CHANNELS"`, and a thread takes
  all that comes, 32 KiB at once, into a buffer that has no limit.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from daemon import Daemon
from heard import measure, tell, tell_of_death

TICK = 0.020
PREBUF = 640  # bytes, as the document says
SFM_READ, SF_FORMAT_RAW_PCM_16 = 0x10, 0x40000 | 0x2


class Info(ctypes.Structure):
    _fields_ = [("frames", ctypes.c_int64), ("samplerate", ctypes.c_int), ("channels", ctypes.c_int),
                ("format", ctypes.c_int), ("sections", ctypes.c_int), ("seekable", ctypes.c_int)]


class SndFile:
    """sndfile_file_open() and sndfile_file_read() behind the core's pre-buffer."""

    def __init__(self, path):
        self.lib = ctypes.CDLL("libsndfile.so.1")
        self.lib.sf_open.restype = ctypes.c_void_p
        self.lib.sf_readf_short.restype = ctypes.c_int64
        self.lib.sf_readf_short.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        self.lib.sf_close.argtypes = [ctypes.c_void_p]
        info = Info(samplerate=8000, channels=1, format=SF_FORMAT_RAW_PCM_16)
        self.file = self.lib.sf_open(os.fsencode(path), SFM_READ, ctypes.byref(info))
        if not self.file:
            sys.exit(f"freeswitch.py: libsndfile cannot open {path}")
        self.buffer = b""
        self.late = 0

    def read(self, frames):
        while len(self.buffer) < 2 * frames:
            more = ctypes.create_string_buffer(PREBUF)
            began = time.monotonic()
            got = self.lib.sf_readf_short(self.file, more, PREBUF // 2)
            self.late += time.monotonic() - began > TICK
            if got <= 0:
                break
            self.buffer += more.raw[:2 * got]
        taken, self.buffer = self.buffer[:2 * frames], self.buffer[2 * frames:]
        return taken

    def close(self):
        self.lib.sf_close(self.file)


class ShellStream:
    """shell_stream_file_open() and its thread."""

    def __init__(self, command, rate):
        self.process = subprocess.Popen(["sh", "-c", f"exec {command} -r {rate} -c 1"],
                                        stdout=subprocess.PIPE, bufsize=0)
        self.buffer = bytearray()
        self.most = self.late = 0
        self.more = threading.Condition()
        self.thread = threading.Thread(target=self.take_all, daemon=True)
        self.thread.start()

    def take_all(self):
        while len(piece := os.read(self.process.stdout.fileno(), 32768)) > 3:
            with self.more:
                self.buffer += piece
                self.most = max(self.most, len(self.buffer))
                self.more.notify()

    def read(self, frames):
        with self.more:
            self.late += len(self.buffer) < 2 * frames
            while len(self.buffer) < 2 * frames and self.thread.is_alive():
                self.more.wait(0.1)
            taken = bytes(self.buffer[:2 * frames])
            del self.buffer[:2 * frames]
        return taken

    def close(self):
        self.process.terminate()
        self.thread.join()
        self.process.stdout.close()
        self.process.wait()


def local_stream(loc, rate, seconds):
    """The lines of a .loc file; what is heard of the first one that can be opened, and its source."""
    line = loc.read_text().splitlines()[0]
    if line.startswith("shell_stream://"):
        source = ShellStream(line.removeprefix("shell_stream://"), rate)
    else:
        source = SndFile(line)
    sound = b""
    due = time.monotonic()
    for _ in range(int(seconds / TICK)):
        time.sleep(max(0.0, due - time.monotonic()))
        sound += source.read(int(rate * TICK))
        due += TICK
    behind = time.monotonic() - due
    source.close()
    print(f"{line}: {source.late} of {int(seconds / TICK)} ticks waited, behind by {behind:.2f} s in "
          "the end" + (f", {source.most / 2 / rate:.2f} s in its buffer at most"
                       if isinstance(source, ShellStream) else ""))
    return measure(np.frombuffer(sound, "<i2") / 32768, rate), source


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    daemon = Daemon(arguments.build).start()
    fifo, loc = daemon.folder / "moh.r8", daemon.folder / "moh.loc"
    os.mkfifo(fifo)
    feeder = None
    try:
        daemon.ctl("status")
        # A shell waits in its redirection until somebody reads, and it is not there yet.
        feeder = subprocess.Popen(["sh", "-c", f'exec "$0" pipe > {fifo}', daemon.fermatactl])
        loc.write_text(f"{fifo}\n")
        good = tell("FIFO", [local_stream(loc, 8000, arguments.seconds)[0]], 1, "streams")
        # It has ended with its reader; the document's unit starts it again.
        good &= feeder.wait(20) == 0
        feeder = subprocess.Popen(["sh", "-c", f'exec "$0" pipe > {fifo}', daemon.fermatactl])
        death = daemon.die_for_a_second(5)
        good &= tell_of_death("FIFO", [local_stream(loc, 8000, 20)[0]])
        death.join()

        for rate in 8000, 16000:
            loc.write_text(f"shell_stream://{daemon.fermatactl} pipe --live\n")
            heard, source = local_stream(loc, rate, arguments.seconds)
            good &= tell(f"shell_stream at {rate} Hz", [heard], 1, "streams")
            # Its buffer has no limit, so the feeder has to keep one.
            good &= source.most <= 0.3 * 2 * rate
    finally:
        if feeder and feeder.poll() is None:
            feeder.terminate()
            feeder.wait(20)
        daemon.end()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
