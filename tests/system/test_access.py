#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may read and who may change on the system bus: root, the group, polkit's word, everybody else.

    test_access.py FERMATACTL DAEMON SOURCE_ROOT
    test_access.py --polkit ADDRESS FOLDER      a polkit that answers what FOLDER/grant says

DAEMON is bus_probe: the daemon's bus over channels in memory. It is on a bus of the test's own,
whose rules are those of the system bus and Fermata's own file. Needs root, to be others; a group
"fermata" is only seen by the daemon, in a mount namespace.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SKIP = 77
GROUP = 54321
ACTION = "org.fermata.HoldMusic1.control"
POLKIT = "org.freedesktop.PolicyKit1"
# As Debian's system.conf, but that root may own Fermata's name, too.
BUS = """<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <policy user="root"><allow own="{polkit}"/></policy>
  <include>{root}/dbus/org.fermata.HoldMusic1.conf</include>
  <policy user="root"><allow own="org.fermata.HoldMusic1"/></policy>
</busconfig>
"""


def serve_polkit(address, folder):
    from gi.repository import Gio, GLib  # pylint: disable=import-outside-toplevel

    bus = Gio.DBusConnection.new_for_address_sync(
        address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    node = Gio.DBusNodeInfo.new_for_xml(
        f"<node><interface name='{POLKIT}.Authority'><method name='CheckAuthorization'>"
        "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
        "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"
        "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/>"
        "</method></interface></node>")

    def answer(_bus, _sender, _path, _interface, _method, arguments, call):
        subject, action, details, flags, _ = arguments.unpack()
        (folder / "asked").write_text(f"{subject[0]} {sorted(subject[1])} {action} {details} {flags}")
        granted = (folder / "grant").read_text() == "yes"
        call.return_value(GLib.Variant("((bba{ss}))", ((granted, False, {}),)))

    bus.register_object("/org/freedesktop/PolicyKit1/Authority", node.interfaces[0], answer, None,
                        None)
    bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                  "RequestName", GLib.Variant("(su)", (POLKIT, 4)), None, 0, -1, None)
    (folder / "polkit-is-there").touch()
    GLib.MainLoop().run()


class Machine:
    """A system bus and the daemon on it."""

    def __init__(self, ctl, daemon, root):
        self.folder = Path(tempfile.mkdtemp(prefix="fermata-access."))
        self.folder.chmod(0o755)
        self.children = []
        self.ctl = shutil.copy(ctl, self.folder)  # a build folder may be closed to others
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DBUS_", "FERMATA_"))},
            "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.folder}/bus", "XDG_RUNTIME_DIR": "/nowhere",
        }
        config = self.folder / "bus.conf"
        config.write_text(BUS.format(folder=self.folder, polkit=POLKIT, root=root))
        self.spawn("dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog")
        self.wait((self.folder / "bus").exists)
        group = self.folder / "group"
        group.write_text(Path("/etc/group").read_text() + f"fermata:x:{GROUP}:\n")
        self.spawn("unshare", "--mount", "--propagation", "private", "sh", "-c",
                   'mount --bind "$1" /etc/group && exec "$2" --system', "sh", group, daemon)
        self.wait(lambda: self.run("root", "status").returncode == 0)

    def spawn(self, *command):
        with (self.folder / "log").open("a") as log:
            child = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log)
        self.children.append(child)
        return child

    def wait(self, condition):
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise AssertionError((self.folder / "log").read_text())
            time.sleep(0.1)

    def command(self, who, *arguments):
        """fermatactl as "root", "nobody", or "member": nobody, but in the group."""
        groups = ["--groups", str(GROUP)] if who == "member" else ["--clear-groups"]
        become = [] if who == "root" else ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                                           *groups]
        return [*become, self.ctl, *arguments]

    def run(self, who, *arguments):
        return subprocess.run(self.command(who, *arguments), env=self.environment, text=True,
                              timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def start_polkit(self, grant):
        (self.folder / "grant").write_text(grant)
        there = self.folder / "polkit-is-there"
        there.unlink(missing_ok=True)
        child = self.spawn(sys.executable, __file__, "--polkit",
                           self.environment["DBUS_SYSTEM_BUS_ADDRESS"], self.folder)
        self.wait(there.exists)
        return child

    def end(self, child):
        self.children.remove(child)
        child.terminate()
        child.wait(30)

    def finish(self):
        for child in reversed(list(self.children)):
            self.end(child)
        log = (self.folder / "log").read_text()
        shutil.rmtree(self.folder)
        assert "Sanitizer" not in log and "runtime error" not in log, log


class Access(unittest.TestCase):
    machine = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(*ARGUMENTS)
        cls.addClassCleanup(cls.machine.finish)

    def volume(self):
        return float(self.machine.run("root", "volume").stdout)

    def may(self, who, volume):
        done = self.machine.run(who, "volume", str(volume))
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertEqual(self.volume(), volume)

    def may_not(self, who):
        before = self.volume()
        done = self.machine.run(who, "volume", str((before + 0.1) % 1))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("adduser nobody fermata", done.stdout)
        self.assertEqual(self.volume(), before)

    def test_everybody_reads(self):
        for who in ("root", "nobody", "member"):
            for verb in ("status", "composer", "version"):
                done = self.machine.run(who, verb)
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_without_polkit_the_group_decides(self):
        self.may("root", 0.11)
        self.may("member", 0.12)
        self.may_not("nobody")

    def test_methods_and_the_feed_are_guarded_too(self):
        for verb in (["stop"], ["start"], ["skip"], ["watch", "--seconds", "1", "--json"]):
            self.assertEqual(self.machine.run("member", *verb).returncode, 0)
            done = self.machine.run("nobody", *verb)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn("adduser", done.stdout)

    def test_polkit_decides_where_it_is(self):
        polkit = self.machine.start_polkit("no")
        self.addCleanup(lambda: polkit.poll() is None and self.machine.end(polkit))
        asked = self.machine.folder / "asked"
        asked.unlink(missing_ok=True)
        self.may("root", 0.21)
        self.assertFalse(asked.exists())
        self.may_not("nobody")
        self.assertEqual(asked.read_text(), f"system-bus-name ['name'] {ACTION} {{}} 0")
        self.may_not("member")
        (self.machine.folder / "grant").write_text("yes")
        self.may("nobody", 0.22)
        self.may("member", 0.23)
        self.machine.end(polkit)
        self.may_not("nobody")
        self.may("member", 0.24)

    def test_a_check_that_nobody_waits_for(self):
        # polkit hangs; who asked goes away, and reading goes on meanwhile.
        polkit = self.machine.start_polkit("yes")
        self.addCleanup(self.machine.end, polkit)
        os.kill(polkit.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, polkit.pid, signal.SIGCONT)
        before = self.volume()
        for _ in range(3):
            waiting = subprocess.Popen(self.machine.command("nobody", "volume", "0.31"),
                                       env=self.machine.environment, stdin=subprocess.DEVNULL)
            time.sleep(0.3)
            self.assertIsNone(waiting.poll())
            self.assertEqual(self.machine.run("nobody", "status").returncode, 0)
            waiting.kill()
            waiting.wait()
        self.assertEqual(self.volume(), before)

    def test_the_bus_is_found_by_itself_and_by_name(self):
        for more in ([], ["--system"], ["-S"]):
            self.assertEqual(self.machine.run("nobody", *more, "status").returncode, 0)
        done = self.machine.run("nobody", "--user", "status")
        self.assertEqual(done.returncode, 3)
        self.assertIn("session bus", done.stdout)
        environment = self.machine.environment
        for bus, status in (("system", 0), ("session", 3), ("sytsem", 2)):
            environment["FERMATA_BUS"] = bus
            self.assertEqual(self.machine.run("nobody", "status").returncode, status, bus)
        del environment["FERMATA_BUS"]


if __name__ == "__main__":
    if sys.argv[1] == "--polkit":
        serve_polkit(sys.argv[2], Path(sys.argv[3]))
        sys.exit()
    ARGUMENTS = sys.argv[1:4]
    if os.geteuid() != 0:
        print("skipped: needs root, to call as others")
        sys.exit(SKIP)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        print("skipped: no mount namespace of our own can be had here (a chroot?)")
        sys.exit(SKIP)
    unittest.main(argv=sys.argv[:1], verbosity=2)
