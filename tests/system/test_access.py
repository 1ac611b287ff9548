#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Who may read and who may change on the system bus: root, the group, polkit's word, everybody else.

    test_access.py FERMATACTL DAEMON SOURCE_ROOT
    test_access.py --polkit ADDRESS FOLDER      a polkit that answers what FOLDER/grant says

DAEMON is bus_probe: the daemon's bus over channels in memory, on a bus of the test's own (machine.py).
"""

import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from machine import POLKIT, Machine, skip_where_it_cannot_be

ACTION = "org.fermata.HoldMusic1.control"


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


class Guarded(Machine):
    def start_polkit(self, grant):
        (self.folder / "grant").write_text(grant)
        there = self.folder / "polkit-is-there"
        there.unlink(missing_ok=True)
        child = self.spawn(sys.executable, __file__, "--polkit",
                           self.environment["DBUS_SYSTEM_BUS_ADDRESS"], self.folder)
        self.wait(there.exists)
        return child


class Access(unittest.TestCase):
    machine = None

    @classmethod
    def setUpClass(cls):
        cls.machine = Guarded(CTL, [DAEMON], ROOT)
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
    CTL, DAEMON, ROOT = sys.argv[1:4]
    skip_where_it_cannot_be()
    unittest.main(argv=sys.argv[:1], verbosity=2)
