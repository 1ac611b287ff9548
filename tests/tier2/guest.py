#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Within the booted Debian of test_debian.py: the user's unit with a lingering user and PipeWire from
its socket, and the machine's in its sandbox on lavapipe. Exit status 1 where anything is wrong."""

import json
import os
import pwd
import re
import signal
import subprocess
import sys
import time
import unittest
from array import array
from pathlib import Path

PATIENCE = 120  # seconds; a machine without a GPU, under load
WATCHDOG = 4  # seconds, instead of the units' own
NAME = "org.fermata.HoldMusic1"
DROP_IN = f"[Service]\nWatchdogSec={WATCHDOG}\nTimeoutAbortSec=1\n"


def run(*command, user=None, **options):
    """Exit status and output; as another user with its lingering session."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    if user:
        entry = pwd.getpwnam(user)
        environment |= {"HOME": entry.pw_dir, "USER": user,
                        "XDG_RUNTIME_DIR": f"/run/user/{entry.pw_uid}"}
        command = ("setpriv", "--reuid", user, "--regid", str(entry.pw_gid), "--init-groups",
                   *command)
    done = subprocess.run(command, env=environment, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    return done.returncode, done.stdout.strip()


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {PATIENCE} s\n"
                                 + run("journalctl", "--no-pager", "-n", "60")[1])
        time.sleep(0.2)


class Unit:
    """One of the two instances: its systemctl and its fermatactl."""

    def __init__(self, user=None):
        self.user = user
        self.manager = ["--user"] if user else ["--system"]

    def systemctl(self, *words):
        return run("systemctl", *self.manager, *words, user=self.user)

    def show(self, name, unit="fermata.service"):
        return self.systemctl("show", "-P", name, unit)[1]

    def ctl(self, *words, user=None):
        return run("fermatactl", *self.manager, *words, user=user or self.user)

    def state(self):
        status, said = self.ctl("status", "--json")
        return json.loads(said)["channels"][0]["state"] if status == 0 else said

    def signal(self, number):
        pid = int(self.show("MainPID"))
        assert pid > 1
        os.kill(pid, number)

    def restarts(self):
        return int(self.show("NRestarts") or 0)


class Both(unittest.TestCase):
    """In order of their names; after the first failure nothing can be said."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Unit()
        cls.anna = Unit("anna")

    def good(self, result):
        self.assertEqual(result[0], 0, result[1] + "\n" + run("journalctl", "-n", "40")[1])
        return result[1]

    def test_0_nothing_is_enabled(self):
        self.good(run("useradd", "--create-home", "anna"))
        for manager in ("--system", "--global"):
            self.assertEqual(run("systemctl", manager, "is-enabled", "fermata.service")[1], "disabled")
        self.assertEqual(self.machine.show("ActiveState"), "inactive")
        # Nor does the bus start it, while it is not.
        status, said = self.machine.ctl("status")
        self.assertEqual(status, 3, said)
        self.assertIn("systemctl start fermata", said)
        self.assertEqual(self.machine.show("ActiveState"), "inactive")
        self.good(run("systemctl", "preset-all"))
        self.assertEqual(run("systemctl", "is-enabled", "fermata.service")[1], "disabled")

    # The machine's.

    def test_a1_it_starts_in_its_sandbox(self):
        folder = Path("/run/systemd/system/fermata.service.d")
        folder.mkdir(parents=True)
        (folder / "test.conf").write_text(DROP_IN)
        self.good(self.machine.systemctl("daemon-reload"))
        self.good(self.machine.systemctl("start", "fermata"))
        # Type=notify: it is active once it said READY=1.
        self.assertEqual(self.machine.show("ActiveState"), "active")
        self.assertIn("llvmpipe", self.machine.show("StatusText"))
        pid = self.machine.show("MainPID")
        said = Path(f"/proc/{pid}/status").read_text()
        for line in ("Seccomp:\t2", "NoNewPrivs:\t1", "CapEff:\t0000000000000000",
                     "CapBnd:\t0000000000000000"):
            self.assertIn(line, said)
        uid = pwd.getpwnam("fermata").pw_uid
        self.assertIn(f"Uid:\t{uid}\t{uid}", said)
        mounts = Path(f"/proc/{pid}/mounts").read_text()
        self.assertRegex(mounts, r" / \S+ ro\b")
        self.assertIn(" /var/lib/fermata ", mounts)
        self.assertIn("llvmpipe", self.good(self.machine.ctl("status")))
        log = run("journalctl", "-u", "fermata")[1]
        self.assertNotRegex(log, r"(?i)pipewire|denied|not permitted")

    def test_a2_who_may_what(self):
        for words in (["status"], ["composer"], ["version"]):
            self.good(self.machine.ctl(*words, user="anna"))
        for words in (["volume", "0.5"], ["start"], ["composer", "bach"]):
            status, said = self.machine.ctl(*words, user="anna")
            self.assertEqual(status, 1, said)
            self.assertIn("adduser anna fermata", said)
        self.good(self.machine.ctl("volume", "0.6"))
        self.good(run("adduser", "anna", "fermata"))
        # polkit reads the groups of the user, the bus those of the process.
        self.good(self.machine.ctl("volume", "0.5", user="anna"))
        self.assertEqual(self.machine.ctl("volume")[1], "0.5")
        self.assertIn("polkit", run("ps", "-eo", "comm")[1])
        status, _ = run("busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus",
                        "org.freedesktop.DBus", "RequestName", "su", NAME, "4", user="anna")
        self.assertNotEqual(status, 0)

    def test_a3_it_reads_its_settings_again(self):
        Path("/etc/fermata").mkdir()
        Path("/etc/fermata/fermata.conf").write_text("[fermata]\ncomposer = bach\n")
        pid = self.machine.show("MainPID")
        self.good(self.machine.systemctl("reload", "fermata"))
        wait_for(lambda: self.machine.ctl("composer")[1].startswith("bach"), "Bach")
        self.assertEqual(self.machine.show("MainPID"), pid)
        self.assertEqual(self.machine.show("ActiveState"), "active")

    def test_a4_the_watchdog_is_fed_and_bites(self):
        self.good(self.machine.ctl("start"))
        pid, before = self.machine.show("MainPID"), self.machine.restarts()
        time.sleep(2 * WATCHDOG)
        self.assertEqual(self.machine.show("MainPID"), pid)
        self.machine.signal(signal.SIGSTOP)
        wait_for(lambda: self.machine.restarts() > before
                 and self.machine.show("ActiveState") == "active", "after a hang")
        self.assertIn("Watchdog timeout", run("journalctl", "-u", "fermata")[1])
        # It goes on as it was left.
        self.assertNotEqual(self.machine.state(), "stopped")
        self.assertEqual(self.machine.ctl("volume")[1], "0.5")
        self.assertTrue(Path("/var/lib/fermata/state.conf").is_file())

    def test_a4b_a_pbx_hears_it(self):
        # As Asterisk reads: 40 ms of 8 kHz at a time, by a user of the group, without a session. For a
        # telephone what sounds is held over rests.
        self.good(self.machine.ctl("profile", "telephone"))
        self.good(self.machine.ctl("skip"))
        entry = pwd.getpwnam("anna")
        with subprocess.Popen(
                ["setpriv", "--reuid", "anna", "--regid", str(entry.pw_gid), "--init-groups",
                 "fermatactl", "--system", "pipe"], env={"PATH": "/usr/bin:/bin"}, bufsize=0,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as feeder:
            def peak():
                time.sleep(0.040)
                chunk = os.read(feeder.stdout.fileno(), 640)
                self.assertEqual(len(chunk), 640)
                return max(abs(sample) for sample in array("h", chunk))
            # What comes while there is no music is softer than 40 of 32767.
            wait_for(lambda: peak() > 40, "music in the pipe")
            for _ in range(50):  # what was composed before may still rest
                peak()
            peaks = [peak() for _ in range(100)]
            feeder.terminate()
        print(f"peaks of 100 chunks of the pipe: {min(peaks)} to {max(peaks)}")
        self.assertGreater(min(peaks), 40)

    def test_a5_it_ends_and_the_bus_starts_it(self):
        self.good(self.machine.systemctl("enable", "fermata"))
        self.good(self.machine.systemctl("stop", "fermata"))
        self.assertEqual(self.machine.show("Result"), "success")
        self.assertEqual(self.machine.show("ActiveState"), "inactive")
        self.assertIn("llvmpipe", self.good(self.machine.ctl("status", user="anna")))
        self.assertEqual(self.machine.show("ActiveState"), "active")

    def test_a6_it_is_hardened(self):
        said = self.good(run("systemd-analyze", "security", "--no-pager", "fermata.service"))
        found = re.search(r"Overall exposure level for fermata.service: ([0-9.]+)", said)
        self.assertLessEqual(float(found.group(1)), 1.3)
        self.good(self.machine.systemctl("disable", "--now", "fermata"))

    # A user's.

    def test_b1_pipewire_from_its_socket(self):
        self.good(run("loginctl", "enable-linger", "anna"))
        wait_for(lambda: self.anna.show("ActiveState", "dbus.socket") == "active"
                 and self.anna.show("ActiveState", "pipewire.socket") == "active", "anna's sockets")
        folder = Path("/home/anna/.config/systemd/user/fermata.service.d")
        run("mkdir", "-p", str(folder), user="anna")
        (folder / "test.conf").write_text(DROP_IN)
        self.good(self.anna.systemctl("daemon-reload"))
        self.assertEqual(self.anna.show("ActiveState"), "inactive")
        # Debian starts PipeWire at login as well; here only its socket is there.
        self.good(self.anna.systemctl("stop", "wireplumber.service", "pipewire.service"))
        self.assertEqual(self.anna.show("ActiveState", "pipewire.service"), "inactive")
        self.assertEqual(self.anna.show("ActiveState", "pipewire.socket"), "active")
        # The first call starts the daemon, and that PipeWire.
        self.good(self.anna.ctl("start"))
        wait_for(lambda: self.anna.state() == "playing", "anna's music")
        self.assertEqual(self.anna.show("ActiveState"), "active")
        self.assertEqual(self.anna.show("ActiveState", "pipewire.service"), "active")
        self.assertIn("llvmpipe", self.anna.show("StatusText"))

    def test_b2_music_is_back_after_a_crash(self):
        entry = pwd.getpwnam("anna")
        recording = subprocess.Popen(
            ["setpriv", "--reuid", "anna", "--regid", str(entry.pw_gid), "--init-groups", "pw-cat",
             "-r", "-P", "{ stream.capture.sink=true }", "--target", "testsink", "--rate", "48000",
             "--channels", "2", "--format", "s16", "/out/heard.wav"],
            env={"XDG_RUNTIME_DIR": f"/run/user/{entry.pw_uid}", "PATH": "/usr/bin:/bin"})
        wait_for(lambda: Path("/out/heard.wav").exists()
                 and Path("/out/heard.wav").stat().st_size > 48000 * 4, "a second of it")
        before = self.anna.restarts()
        self.anna.signal(signal.SIGABRT)  # what the watchdog does
        wait_for(lambda: self.anna.restarts() > before and self.anna.state() == "playing",
                 "after a crash")
        size = Path("/out/heard.wav").stat().st_size
        wait_for(lambda: Path("/out/heard.wav").stat().st_size > size + 8 * 48000 * 4, "more of it")
        recording.send_signal(signal.SIGINT)
        recording.wait(PATIENCE)

    def test_b3_the_watchdog_bites(self):
        before = self.anna.restarts()
        self.anna.signal(signal.SIGSTOP)
        wait_for(lambda: self.anna.restarts() > before and self.anna.state() == "playing",
                 "after a hang")

    def test_b4_reload_and_stop(self):
        run("mkdir", "-p", "/home/anna/.config/fermata", user="anna")
        Path("/home/anna/.config/fermata/fermata.conf").write_text("[fermata]\ncomposer = debussy\n")
        self.good(self.anna.systemctl("reload", "fermata"))
        wait_for(lambda: self.anna.ctl("composer")[1].startswith("debussy"), "Debussy")
        self.assertEqual(self.anna.state(), "playing")
        self.good(self.anna.systemctl("stop", "fermata"))
        self.assertEqual(self.anna.show("Result"), "success")
        self.assertEqual(self.anna.show("ActiveState"), "inactive")

    # The packages.

    def test_c1_removed_it_is_gone(self):
        self.good(self.machine.systemctl("start", "fermata"))
        self.good(run("dpkg", "--remove", "fermata"))
        self.assertEqual(self.machine.show("ActiveState"), "inactive")
        self.assertFalse(Path("/usr/bin/fermatad").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)
