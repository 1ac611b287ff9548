# SPDX-License-Identifier: MIT
"""The daemon of a build, in the session of tests/system/lib/session.sh, for what reads its music."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds until a driver gives up waiting


def need(program, package):
    if not shutil.which(program):
        sys.exit(f"{Path(sys.argv[0]).name}: there is no {program}: apt install {package}")


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{Path(sys.argv[0]).name}: not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.1)


class Daemon:
    def __init__(self, build):
        if "SESSION_DIR" not in os.environ:
            sys.exit(f"{Path(sys.argv[0]).name}: run it with tests/system/lib/session.sh")
        self.build = build.resolve()
        self.folder = Path(os.environ["SESSION_DIR"])
        self.log = self.folder / "log/fermatad"
        self.fermatactl = self.build / "client/fermatactl"
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.build / "daemon/fermatad", "--models", ROOT / "models/weights", "--profile",
                 "telephone", "--autostart", "yes"], stderr=log)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def ctl(self, *words):
        """Its client, once it answers."""
        def done():
            return subprocess.run([self.fermatactl, *words], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0
        wait_until(done, f"fermatactl {' '.join(words)}")

    def status(self, channel):
        told = subprocess.run([self.fermatactl, "status", "--json"], stdout=subprocess.PIPE,
                              check=True).stdout
        return next(c for c in json.loads(told)["channels"] if c["name"] == channel)

    def wait_for_music(self, channel):
        """Until some is composed, whether anybody takes it or not."""
        wait_until(lambda: self.status(channel)["seconds_ahead"] > 5, f"music of {channel}")

    def die_for_a_second(self, after):
        """A thread that kills it then, and starts it again a second later."""
        def die():
            time.sleep(after)
            self.kill()
            time.sleep(1)
            self.start()
        thread = threading.Thread(target=die)
        thread.start()
        return thread

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
