#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fermata in a real Liquidsoap, as docs/pbx/icecast.md has it: what it makes of the pipe is measured.

    lib/session.sh --no-pipewire -- tests/pbx/liquidsoap.py BUILD [--seconds 30]
"""

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from daemon import Daemon, need
from heard import measure, tell

RATE = 16000
SCRIPT = """
settings.init.allow_root.set(true)
settings.frame.audio.channels.set(1)
hold = input.external.rawaudio(buffer=0.5, channels=1, samplerate={rate}, "{ctl} pipe --live -r {rate}")
output.file(%wav(channels=1, samplerate={rate}), "{file}", fallible=true, hold)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    need("liquidsoap", "liquidsoap")
    daemon = Daemon(arguments.build).start()
    try:
        daemon.ctl("status")
        daemon.wait_for_music("main")
        file = daemon.folder / "liquidsoap.wav"
        script = SCRIPT.format(rate=RATE, ctl=daemon.fermatactl, file=file)
        with open(daemon.folder / "log/liquidsoap", "wb") as log:
            process = subprocess.Popen(["liquidsoap", script], stdout=log, stderr=log)
        time.sleep(arguments.seconds + 5)  # it begins in some seconds
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    finally:
        daemon.end()
    data = file.read_bytes() if file.exists() else b""
    data = data[data.find(b"data") + 8:]
    samples = np.frombuffer(data[:len(data) // 2 * 2], "<i2") / 32768
    return 0 if tell("liquidsoap", [measure(samples, RATE)], 1, "listeners") else 1


if __name__ == "__main__":
    sys.exit(main())
