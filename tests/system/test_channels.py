#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many channels: what AddChannel and RemoveChannel do on the bus, over bus_probe's channels in
memory or the real daemon's.

    lib/session.sh -- ./test_channels.py --xml ../../dbus --ctl fermatactl --daemon COMMAND...
"""
import json
import subprocess
import sys
import time
import unittest

from gi.repository import GLib

import test_bus
from test_bus import CHANNEL, MAIN, MANAGER, OWN, ROOT, STANDARD, BusTest, wait_for

OBJECTS = "org.freedesktop.DBus.ObjectManager"


class ChannelTest(BusTest):
    def setUp(self):
        super().setUp()
        self.seen = []
        self.bus.signal_subscribe(test_bus.NAME, OBJECTS, None, ROOT, None, 0, self.on_signal)
        self.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")  # the match is in place
        self.added = []

    def tearDown(self):
        for name in self.added:
            try:
                self.remove(name)
            except GLib.Error:
                pass
        super().tearDown()

    def on_signal(self, _connection, _sender, _path, _interface, signal, args):
        self.seen.append((signal, *args.unpack()))

    def add(self, name, **settings):
        wrap = {str: "s", float: "d", bool: "b", int: "t"}
        path = self.call(ROOT, MANAGER, "AddChannel", GLib.Variant("(sa{sv})", (
            name, {k: GLib.Variant(wrap[type(v)], v) for k, v in settings.items()}))).unpack()[0]
        self.added.append(name)
        return path

    def remove(self, name):
        self.call(ROOT, MANAGER, "RemoveChannel", GLib.Variant("(s)", (name,)))

    def objects(self):
        return self.call(ROOT, OBJECTS, "GetManagedObjects").unpack()[0]


class Channels(ChannelTest):
    def test_add_and_remove(self):
        before = self.objects().keys()
        composers = self.get("Composers", ROOT, MANAGER)
        path = self.add("support-2", Composer="bach", Threshold=0.25, Volume="0.5",
                        PieceLength="3")
        self.assertEqual(path, ROOT + "/channel/support_2d2")
        self.assertEqual(self.objects().keys(), before | {path})
        every = self.get_all(path)
        self.assertEqual([every[k] for k in ("Name", "Composer", "Threshold", "Volume",
                                             "PieceLength", "State")],
                         ["support-2", "bach", 0.25, 0.5, "3", "stopped"])
        wait_for("InterfacesAdded", lambda: self.seen)
        signal, told, interfaces = self.seen.pop(0)
        self.assertEqual((signal, told), ("InterfacesAdded", path))
        self.assertEqual(interfaces[CHANNEL].keys(), every.keys())
        self.assertEqual(interfaces[CHANNEL]["Composer"], "bach")

        # It is a channel like any other, and none of them is changed with it.
        main = self.settable()
        other = next(c for c in composers if c != "bach")
        self.changes(lambda: self.set("Composer", GLib.Variant("s", other), path),
                     lambda p, c: p == path and c.get("Composer") == other)
        self.assertEqual(self.settable(), main)

        self.remove("support-2")
        wait_for("InterfacesRemoved", lambda: self.seen)
        self.assertEqual(self.seen, [("InterfacesRemoved", path, [CHANNEL])])
        self.assertEqual(self.objects().keys(), before)
        self.refused(STANDARD + "UnknownObject", lambda: self.get("Name", path))
        # The name is free again, and nothing is left of what was set.
        self.add("support-2")
        self.assertNotEqual(self.get("Threshold", path), 0.25)

    def test_autostart(self):
        path = self.add("loud", Autostart=True)
        wait_for("music", lambda: self.get("State", path) != "stopped")
        self.remove("loud")

    def test_refusals(self):
        before = self.objects().keys()
        for name in ("", "Main", "a b", "-a", "a" * 32, "\u00e9", "a/b"):
            self.refused(OWN + "BadName", lambda: self.add(name), f'"{name}"', "a-z")
        self.refused(OWN + "ChannelExists", lambda: self.add("main"), "main")
        self.refused(OWN + "UnknownComposer", lambda: self.add("x", Composer="salieri"), "salieri",
                     "bach")
        self.refused(OWN + "UnknownNet", lambda: self.add("x", Net="none"), "none",
                     self.get("Nets", ROOT, MANAGER)[0])
        for key, value in (("Threshold", 1.5), ("Volume", "loud"), ("PieceLength", "100"),
                           ("Sampling", "soft"), ("Autostart", "maybe"), ("Seed", "-1")):
            self.refused(OWN + "OutOfRange", lambda: self.add("x", **{key: value}), key, str(value))
        for key in ("Tempo", "Device", "StateFile", "", "%s%n"):
            self.refused(OWN + "UnknownSetting", lambda: self.add("x", **{key: "1"}), "composer",
                         "piece-length")
        bad = GLib.Variant("(sa{sv})", ("x", {"Volume": GLib.Variant("as", [])}))
        self.refused(OWN + "OutOfRange", lambda: self.call(ROOT, MANAGER, "AddChannel", bad),
                     "Volume")
        self.refused(STANDARD + "InvalidArgs",
                     lambda: self.call(ROOT, MANAGER, "AddChannel", GLib.Variant("(s)", ("x",))))
        self.refused(OWN + "NotRemovable", lambda: self.remove("main"), "main")
        for name in ("none", "", "\u00e9" * 4000):
            self.refused(OWN + "UnknownChannel", lambda: self.remove(name), name[:30])
        self.assertEqual(self.objects().keys(), before)
        self.assertEqual(self.seen, [])
        self.assertEqual(self.get("Name", MAIN), "main")


class Schedules(BusTest):
    def entries(self):
        return [text for text, _ in self.get("Schedule")]

    def test_add_and_remove(self):
        before = self.entries()
        entry = "Mon..Fri 18:00 composer=bach volume=0.5"
        self.changes(lambda: self.call(MAIN, CHANNEL, "AddSchedule",
                                       GLib.Variant("(s)", (f"  {entry.replace(' ', '   ')} ",))),
                     lambda p, c: p == MAIN and any(e[0] == entry for e in c.get("Schedule", [])))
        self.assertEqual(self.entries(), before + [entry])
        when = time.localtime(self.get("Schedule")[-1][1])
        self.assertGreater(time.mktime(when), time.time())
        self.assertEqual((when.tm_hour, when.tm_min, when.tm_sec), (18, 0, 0))
        self.assertLess(when.tm_wday, 5)
        self.call(MAIN, CHANNEL, "RemoveSchedule", GLib.Variant("(s)", (entry,)))
        self.assertEqual(self.entries(), before)

    def test_refusals(self):
        before = self.entries()
        for entry, error, word in (
                ("18:00", "BadSchedule", "not what"), ("composer=bach", "BadSchedule", "no time"),
                ("Fri..Mon 18:00 start", "BadSchedule", "weekdays"),
                ("25:00 start", "BadSchedule", "its time as"), ("", "BadSchedule", "no time"),
                ("18:00 seed=1", "BadSchedule", "composer"),
                ("18:00 volume=2", "BadSchedule", "0 to 1"),
                ("18:00 start 19:00", "BadSchedule", "when and then what"),
                ("18:00 composer=salieri", "UnknownComposer", "bach"),
                ("18:00 net=none", "UnknownNet", self.get("Net")),
                ("18:00 start " * 40, "BadSchedule", "too long")):
            self.refused(OWN + error, lambda: self.call(MAIN, CHANNEL, "AddSchedule",
                                                        GLib.Variant("(s)", (entry,))), word)
        self.refused(OWN + "UnknownEntry", lambda: self.call(
            MAIN, CHANNEL, "RemoveSchedule", GLib.Variant("(s)", ("18:00 start",))), "18:00 start")
        self.assertEqual(self.entries(), before)


class Ctl(BusTest):
    def run_ctl(self, *words):
        return subprocess.run([test_bus.ctl, *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=test_bus.PATIENCE)

    def ok(self, *words):
        run = self.run_ctl(*words)
        self.assertEqual((run.returncode, run.stderr), (0, ""), words)
        return run.stdout

    def no(self, code, *words, says=()):
        run = self.run_ctl(*words)
        self.assertEqual((run.returncode, run.stdout), (code, ""), words)
        for text in says:
            self.assertIn(text, run.stderr)

    def names(self):
        lines = self.ok("channel").splitlines()
        self.assertTrue(lines[0].startswith("CHANNEL"), lines)
        return [line.split()[0] for line in lines[1:]]

    def test_channels(self):
        before = self.names()
        self.assertIn("main", before)
        self.assertEqual(self.ok("channel", "add", "support", "--composer", "bach",
                                 "--piece-length=3", "--volume", "0.5"), "")
        try:
            self.assertEqual(self.names(), before + ["support"])
            listed = json.loads(self.ok("channel", "list", "--json"))
            self.assertEqual([c["name"] for c in listed], before + ["support"])
            self.assertEqual({k: listed[-1][k] for k in ("composer", "piece_length", "volume")},
                             {"composer": "bach", "piece_length": "3", "volume": 0.5})
            self.assertEqual(json.loads(self.ok("status", "--json"))["channels"][-1].keys(),
                             listed[-1].keys())
            # Every verb is for the channel that is named, wherever it is named.
            self.ok("--channel", "support", "volume", "25%")
            self.ok("start", "-c", "support")
            self.ok("-c", "support", "skip")
            self.assertEqual(self.ok("volume", "--channel=support"), "0.25\n")
            self.assertNotEqual(self.ok("volume"), "0.25\n")
            self.assertIn("support: ", self.ok("status", "-c", "support"))
            self.ok("stop", "-c", "support")
            self.no(1, "channel", "add", "support", says=["support", "already"])
        finally:
            self.ok("channel", "remove", "support")
        self.assertEqual(self.names(), before)
        self.no(1, "-c", "support", "start", says=["support"])

    def test_a_net_that_the_licence_leaves_out(self):
        for words in (("net", "lstm-private"), ("channel", "add", "two", "--net", "lstm-private"),
                      ("schedule", "add", "18:00", "net=lstm-private")):
            self.no(1, *words, says=["not be used commercially", "licence = any"])

    def test_two_to_one_address(self):
        self.ok("rtp", "239.1.2.3:5004")
        self.addCleanup(self.ok, "rtp", "off")
        for port in (5003, 5004, 5005):
            self.no(1, "channel", "add", "two", "--rtp", f"239.1.2.3:{port}", says=["main"])
        self.ok("channel", "add", "two", "--rtp", "239.1.2.3:5006")
        self.addCleanup(self.ok, "channel", "remove", "two")
        self.no(1, "--channel", "two", "rtp", "239.1.2.3:5004/alaw", says=["main", "noise"])
        self.ok("--channel", "two", "rtp", "239.1.2.4:5004")

    def test_schedule(self):
        self.assertIn("nothing is scheduled", self.ok("schedule", "-c", "main"))
        self.assertEqual(json.loads(self.ok("schedule", "--json")), [])
        self.ok("schedule", "add", "Mon..Fri", "18:00", "composer=debussy")
        self.ok("schedule", "add", "Sat,Sun 10:00 start")
        shown = self.ok("schedule").splitlines()
        self.assertEqual(len(shown), 2)
        self.assertRegex(shown[0], r"^ 1  Mon\.\.Fri 18:00 composer=debussy +next "
                                   r"(Mon|Tue|Wed|Thu|Fri) \d{4}-\d\d-\d\d 18:00:00 \S+$")
        self.assertEqual([e["entry"] for e in json.loads(self.ok("schedule", "list", "--json"))],
                         ["Mon..Fri 18:00 composer=debussy", "Sat,Sun 10:00 start"])
        self.no(1, "schedule", "add", "Sat,Sun 10:00 start", says=["already"])
        self.no(1, "schedule", "add", "Sometimes", "start", says=["Sometimes"])
        for day in ("*-2-30", "2001-1-1"):
            self.no(1, "schedule", "add", day, "start", says=[day, "never strikes"])
        self.no(1, "schedule", "add", "25:00", "start", says=["it must have its time as 18:00"])
        self.no(1, "schedule", "remove", "3", says=["3"])
        for words in (["add"], ["remove"], ["list", "x"], ["what"]):
            self.no(2, "schedule", *words, says=["Mon..Fri"])
        self.ok("schedule", "remove", "1")
        self.ok("schedule", "remove", "Sat,Sun", "10:00", "start")
        self.assertEqual(json.loads(self.ok("schedule", "--json")), [])

    def test_refusals(self):
        before = self.names()
        self.no(1, "channel", "add", "Main", says=["Main", "a-z"])
        self.no(1, "channel", "add", "x", "--composer", "salieri", says=["salieri", "bach"])
        self.no(1, "channel", "add", "x", "--tempo", "1", says=["Tempo", "composer"])
        self.no(1, "channel", "add", "x", "--volume", "2", says=["Volume", "0 to 1"])
        self.no(1, "channel", "remove", "main", says=["main"])
        self.no(1, "channel", "remove", "none", says=["none"])
        self.no(1, "channel", "add", b"\xff", says=["UTF-8"])
        for words in (["add"], ["remove"], ["add", "a", "b"], ["rename", "a"], ["list", "x"],
                      ["add", "x", "--composer"], ["add", "x", "-z"], ["add", "x", "--json"]):
            self.no(2, "channel", *words, says=["fermatactl"])
        self.no(2, "start", "--composer", "bach")
        self.no(2, "channel", *["x"] * 40)
        self.assertEqual(self.names(), before)


class Many(ChannelTest):
    def test_too_many(self):
        before = len(self.objects())
        for i in range(64 - before):
            self.add(f"q{i}")
        self.refused(OWN + "TooManyChannels", lambda: self.add("more"), "64")
        self.assertEqual(len(self.objects()), 64)
        self.remove("q0")
        wait_for("a place", lambda: self.try_to_add("more"))

    def try_to_add(self, name):
        try:
            return self.add(name)
        except GLib.Error:
            return None


if __name__ == "__main__":
    if "--ctl" not in sys.argv:
        Ctl = unittest.skip("no --ctl")(Ctl)
    # A real daemon has better things to do than 64 channels; --few leaves that out.
    if "--few" in sys.argv:
        sys.argv.remove("--few")
        del Many
    test_bus.main()
