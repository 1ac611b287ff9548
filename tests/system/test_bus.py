#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the daemon does on the session bus, as a stranger's programs see it.

    lib/session.sh [--no-pipewire] -- ./test_bus.py --xml ../../dbus [--ctl fermatactl]
                                      --daemon COMMAND... [unittest's arguments after --]

COMMAND is fermatad, or bus_probe: the same bus code over channels in memory.
"""
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

from gi.repository import Gio, GLib

NAME, ROOT = "org.fermata.HoldMusic1", "/org/fermata/HoldMusic1"
MAIN = ROOT + "/channel/main"
MANAGER, CHANNEL = NAME + ".Manager", NAME + ".Channel"
PROPERTIES = "org.freedesktop.DBus.Properties"
STANDARD = "org.freedesktop.DBus.Error."
OWN = NAME + ".Error."
PATIENCE = 240  # seconds until a test gives up waiting; nothing is asserted about time

daemon_command: list[str] = []
xml_folder = ctl = ""
daemon = daemon_log = None


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {PATIENCE:.0f} s")
        GLib.MainContext.default().iteration(False)
        time.sleep(0.02)
    return value


def connect():
    connection = Gio.DBusConnection.new_for_address_sync(
        os.environ["DBUS_SESSION_BUS_ADDRESS"],
        Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    connection.set_exit_on_close(False)
    return connection


def owner(connection):
    return connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                "org.freedesktop.DBus", "NameHasOwner",
                                GLib.Variant("(s)", (NAME,)), None, 0, -1, None).unpack()[0]


def start_daemon():
    global daemon
    daemon = subprocess.Popen(daemon_command, stderr=daemon_log, stdin=subprocess.DEVNULL)
    connection = connect()

    def there():
        if daemon.poll() is not None:
            raise AssertionError(f"the daemon ended with {daemon.returncode}")
        return owner(connection)

    wait_for("the daemon's name", there)


def stop_daemon():
    daemon.send_signal(signal.SIGTERM)
    return daemon.wait(PATIENCE)
KINDS = {**dict.fromkeys("Composer Sampling Net Profile Output Target PieceLength Rtp".split(), "s"),
         "Threshold": "d", "Volume": "d", "ReseedInterval": "u", "Midi": "b"}


class BusTest(unittest.TestCase):
    def setUp(self):
        self.bus = connect()

    def tearDown(self):
        self.assertIsNone(daemon.poll(), "the daemon has ended")
        self.bus.close_sync(None)

    def call(self, path, interface, member, args=None):
        if interface is None:  # which only a message made by hand leaves out
            message = Gio.DBusMessage.new_method_call(NAME, path, None, member)
            reply = self.bus.send_message_with_reply_sync(
                message, Gio.DBusSendMessageFlags.NONE, 20000, None)[0]
            reply.to_gerror()
            return reply.get_body()
        return self.bus.call_sync(NAME, path, interface, member, args, None,
                                  Gio.DBusCallFlags.NO_AUTO_START, 20000, None)

    def get(self, name, path=MAIN, interface=CHANNEL):
        return self.call(path, PROPERTIES, "Get",
                         GLib.Variant("(ss)", (interface, name))).unpack()[0]

    def get_all(self, path=MAIN, interface=CHANNEL):
        return self.call(path, PROPERTIES, "GetAll",
                         GLib.Variant("(s)", (interface,))).unpack()[0]

    def set(self, name, value, path=MAIN, interface=CHANNEL):
        self.call(path, PROPERTIES, "Set", GLib.Variant("(ssv)", (interface, name, value)))

    def refused(self, error, action, *words):
        with self.assertRaises(GLib.Error) as caught:
            action()
        self.assertEqual(Gio.DBusError.get_remote_error(caught.exception), error)
        Gio.DBusError.strip_remote_error(caught.exception)
        for word in words:
            self.assertIn(word, caught.exception.message)

    def settable(self):
        every = self.get_all()
        return {k: every[k] for k in KINDS}

    def changes(self, action, wanted):
        """The values of PropertiesChanged that `action` causes, up to those `wanted`."""
        seen = []

        def on_signal(_connection, _sender, path, _interface, _signal, args):
            interface, changed, invalidated = args.unpack()
            self.assertEqual(interface, CHANNEL)
            self.assertEqual(invalidated, [])
            seen.append((path, changed))

        subscription = self.bus.signal_subscribe(NAME, PROPERTIES, "PropertiesChanged", None, None,
                                                 0, on_signal)
        self.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")  # the match is in place
        action()
        wait_for(f"PropertiesChanged {wanted}", lambda: any(wanted(p, c) for p, c in seen))
        self.bus.signal_unsubscribe(subscription)
        return seen


class Introspection(BusTest):
    def introspect(self, path):
        return self.call(path, "org.freedesktop.DBus.Introspectable", "Introspect").unpack()[0]

    def test_word_for_word(self):
        for path, file in ((ROOT, "Manager"), (MAIN, "Channel")):
            with open(os.path.join(xml_folder, f"{NAME}.{file}.xml"), encoding="utf-8") as text:
                self.assertEqual(self.introspect(path), text.read())

    def test_tree(self):
        def children(path):
            return [n.get("name") for n in ElementTree.fromstring(self.introspect(path))
                    .findall("node")]
        self.assertEqual(children("/"), ["org"])
        self.assertEqual(children("/org/fermata"), ["HoldMusic1"])
        self.assertEqual(children(ROOT), ["channel"])
        self.assertIn("main", children(ROOT + "/channel"))
        for name in children(ROOT + "/channel"):
            self.assertEqual(self.introspect(f"{ROOT}/channel/{name}"), self.introspect(MAIN))
        tree = subprocess.run(["busctl", "--user", "tree", "--list", NAME], capture_output=True,
                              text=True, check=True).stdout.split()
        self.assertIn(MAIN, tree)

    def test_tables_and_text_agree(self):
        for path, interface in ((ROOT, MANAGER), (MAIN, CHANNEL)):
            xml = ElementTree.fromstring(self.introspect(path))
            node = xml.find(f"interface[@name='{interface}']")
            values = self.call(path, PROPERTIES, "GetAll",
                               GLib.Variant("(s)", (interface,))).get_child_value(0)
            got = {}
            for i in range(values.n_children()):
                entry = values.get_child_value(i)
                got[entry.get_child_value(0).get_string()] = \
                    entry.get_child_value(1).get_variant().get_type_string()
            self.assertEqual(got, {p.get("name"): p.get("type") for p in node.findall("property")})
            for property_ in node.findall("property"):
                value = self.call(path, PROPERTIES, "Get",
                                  GLib.Variant("(ss)", (interface, property_.get("name"))))
                if property_.get("access") == "read":
                    with self.subTest(property_.get("name")):
                        self.refused(STANDARD + "PropertyReadOnly",
                                     lambda: self.set(property_.get("name"),
                                                      value.get_child_value(0).get_variant(),
                                                      path, interface), property_.get("name"))

    def test_others_can_read_it(self):
        self.assertIn("OpenFeed", subprocess.check_output(
            ["busctl", "--user", "introspect", NAME, MAIN], text=True))
        self.assertIn("ReseedInterval", subprocess.check_output(
            ["gdbus", "introspect", "--session", "--dest", NAME, "--object-path", MAIN], text=True))


class Values(BusTest):
    def test_manager(self):
        every = self.get_all(ROOT, MANAGER)
        for name in ("Version", "Device", "Driver", "Nets", "NetLicences", "Composers"):
            self.assertTrue(every[name], name)
            self.assertEqual(self.get(name, ROOT, MANAGER), every[name])
            self.assertEqual(self.get(name, ROOT, ""), every[name])
        self.assertIn(self.get("Composer"), every["Composers"])
        self.assertIn(self.get("Net"), every["Nets"])
        self.assertEqual(every["CommercialNets"],
                         [n for n in every["Nets"] if "NC" not in every["NetLicences"][n]])

    def test_objects(self):
        objects = self.call(ROOT, "org.freedesktop.DBus.ObjectManager",
                            "GetManagedObjects").unpack()[0]
        self.assertEqual(objects[MAIN][CHANNEL].keys(), self.get_all().keys())
        self.assertEqual(objects[MAIN][CHANNEL]["Name"], "main")
        for path, interfaces in objects.items():
            self.assertEqual(self.get("Name", path), interfaces[CHANNEL]["Name"])

    def test_set_announces_and_keeps(self):
        before = self.settable()
        composers = self.get("Composers", ROOT, MANAGER)
        other = next(c for c in composers if c != before["Composer"])
        for name, kind, value in (
                ("Composer", "s", other), ("Threshold", "d", 0.625), ("Sampling", "s", "hard"),
                ("Profile", "s", "telephone"), ("Output", "s", "source"), ("Target", "s", "x.y"),
                ("ReseedInterval", "u", 0), ("Rtp", "s", "127.0.0.1:9/alaw"), ("Volume", "d", 0.25),
                ("PieceLength", "s", "0.5-60"), ("Threshold", "d", 0.0), ("Threshold", "d", 1.0)):
            with self.subTest(name):
                self.changes(lambda: self.set(name, GLib.Variant(kind, value)),
                             lambda p, c: p == MAIN and c.get(name) == value)
                self.assertEqual(self.get(name), value)
        for name, kind in KINDS.items():
            self.set(name, GLib.Variant(kind, before[name]))
        self.assertEqual(self.settable(), before)

    def test_busctl_and_gdbus_set(self):
        before = self.get("Volume")
        subprocess.run(["busctl", "--user", "set-property", NAME, MAIN, CHANNEL, "Volume", "d",
                        "0.5"], check=True)
        self.assertEqual(self.get("Volume"), 0.5)
        subprocess.run(["gdbus", "call", "--session", "--dest", NAME, "--object-path", MAIN,
                        "--method", PROPERTIES + ".Set", CHANNEL, "Volume", f"<{before}>"],
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.get("Volume"), before)

    def test_stop_and_start(self):
        self.call(MAIN, CHANNEL, "Start")
        wait_for("music", lambda: self.get("State") != "stopped")
        self.changes(lambda: self.call(MAIN, CHANNEL, "Stop"),
                     lambda p, c: c.get("State") == "stopped")
        self.assertEqual(self.get("State"), "stopped")
        self.changes(lambda: self.call(MAIN, CHANNEL, "Start"),
                     lambda p, c: c.get("State", "stopped") != "stopped")

    def test_reseed_counts(self):
        self.call(MAIN, CHANNEL, "Start")
        before = self.get("Reseeds")
        self.changes(lambda: self.call(MAIN, CHANNEL, "Reseed"),
                     lambda p, c: c.get("Reseeds", 0) > before)
        before = self.get("Title")
        self.changes(lambda: self.call(MAIN, CHANNEL, "Skip"),
                     lambda p, c: c.get("Title", before) != before)


class Refusals(BusTest):
    def setUp(self):
        super().setUp()
        self.before = self.settable()

    def tearDown(self):
        self.assertEqual(self.settable(), self.before, "a refusal has changed something")
        super().tearDown()

    def test_unknown_names(self):
        own = [c for c in self.get("Composers", ROOT, MANAGER) if c != "satie"]  # of bus_probe's other net
        for property_, error, there in (("Composer", "UnknownComposer", own),
                                        ("Net", "UnknownNet", self.get("Nets", ROOT, MANAGER)),
                                        ("Sampling", "UnknownSampling", ["sample", "hard"]),
                                        ("Profile", "UnknownProfile", ["raw"])):
            for value in ("salieri", "", "BACH\n", "\u00e9" * 5000, "a" * 83, "%s%n"):
                with self.subTest((property_, value[:10])):
                    self.refused(OWN + error, lambda: self.set(property_, GLib.Variant("s", value)),
                                 value[:20], *there)

    def test_out_of_range(self):
        for property_ in ("Threshold", "Volume"):
            for value in (-0.001, 1.001, math.inf, -math.inf, math.nan, 1e308):
                with self.subTest((property_, value)):
                    self.refused(OWN + "OutOfRange",
                                 lambda: self.set(property_, GLib.Variant("d", value)),
                                 property_, "0 to 1")
        for name, word, values in (("ReseedInterval", "3600", (1, 4, 3601, 2**32 - 1)),
                                   ("PieceLength", "2-5", ("", "5-2", "0.4", "61", "two", "2 - 5"))):
            for value in values:
                self.refused(OWN + "OutOfRange",
                             lambda: self.set(name, GLib.Variant(KINDS[name], value)), name, word)

    def test_wrong_types(self):
        values = {"s": GLib.Variant("s", "x"), "d": GLib.Variant("d", 0.5),
                  "u": GLib.Variant("u", 30), "i": GLib.Variant("i", 30),
                  "b": GLib.Variant("b", True), "v": GLib.Variant("v", GLib.Variant("d", 0.5)),
                  "as": GLib.Variant("as", ["x"]), "(d)": GLib.Variant("(d)", (0.5,)),
                  "a{sv}": GLib.Variant("a{sv}", {}), "o": GLib.Variant("o", "/x"),
                  "y": GLib.Variant("y", 3), "t": GLib.Variant("t", 30)}
        for property_, kind in KINDS.items():
            for other, value in values.items():
                if other != kind:
                    with self.subTest((property_, other)):
                        self.refused(STANDARD + "InvalidArgs", lambda: self.set(property_, value),
                                     property_, f'"{kind}"')

    def test_unknown_things(self):
        self.refused(STANDARD + "UnknownMethod", lambda: self.call(MAIN, CHANNEL, "Rewind"),
                     "Rewind")
        self.refused(STANDARD + "UnknownMethod", lambda: self.call(MAIN, None, "Rewind"), "Rewind")
        self.refused(STANDARD + "UnknownMethod", lambda: self.call(MAIN, CHANNEL, "start"))
        self.refused(STANDARD + "UnknownInterface", lambda: self.call(MAIN, MANAGER, "Start"),
                     MANAGER)
        self.refused(STANDARD + "UnknownInterface", lambda: self.call(ROOT, "a.b", "Start"))
        self.refused(STANDARD + "UnknownInterface", lambda: self.get("Name", MAIN, "a.b"))
        self.refused(STANDARD + "UnknownInterface", lambda: self.get_all(MAIN, "a.b"))
        self.refused(STANDARD + "UnknownInterface", lambda: self.get("Version", MAIN, MANAGER))
        self.refused(STANDARD + "UnknownProperty", lambda: self.get("Tempo"), "Tempo")
        self.refused(STANDARD + "UnknownProperty", lambda: self.get("Tempo", MAIN, ""), "Tempo")
        self.refused(STANDARD + "UnknownProperty",
                     lambda: self.set("Tempo", GLib.Variant("d", 1.0)), "Tempo")
        self.refused(STANDARD + "UnknownProperty", lambda: self.get(""), "no property")
        for path in (ROOT + "/channel/none", ROOT + "/channel/main/x", ROOT + "/channe",
                     ROOT + "/channel/" + "a" * 3000):
            self.refused(STANDARD + "UnknownObject", lambda: self.call(path, CHANNEL, "Start"),
                         path[:40])
        for path in ("/", "/org/fermata", "/org/mpris"):
            with self.assertRaises(GLib.Error):
                self.call(path, CHANNEL, "Start")

    def test_wrong_signatures(self):
        for member in ("Start", "Stop", "Skip", "Reseed", "Continue", "Keep", "OpenFeed"):
            for args in (GLib.Variant("(s)", ("x",)), GLib.Variant("(av)", ([],)),
                         GLib.Variant("(dd)", (1.0, 2.0))):
                with self.subTest((member, args.get_type_string())):
                    self.refused(STANDARD + "InvalidArgs",
                                 lambda: self.call(MAIN, CHANNEL, member, args), member)
        for member, args in (("Get", GLib.Variant("(s)", (CHANNEL,))), ("Get", None),
                             ("Get", GLib.Variant("(uu)", (1, 2))), ("GetAll", None),
                             ("GetAll", GLib.Variant("(ss)", (CHANNEL, "x"))),
                             ("Set", GLib.Variant("(ssd)", (CHANNEL, "Volume", 0.1))),
                             ("Set", GLib.Variant("(sv)", ("Volume", GLib.Variant("d", 0.1))))):
            self.refused(STANDARD + "InvalidArgs",
                         lambda: self.call(MAIN, PROPERTIES, member, args), member)

    def test_without_interface_or_reply(self):
        self.assertTrue(self.call(MAIN, None, "Introspect").unpack()[0])
        fds = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        for member in ("OpenFeed", "Introspect", "Nothing"):
            message = Gio.DBusMessage.new_method_call(NAME, MAIN, CHANNEL, member)
            message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
            for _ in range(100):
                self.bus.send_message(message.copy(), Gio.DBusSendMessageFlags.NONE)
        self.assertEqual(self.get("Name"), "main")
        self.assertLessEqual(len(os.listdir(f"/proc/{daemon.pid}/fd")), fds + 2)

    def test_a_flood(self):
        for i in range(300):
            for args in (None, GLib.Variant("(ssv)", ("x" * i, "y" * i, GLib.Variant("d", i)))):
                self.bus.call(NAME, MAIN, PROPERTIES, ("Get", "Set", "GetAll", "X")[i % 4], args,
                              None, 0, -1, None, None)
        self.assertEqual(self.get("Name"), "main")


class Feed(BusTest):
    def open_feed(self):
        reply, fds = self.bus.call_with_unix_fd_list_sync(
            NAME, MAIN, CHANNEL, "OpenFeed", None, None, 0, 20000, None, None)
        return fds.get(reply.unpack()[0])

    def lines(self, fd, until):
        """JSON lines up to and with the one for which until(object) holds."""
        buffer, got = b"", []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if not select.select([fd], [], [], 1)[0]:
                continue
            data = os.read(fd, 4096)
            self.assertTrue(data, "the feed has ended")
            *whole, buffer = (buffer + data).split(b"\n")
            for line in whole:
                got.append(json.loads(line))
                if until(got[-1]):
                    return got
        self.fail(f"the feed did not tell it: {got[-3:]}")

    def test_notes_and_marks(self):
        self.call(MAIN, CHANNEL, "Start")
        fd = self.open_feed()
        count = iter(range(1000))
        got = self.lines(fd, lambda o: o["event"] == "on" and next(count) >= 9)
        self.assertEqual(got[0]["event"], "hello")
        self.assertEqual(got[0]["text"], "main")
        notes = [o for o in got if o["event"] == "on"]
        for note in notes:
            self.assertIn(note["pitch"], range(128))
            self.assertIn(note["velocity"], range(1, 128))
            self.assertGreaterEqual(note["heard"], got[0]["heard"] - 1)
        self.assertEqual(notes, sorted(notes, key=lambda o: o["time"]))
        self.call(MAIN, CHANNEL, "Reseed")
        self.lines(fd, lambda o: o["event"] == "reseed")
        self.call(MAIN, CHANNEL, "Stop")
        self.lines(fd, lambda o: o["event"] == "state" and o["text"] == "stopped")
        self.call(MAIN, CHANNEL, "Start")
        os.close(fd)

    def test_places(self):
        fds = []
        with self.assertRaises(GLib.Error) as caught:
            for _ in range(200):
                fds.append(self.open_feed())
        self.assertEqual(Gio.DBusError.get_remote_error(caught.exception), OWN + "TooManyWatchers")
        self.assertGreaterEqual(len(fds), 30)
        os.close(fds.pop())
        fds.append(wait_for("a place", self.open_feed))
        for fd in fds:
            os.close(fd)


@unittest.skipUnless(shutil.which("dbus-daemon"), "no dbus-daemon")
class WithoutTheBus(unittest.TestCase):
    """Kills the bus, so it stands alone, and last in the alphabet."""

    def control(self, *args):
        subprocess.run([os.environ["SESSION"], "ctl", *args], check=True)

    def test_second_daemon(self):
        second = subprocess.run(daemon_command, stderr=subprocess.PIPE, timeout=PATIENCE,
                                stdin=subprocess.DEVNULL)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(NAME.encode(), second.stderr)
        self.assertIsNone(daemon.poll())

    @unittest.skipUnless("SESSION" in os.environ, "not within session.sh")
    def test_the_bus_dies_and_comes_back(self):
        for how in ("kill", "stop"):
            self.control(how, "bus")
            time.sleep(0.5)
            self.assertIsNone(daemon.poll())
            self.control("start", "bus")
            bus = connect()
            wait_for("the name", lambda: owner(bus))
            self.assertIsNone(daemon.poll())
            self.assertEqual(bus.call_sync(NAME, MAIN, PROPERTIES, "Get",
                                           GLib.Variant("(ss)", (CHANNEL, "Name")), None, 0, -1,
                                           None).unpack()[0], "main")

    @unittest.skipUnless("SESSION" in os.environ, "not within session.sh")
    def test_the_bus_comes_late(self):
        self.assertEqual(stop_daemon(), 0)
        self.control("stop", "bus")
        global daemon
        for variable in (True, False):
            env = dict(os.environ)
            if not variable:
                del env["DBUS_SESSION_BUS_ADDRESS"]  # then it is $XDG_RUNTIME_DIR/bus
            daemon = subprocess.Popen(daemon_command, stderr=daemon_log, env=env,
                                      stdin=subprocess.DEVNULL)
            time.sleep(1)
            self.assertIsNone(daemon.poll())
            self.control("start", "bus")
            bus = connect()
            wait_for("the name", lambda: owner(bus))
            self.assertEqual(stop_daemon(), 0)
            if variable:
                self.control("stop", "bus")
        start_daemon()


def main():
    global daemon_command, xml_folder, ctl, daemon_log
    args = sys.argv[1:]
    rest = []
    if "--" in args:
        rest = args[args.index("--") + 1:]
        args = args[:args.index("--")]
    while args:
        option = args.pop(0)
        if option == "--xml":
            xml_folder = args.pop(0)
        elif option == "--ctl":
            ctl = args.pop(0)
        elif option == "--daemon":
            daemon_command, args = args, []
        else:
            sys.exit(__doc__)
    daemon_log = open(os.path.join(os.environ.get("SESSION_DIR", "/tmp"), "log", "fermatad")
                      if "SESSION_DIR" in os.environ else os.devnull, "ab")
    start_daemon()
    try:
        result = unittest.main(argv=[sys.argv[0], *rest], exit=False).result
    finally:
        status = stop_daemon()
    if status != 0:
        print(f"the daemon ended with {status}", file=sys.stderr)
    sys.exit(not result.wasSuccessful() or status != 0)


if __name__ == "__main__":
    main()
