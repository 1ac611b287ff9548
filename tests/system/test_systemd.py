#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unit under a real `systemd --user` that is not root: the sandbox lets the daemon start, D-Bus
activates it, it comes back from a crash and from a hang, and it ends when told.

    test_systemd.py FERMATAD FERMATACTL UNIT MODELS

Needs root, for control groups of its own and a mount namespace in which it looks as if systemd had
booted the machine; skips itself where it cannot have them. Touches no process but its own.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SKIP = 77
SYSTEMD = "/lib/systemd/systemd"
USER = "nobody"
GROUPS = Path("/sys/fs/cgroup")
WATCHDOG = 5  # seconds, instead of the unit's own, so that the test need not wait so long


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIP)


def control_groups():
    """The folders for a control group of our own: one with cgroup v2, several with v1."""
    name = f"fermata-test-{os.getpid()}"
    if (GROUPS / "cgroup.controllers").exists():
        return [GROUPS / name]
    hierarchies = ("systemd", "unified", "cpu", "memory", "pids")
    return [GROUPS / h / name for h in hierarchies if (GROUPS / h).is_dir()]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    return condition()


class Home:
    """A user's home, runtime folder, control groups and manager."""

    def __init__(self, fermatad, fermatactl, unit, models):
        self.folder = Path(tempfile.mkdtemp(prefix="fermata-unit."))
        self.groups, self.manager = [], None
        run, units = self.folder / "run", self.folder / "home/.config/systemd/user"
        services = run / "dbus-1/services"  # not in home: the bus asks passwd for that
        for folder in (run, units, services):
            folder.mkdir(parents=True)
        # Copied, because a build folder may lie where another user cannot look.
        self.ctl = shutil.copy(fermatactl, self.folder)
        daemon = shutil.copy(fermatad, self.folder)
        shutil.copytree(models, self.folder / "models")
        # /tmp is where all this lies, so it cannot be private.
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={daemon} --models {self.folder}/models"
                      " --licence any --device cpu", Path(unit).read_text(), flags=re.MULTILINE)
        (units / "fermata.service").write_text(text)
        (units / "fermata.service.d").mkdir()
        (units / "fermata.service.d/test.conf").write_text(
            f"[Service]\nPrivateTmp=no\nWatchdogSec={WATCHDOG}\nTimeoutAbortSec=1\n")
        (services / "org.fermata.HoldMusic1.service").write_text(
            "[D-BUS Service]\nName=org.fermata.HoldMusic1\nExec=/bin/false\n"
            "SystemdService=fermata.service\n")
        for path in [self.folder, *self.folder.rglob("*")]:
            shutil.chown(path, USER, None)
        self.folder.chmod(0o755)
        run.chmod(0o700)
        self.environment = {
            "HOME": str(self.folder / "home"), "XDG_RUNTIME_DIR": str(run), "LANG": "C",
            "PATH": "/usr/bin:/bin", "DBUS_SESSION_BUS_ADDRESS": f"unix:path={run}/bus",
        }

    def start(self):
        for group in control_groups():
            try:
                group.mkdir()
                self.groups.append(group)
                shutil.chown(group, USER)
                for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
                    if (group / name).exists():
                        shutil.chown(group / name, USER)
            except OSError as error:
                skip(f"no control group of our own: {error}")

        def enter():
            for group in self.groups:
                (group / "cgroup.procs").write_text(str(os.getpid()))

        with (self.folder / "log").open("w") as log:
            self.manager = subprocess.Popen(
                self.as_user(SYSTEMD, "--user", "--log-target=console",
                             "--default-standard-output=inherit"),
                env=self.environment, preexec_fn=enter, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        if not wait_for((self.folder / "run/systemd/private").exists):
            skip(f"no user manager starts here: {self.log()[-300:]}")
        self.run("systemctl", "--user", "start", "dbus.socket")

    @staticmethod
    def as_user(*command):
        return ["setpriv", "--reuid", USER, "--regid", "nogroup", "--clear-groups", *command]

    def run(self, *command):
        return subprocess.run(self.as_user(*command), env=self.environment, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def show(self, name):
        return self.run("systemctl", "--user", "show", "-P", name, "fermata.service").stdout.strip()

    def signal(self, number):
        pid = int(self.show("MainPID"))
        if pid > 1:  # 0, for none, would be our own process group
            os.kill(pid, number)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def finish(self):
        if self.manager and self.manager.poll() is None:
            self.run("systemctl", "--user", "exit")
            try:
                self.manager.wait(20)
            except subprocess.TimeoutExpired:
                self.manager.kill()
                self.manager.wait()
        for group in self.groups:
            # What is left in there is ours: the group was.
            for pids in group.rglob("cgroup.procs"):
                for pid in pids.read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.2)
            for folder in sorted(group.rglob("*/"), reverse=True) + [group]:
                if folder.is_dir():
                    folder.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)


class Unit(unittest.TestCase):
    """In order of their names, on one manager; after the first failure nothing can be said."""

    home = None

    @classmethod
    def setUpClass(cls):
        cls.home = Home(*ARGUMENTS)
        cls.addClassCleanup(cls.home.finish)
        cls.home.start()

    def answers(self):
        done = self.home.run(self.home.ctl, "status")
        self.assertEqual(done.returncode, 0, f"{done.stdout}\n{self.home.log()}")

    def comes_back(self):
        before = int(self.home.show("NRestarts"))
        yield
        again = wait_for(lambda: int(self.home.show("NRestarts")) > before
                         and self.home.show("ActiveState") == "active")
        self.assertTrue(again, self.home.log())
        self.answers()

    def test_1_the_bus_starts_it(self):
        self.assertEqual(self.home.show("ActiveState"), "inactive")
        self.answers()
        self.assertEqual(self.home.show("ActiveState"), "active")
        self.assertEqual(self.home.show("SubState"), "running")
        status = Path(f"/proc/{self.home.show('MainPID')}/status").read_text()
        self.assertIn("Seccomp:\t2", status)
        self.assertIn("NoNewPrivs:\t1", status)

    def test_2_it_stays_while_it_is_well(self):
        # The watchdog is fed: twice its time passes without a restart.
        pid = self.home.show("MainPID")
        time.sleep(2 * WATCHDOG)
        self.assertEqual(self.home.show("MainPID"), pid, self.home.log())

    def test_3_it_comes_back_from_a_crash(self):
        for _ in self.comes_back():
            self.home.signal(signal.SIGSEGV)

    def test_4_it_comes_back_from_a_hang(self):
        # Nothing but the watchdog notices that it stands still.
        for _ in self.comes_back():
            self.home.signal(signal.SIGSTOP)

    def test_5_it_ends_when_told(self):
        self.home.run("systemctl", "--user", "stop", "fermata.service")
        # By itself: where systemd has to kill it, the result is "timeout".
        self.assertEqual(self.home.show("Result"), "success", self.home.log())
        self.assertEqual(self.home.show("ActiveState"), "inactive")


def main():
    if os.geteuid() != 0:
        skip("needs root, for control groups and a mount namespace of its own")
    if not os.access(SYSTEMD, os.X_OK):
        skip("systemd is not installed")
    if "FERMATA_TEST_NAMESPACE" not in os.environ:
        if Path("/run/systemd/system").is_dir():
            skip("systemd runs this machine; its control groups are not ours to use")
        # Mounts made from here on are seen by nobody else.
        os.environ["FERMATA_TEST_NAMESPACE"] = "1"
        own_mounts = ["unshare", "--mount", "--propagation", "private"]
        if subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode:
            skip("no mount namespace of our own can be had here (a chroot?)")
        os.execvp("unshare", [*own_mounts, sys.executable, *sys.argv])
    # sd_booted(): without this folder systemd refuses to be a user's manager.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run/systemd"], check=True)
    Path("/run/systemd/system").mkdir()
    unittest.main(argv=sys.argv[:1], verbosity=2, failfast=True)


ARGUMENTS = sys.argv[1:5]
if __name__ == "__main__":
    main()
