#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fermata on a real Icecast: a mount for each channel, listened to and measured.

    lib/session.sh --no-pipewire -- tests/pbx/icecast.py BUILD [--mounts 4] [--listeners 3]
                                                         [--seconds 20]

It runs what docs/pbx/icecast.md tells an administrator to write: for each channel one `fermatactl
pipe --live` into one ffmpeg, whose stream Icecast gives to whoever comes; half of the mounts are
Ogg Opus, half MP3. Needs icecast2, ffmpeg and curl.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from daemon import Daemon, need, wait_until
from heard import measure, tell, tell_of_death

RATE = 8000
PASSWORD = "hackme"
CONFIG = """<icecast>
  <limits><clients>200</clients><sources>70</sources><burst-size>8192</burst-size></limits>
  <authentication>
    <source-password>{password}</source-password>
    <admin-user>admin</admin-user><admin-password>{password}</admin-password>
  </authentication>
  <hostname>127.0.0.1</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <fileserve>0</fileserve>
  <paths><basedir>/usr/share/icecast2</basedir><logdir>{log}</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
  <security><chroot>0</chroot>
    <changeowner><user>nobody</user><group>nogroup</group></changeowner></security>
</icecast>
"""
ENCODERS = {
    "ogg": "-c:a libopus -b:a 32k -page_duration 100000 -f ogg -content_type application/ogg",
    "mp3": "-c:a libmp3lame -b:a 32k -f mp3 -content_type audio/mpeg",
}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Icecast:
    def __init__(self, folder):
        self.port = free_port()
        log = folder / "icecast"
        log.mkdir()
        os.chmod(folder, 0o755)  # it gives up being root
        os.chmod(log, 0o777)
        config = log / "icecast.xml"
        config.write_text(CONFIG.format(password=PASSWORD, port=self.port, log=log))
        self.process = subprocess.Popen(["icecast2", "-c", config], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "Icecast")

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self, mount, user=""):
        return f"{'icecast' if user else 'http'}://{user}127.0.0.1:{self.port}/{mount}"

    def has(self, mount):
        """Whether the mount gives something: after three seconds curl is told to leave."""
        done = subprocess.run(["curl", "-sf", "-m", "3", self.url(mount)], stdout=subprocess.PIPE)
        return len(done.stdout) > 4096

    def end(self):
        self.process.terminate()
        self.process.wait(20)


def feed(daemon, icecast, channel, kind):
    """What the unit of docs/pbx/icecast.md runs."""
    line = (f"{daemon.fermatactl} pipe --live --channel {channel} -r {RATE} | "
            f"exec ffmpeg -v error -f s16le -ar {RATE} -ac 1 -i - {ENCODERS[kind]} "
            + icecast.url(f"{channel}.{kind}", f"source:{PASSWORD}@"))
    log = open(daemon.folder / f"log/feed-{channel}", "wb")
    return subprocess.Popen(["sh", "-c", line], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                            start_new_session=True)


class Listener(threading.Thread):
    """curl for some seconds; what it got, and for how long nothing came."""

    def __init__(self, url, seconds):
        super().__init__()
        self.url, self.seconds = url, seconds
        self.bytes, self.longest = b"", 0.0

    def run(self):
        with subprocess.Popen(["curl", "-sN", "-m", str(self.seconds), self.url],
                              stdout=subprocess.PIPE) as curl:
            last = None
            while piece := os.read(curl.stdout.fileno(), 65536):
                now = time.monotonic()
                self.longest = max(self.longest, now - (last or now))
                last = now
                self.bytes += piece

    def heard(self):
        sound = subprocess.run(["ffmpeg", "-v", "quiet", "-i", "-", "-f", "f32le", "-ac", "1", "-ar",
                                str(RATE), "-"], input=self.bytes, stdout=subprocess.PIPE).stdout
        return measure(np.frombuffer(sound, "<f4"), RATE)


def listen(icecast, mounts, listeners, seconds):
    """Everybody at once; what each heard."""
    all_of_them = [Listener(icecast.url(mount), seconds) for mount in mounts
                   for _ in range(listeners)]
    for listener in all_of_them:
        listener.start()
    for listener in all_of_them:
        listener.join()
    print(f"nothing came for {max(l.longest for l in all_of_them):.2f} s at most")
    return [listener.heard() for listener in all_of_them]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder")
    parser.add_argument("--mounts", type=int, default=4)
    parser.add_argument("--listeners", type=int, default=3, help="of each mount")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    for program, package in (("icecast2", "icecast2"), ("ffmpeg", "ffmpeg"), ("curl", "curl")):
        need(program, package)
    daemon = Daemon(arguments.build).start()
    icecast = Icecast(daemon.folder)
    kinds = {f"site{i}": ("ogg", "mp3")[i % 2] for i in range(arguments.mounts)}
    composers = ("bach", "chopin", "debussy")
    feeders = []
    try:
        for i, channel in enumerate(kinds):
            daemon.ctl("channel", "add", channel, "--composer", composers[i % 3], "--profile",
                       "telephone", "--autostart", "yes")
        feeders = [feed(daemon, icecast, *pair) for pair in kinds.items()]
        mounts = [f"{channel}.{kind}" for channel, kind in kinds.items()]
        for mount in mounts:
            wait_until(lambda m=mount: icecast.has(m), f"a stream on {mount}")
        # What a feeder sends while its channel has no music yet is comfort: it is over by now.
        used = daemon.cpu_seconds()
        began = time.monotonic()
        good = True
        for kind in ENCODERS:
            some = [mount for mount in mounts if mount.endswith(kind)]
            if some:
                found = listen(icecast, some, arguments.listeners, arguments.seconds)
                good &= tell(f"{len(some)} mounts, {kind}", found,
                             len(some) * arguments.listeners, "listeners")
        share = (daemon.cpu_seconds() - used) / (time.monotonic() - began)
        print(f"the daemon takes {share * 100:.0f} % of a core for {len(mounts)} channels")

        death = daemon.die_for_a_second(5)
        good &= tell_of_death(mounts[0], listen(icecast, mounts[:1], 1, 20))
        death.join()
        good &= all(feeder.poll() is None for feeder in feeders)
    finally:
        for feeder in feeders:
            os.killpg(feeder.pid, signal.SIGTERM)
            feeder.wait(20)
        icecast.end()
        daemon.end()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
