#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fermata on hold in a real Asterisk: callers wait, and what they hear is decoded and measured.

    lib/session.sh --no-pipewire -- tests/pbx/asterisk.py BUILD [--callers 30] [--seconds 30]

Asterisk is Debian sid's, in a tree of its own that is made once (mmdebstrap, some minutes) in
$FERMATA_PBX_TREE, or root's ~/.cache/fermata-pbx. It needs root, for the tree, and sipp (sip-tester).
Asterisk runs what docs/pbx/asterisk.md tells an administrator to write: one `fermatactl pipe` for
each class of music on hold, whatever the number of callers.
"""

import argparse
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import rtp
from daemon import Daemon, need
from heard import tell, tell_of_death

HERE = Path(__file__).resolve().parent
PACKAGES = "asterisk,libdbus-1-3,libcairo2,libncursesw6"
SIP = 5160
PORTS = range(6000, 6800)
CONFIG = "etc/fermata-pbx"


def make_tree(tree):
    if (tree / "usr/sbin/asterisk").exists():
        return
    need("mmdebstrap", "mmdebstrap")
    print(f"making a tree with Asterisk in {tree}: some minutes, once", flush=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mmdebstrap", "--variant=apt", "--aptopt=Acquire::Check-Valid-Until \"false\"",
                    f"--include={PACKAGES}", "sid", tree], check=True, stdout=subprocess.DEVNULL)


def session_socket():
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS", "")
    path = re.search(r"unix:path=([^,;]+)", address)
    if not path:
        sys.exit("asterisk.py: no session bus with a path; run it with tests/system/lib/session.sh")
    return Path(path[1])


class Asterisk:
    """In its tree, with the session's bus and our fermatactl mounted into it."""

    def __init__(self, tree, fermatactl, log):
        bus = session_socket()
        config = tree / CONFIG
        shutil.rmtree(config, ignore_errors=True)
        shutil.copytree(HERE / "asterisk", config)
        for folder in ("tmp/bus", "usr/local/bin"):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        (tree / "usr/local/bin/fermatactl").touch()
        (tree / "tmp/bus/bus").touch()
        script = (f"mount --rbind /dev {tree}/dev && mount -t proc proc {tree}/proc && "
                  f"mount --bind {fermatactl} {tree}/usr/local/bin/fermatactl && "
                  f"mount --bind {bus} {tree}/tmp/bus/bus && "
                  f"exec chroot {tree} /usr/sbin/asterisk -C /{CONFIG}/asterisk.conf -f -vvv")
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=file,
                stderr=file, env={**os.environ,
                                  "DBUS_SESSION_BUS_ADDRESS": "unix:path=/tmp/bus/bus"})
        deadline = time.monotonic() + 180
        while b"Asterisk Ready" not in Path(log).read_bytes():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"asterisk.py: Asterisk does not start; see {log}")
            time.sleep(0.2)

    def feeders(self):
        """The processes that Asterisk has started for its classes."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid), "fermatactl"],
                               stdout=subprocess.PIPE, text=True).stdout
        return [int(pid) for pid in found.split()]

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def call(service, callers, seconds):
    """Lets so many callers wait on hold; what each heard."""
    capture = rtp.Capture(PORTS.start, PORTS.stop)
    capture.start()
    done = subprocess.run(
        ["sipp", "-sf", HERE / "hold.xml", "-s", service, "-m", str(callers), "-l", str(callers),
         "-r", "10", "-d", str(int(seconds * 1000)), "-i", "127.0.0.1", "-p", "5062",
         "-mp", str(PORTS.start), "-nostdin", "-timeout", str(int(seconds + 60)),
         f"127.0.0.1:{SIP}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=seconds + 90)
    streams = capture.finish()
    if done.returncode:
        print(done.stdout[-2000:])
        sys.exit(f"asterisk.py: sipp ended with {done.returncode}")
    return [rtp.heard(stream) for stream in streams.values()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder")
    parser.add_argument("--callers", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    need("sipp", "sip-tester")
    if os.geteuid() != 0:
        sys.exit("asterisk.py: needs root, for Asterisk's tree")
    tree = Path(os.environ.get("FERMATA_PBX_TREE") or Path(pwd.getpwuid(0).pw_dir) / ".cache/fermata-pbx")
    make_tree(tree)
    daemon = Daemon(arguments.build).start()
    daemon.ctl("status")
    daemon.wait_for_music("main")  # the first start of all compiles its kernels
    asterisk = Asterisk(tree, daemon.fermatactl, daemon.folder / "log/asterisk")
    try:
        good = tell("600, slin", call("600", arguments.callers, arguments.seconds),
                    arguments.callers)
        good &= tell("601, slin16", call("601", 3, 10), 3)
        good &= tell("602, ulaw", call("602", 3, 10), 3)
        print(f"feeders: {len(asterisk.feeders())} for three classes")

        # The daemon dies while callers wait: they hear a breath of comfort, then music again.
        death = daemon.die_for_a_second(8)
        good &= tell_of_death("600, slin", call("600", 3, 25))
        death.join()
        print(f"CPU time of the daemon since then: {daemon.cpu_seconds():.1f} s")
    finally:
        asterisk.end()
        daemon.end()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
