#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages, in a Debian 12 that is made for it and booted with systemd: they build, lintian
has nothing to say, apt installs them, nothing is enabled by that; and then guest.py, within, tries the
user's unit and the machine's.

    test_debian.py SOURCE_ROOT [FOLDER [TEST...]]

FOLDER keeps the tree, which is made again after a week.

Needs root, mmdebstrap, systemd-nspawn, and Debian's packages from a mirror. Touches no process but
its own, and no control group but one of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import wave
from array import array
from pathlib import Path

SKIP = 77
TOOLS = ("mmdebstrap", "systemd-nspawn", "dpkg-buildpackage", "dh", "lintian", "git")
WEEK = 7 * 86400
PATIENCE = 1200  # seconds
HIERARCHIES = ("systemd", "unified", "cpu", "memory", "pids")
# What a small server with PipeWire has; the packages bring the rest.
TREE = ("apt", "systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "adduser",
        "login", "passwd", "procps", "pipewire", "wireplumber", "polkitd", "python3",
        "mesa-vulkan-drivers", "timgm6mb-soundfont")
# Runs the test and ends the machine with its exit status.
DRIVER = """[Unit]
After=multi-user.target systemd-logind.service
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -u /out/guest.py
StandardOutput=append:/out/log
StandardError=append:/out/log
ExecStopPost=/bin/systemctl exit $EXIT_STATUS
TimeoutStartSec=infinity
"""
SINK = """context.objects = [ { factory = adapter args = { factory.name = support.null-audio-sink
    node.name = testsink media.class = Audio/Sink audio.rate = 48000 audio.position = [ FL FR ]
    object.linger = true } } ]
"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
                          check=False, errors="replace", **options)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-60:])
        raise AssertionError(f"{command[0]}: exit status {done.returncode}\n{tail}")
    return done.stdout


class ControlGroup:
    """One of our own: nspawn in the root's would move every process of the machine."""

    def __init__(self):
        root, name = Path("/sys/fs/cgroup"), f"fermata-tier2-{os.getpid()}"
        folders = ([root] if (root / "cgroup.controllers").exists()
                   else [root / h for h in HIERARCHIES if (root / h).is_dir()])
        self.folders = [folder / name for folder in folders]
        for folder in self.folders:
            folder.mkdir()

    def enter(self):
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        for folder in self.folders:
            for _ in range(50):
                for inner in sorted(folder.rglob("*/"), reverse=True):
                    if inner.is_dir():
                        inner.rmdir()
                try:
                    folder.rmdir()
                    break
                except OSError:  # something is still ending
                    time.sleep(0.1)


def make_tree(cache):
    tarball = cache / "debian.tar"
    listed = cache / "debian.txt"
    wanted = " ".join(TREE)
    if (tarball.exists() and listed.exists() and listed.read_text() == wanted
            and time.time() - tarball.stat().st_mtime < WEEK):
        return tarball
    # The lists stay, so that apt can install what our packages depend on.
    run("mmdebstrap", "--variant=minbase", f"--include={','.join(TREE)}", "--skip=cleanup/apt",
        "bookworm", tarball)
    listed.write_text(wanted)
    return tarball


class Debian(unittest.TestCase):
    """In order of their names; after the first failure nothing can be said."""

    def test_1_the_packages_build(self):
        run(ROOT / "scripts/deb", FOLDER / "deb")
        names = sorted(path.name.split("_")[0] for path in FOLDER.glob("deb/*.deb"))
        self.assertEqual(names, ["fermata", "fermata-dbgsym", "fermata-models"])

    def test_2_lintian_is_silent(self):
        said = run("lintian", "--allow-root", "--fail-on", "error,warning",
                   next(FOLDER.glob("deb/*.changes")))
        self.assertEqual([line for line in said.splitlines() if line[:2] in ("E:", "W:")], [])

    def test_3_nothing_of_maestro_is_in_them(self):
        for package in FOLDER.glob("deb/fermata*_*.deb"):
            self.assertNotIn("maestro", run("dpkg-deb", "--contents", package))

    def test_4_apt_installs_them(self):
        shutil.rmtree(TREE_FOLDER, ignore_errors=True)
        TREE_FOLDER.mkdir()
        run("tar", "-C", TREE_FOLDER, "-xf", make_tree(CACHE), "--numeric-owner")
        for package in FOLDER.glob("deb/fermata*_*.deb"):
            if "dbgsym" not in package.name:
                shutil.copy(package, TREE_FOLDER / "srv")
        shutil.copy("/etc/resolv.conf", TREE_FOLDER / "etc/resolv.conf")
        run("chroot", TREE_FOLDER, "sh", "-c",
            "DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"
            " /srv/fermata_*.deb /srv/fermata-models_*.deb")
        for name in ("passwd", "group"):
            self.assertIn("\nfermata:", (TREE_FOLDER / "etc" / name).read_text())

    def test_5_it_serves_users_and_the_machine(self):
        out = FOLDER / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        out.chmod(0o777)
        shutil.copy(Path(__file__).parent / "guest.py", out)
        units = TREE_FOLDER / "etc/systemd/system"
        (units / "fermata-test.service").write_text(DRIVER)
        (units / "multi-user.target.wants").mkdir(exist_ok=True)
        (units / "multi-user.target.wants/fermata-test.service").symlink_to(
            "/etc/systemd/system/fermata-test.service")
        sink = TREE_FOLDER / "etc/pipewire/pipewire.conf.d"
        sink.mkdir(parents=True)
        (sink / "sink.conf").write_text(SINK)
        group = ControlGroup()
        self.addCleanup(group.remove)
        with (FOLDER / "console").open("w") as console:
            done = subprocess.run(
                ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
                 "--console=pipe", f"--bind={out}:/out", "-D", str(TREE_FOLDER), "--boot"],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=group.enter,
                timeout=PATIENCE, check=False)
        log = (out / "log").read_text() if (out / "log").exists() else "it did not get that far"
        print(log)
        self.assertEqual(done.returncode, 0, f"{log}\n{(FOLDER / 'console').read_text()[-3000:]}")
        self.check_recording(out / "heard.wav")

    def check_recording(self, path):
        """While it was recorded, the daemon was killed once: the music is back within 3 s."""
        with wave.open(str(path)) as file:
            rate, samples = file.getframerate(), array("h", file.readframes(file.getnframes()))
        frames = [samples[i] or samples[i + 1] for i in range(0, len(samples) - 1, 2)]
        sounding = [i for i, frame in enumerate(frames) if frame]
        longest = max(b - a for a, b in zip(sounding, sounding[1:])) / rate
        print(f"music is back {longest:.2f} s after the daemon was killed")
        self.assertGreater(longest, 0.05, "nobody killed it?")
        self.assertLess(longest, 3)
        self.assertGreater(len(frames) - sounding[0], 6 * rate)


if __name__ == "__main__":
    ROOT = Path(sys.argv[1]).resolve()
    if os.geteuid() != 0:
        skip("needs root, for a Debian of its own")
    for tool in TOOLS:
        if not shutil.which(tool):
            skip(f"{tool} is missing; ./check tier2 installs it")
    if Path("/run/systemd/system").is_dir():
        skip("systemd runs this machine; its control groups are not ours to use")
    CACHE = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp())
    CACHE.mkdir(parents=True, exist_ok=True)
    FOLDER = CACHE
    TREE_FOLDER = CACHE / "tree"
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2, failfast=True)
