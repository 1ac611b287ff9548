#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The media player of the desktop (MPRIS 2.2), over channels in memory: as playerctl, the media keys
(playerctld) and the specification see it.

    lib/session.sh --no-pipewire -- ./test_mpris.py SOURCE_ROOT DAEMON...
"""
import pathlib
import shutil
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree

from gi.repository import Gio, GLib

root, daemon_command = pathlib.Path(sys.argv[1]), sys.argv[2:]
NAME, PATH = "org.mpris.MediaPlayer2.fermata", "/org/mpris/MediaPlayer2"
ROOT, PLAYER = "org.mpris.MediaPlayer2", "org.mpris.MediaPlayer2.Player"
PROPERTIES = "org.freedesktop.DBus.Properties"
CHANNEL = ("org.fermata.HoldMusic1", "/org/fermata/HoldMusic1/channel/main",
           "org.fermata.HoldMusic1.Channel")
PATIENCE = 240
bus = daemon = None


def call(interface, member, args=None):
    return bus.call_sync(NAME, PATH, interface, member, args, None, 0, PATIENCE * 1000, None)


def get(interface, name):
    return call(PROPERTIES, "Get", GLib.Variant("(ss)", (interface, name))).unpack()[0]


def put(name, value):
    call(PROPERTIES, "Set", GLib.Variant("(ssv)", (PLAYER, name, value)))


def playerctl(*args, command="playerctl"):
    return subprocess.run([command, *args], capture_output=True, text=True, check=False,
                          timeout=PATIENCE).stdout.strip()


class Mpris(unittest.TestCase):
    def setUp(self):
        self.signals = []
        self.subscription = bus.signal_subscribe(
            NAME, PROPERTIES, "PropertiesChanged", PATH, PLAYER, 0,
            lambda *args: self.signals.append(args[5].unpack()[1]))

    def tearDown(self):
        bus.signal_unsubscribe(self.subscription)
        call(PLAYER, "Play")
        self.assertIsNone(daemon.poll())

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.signals)
            GLib.MainContext.default().iteration(False)
            time.sleep(0.01)

    def test_introspection_is_the_file_and_true(self):
        text = call("org.freedesktop.DBus.Introspectable", "Introspect").unpack()[0]
        self.assertEqual(text, (root / "dbus" / "org.mpris.MediaPlayer2.xml").read_text())
        for interface in xml.etree.ElementTree.fromstring(text).findall("interface"):
            name = interface.get("name")
            if not name.startswith(ROOT):
                continue
            values = call(PROPERTIES, "GetAll", GLib.Variant("(s)", (name,)))
            found = values.unpack()[0]
            self.assertEqual(list(found), [p.get("name") for p in interface.findall("property")])
            for p in interface.findall("property"):
                value = call(PROPERTIES, "Get", GLib.Variant("(ss)", (name, p.get("name"))))
                self.assertEqual(value.get_child_value(0).get_variant().get_type_string(),
                                 p.get("type"))

    def test_what_the_specification_wants(self):
        self.assertEqual(get(ROOT, "Identity"), "Fermata")
        entry = get(ROOT, "DesktopEntry")
        self.assertTrue((root / "desktop" / f"{entry}.desktop.in").exists())
        for name in ("CanQuit", "CanRaise", "HasTrackList"):
            self.assertIs(get(ROOT, name), False)
        for name, value in (("CanGoNext", True), ("CanGoPrevious", False), ("CanPlay", True),
                            ("CanPause", True), ("CanSeek", False), ("CanControl", True),
                            ("Rate", 1.0), ("MinimumRate", 1.0), ("MaximumRate", 1.0)):
            self.assertEqual(get(PLAYER, name), value, name)
        for interface, member, args in ((ROOT, "Raise", None), (ROOT, "Quit", None),
                                        (PLAYER, "Previous", None),
                                        (PLAYER, "Seek", GLib.Variant("(x)", (1000000,))),
                                        (PLAYER, "SetPosition",
                                         GLib.Variant("(ox)", ("/x", 1)))):
            call(interface, member, args)
        self.assertEqual(get(PLAYER, "PlaybackStatus"), "Playing")
        for member, args, words in (("OpenUri", GLib.Variant("(s)", ("file:///x.mp3",)), "seed"),
                                    ("Fly", None, "Fly"),
                                    ("Seek", GLib.Variant("(s)", ("x",)), "Seek")):
            with self.assertRaises(GLib.Error) as caught:
                call(PLAYER, member, args)
            self.assertIn(words, str(caught.exception))
        with self.assertRaises(GLib.Error) as caught:
            put("Rate", GLib.Variant("d", 2.0))
        self.assertIn("always 1", str(caught.exception))
        with self.assertRaises(GLib.Error):
            put("CanSeek", GLib.Variant("b", True))

    def test_a_piece_has_its_own_track(self):
        call(PLAYER, "Next")
        first = get(PLAYER, "Metadata")
        self.signals.clear()
        call(PLAYER, "Next")
        self.wait_for(lambda: any("Metadata" in s for s in self.signals))
        second = [s for s in self.signals if "Metadata" in s][-1]["Metadata"]
        self.assertEqual(second, get(PLAYER, "Metadata"))
        self.assertNotEqual(first["mpris:trackid"], second["mpris:trackid"])
        self.assertNotEqual(first["xesam:title"], second["xesam:title"])
        self.assertEqual(second["xesam:artist"], ["Fermata"])
        self.assertEqual(second["xesam:composer"], ["in the style of Chopin"])
        self.assertNotIn("mpris:length", second)

    def test_stop_and_volume_are_told(self):
        call(PLAYER, "Next")
        for member, status in (("Pause", "Paused"), ("PlayPause", "Playing"), ("Stop", "Paused"),
                               ("Play", "Playing"), ("PlayPause", "Paused")):
            self.signals.clear()
            call(PLAYER, member)
            self.wait_for(lambda: {"PlaybackStatus": status} in self.signals)
            self.assertEqual(get(PLAYER, "PlaybackStatus"), status)
        for value, kept in ((0.25, 0.25), (-1.0, 0.0), (1.5, 1.0)):
            self.signals.clear()
            put("Volume", GLib.Variant("d", value))
            self.wait_for(lambda: {"Volume": kept} in self.signals)
            self.assertEqual(get(PLAYER, "Volume"), kept)
            told = bus.call_sync(CHANNEL[0], CHANNEL[1], PROPERTIES, "Get",
                                 GLib.Variant("(ss)", (CHANNEL[2], "Volume")), None, 0, -1, None)
            self.assertEqual(told.unpack()[0], kept)
        with self.assertRaises(GLib.Error):
            put("Volume", GLib.Variant("d", float("nan")))
        put("Rate", GLib.Variant("d", 0.0))
        self.assertEqual(get(PLAYER, "PlaybackStatus"), "Paused")

    @unittest.skipUnless(shutil.which("playerctl"), "no playerctl")
    def test_playerctl_and_media_keys(self):
        self.assertIn("fermata", playerctl("--list-all").splitlines())
        one = ("--player", "fermata")
        playerctl(*one, "next")
        self.assertEqual(playerctl(*one, "metadata", "xesam:title"),
                         get(PLAYER, "Metadata")["xesam:title"])
        self.assertEqual(playerctl(*one, "metadata", "artist"), "Fermata")
        self.assertEqual(playerctl(*one, "status"), "Playing")
        playerctl(*one, "pause")
        self.assertEqual(playerctl(*one, "status"), "Paused")
        playerctl(*one, "play-pause")
        self.assertEqual(playerctl(*one, "status"), "Playing")
        playerctl(*one, "volume", "0.5")
        self.assertEqual(playerctl(*one, "volume"), "0.500000")
        self.assertGreaterEqual(float(playerctl(*one, "position")), 0)
        # playerctld hands media keys to the player that was used last.
        keys = subprocess.Popen(["playerctld"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        self.addCleanup(keys.wait)
        self.addCleanup(keys.kill)
        self.wait_for(lambda: playerctl("--player", "playerctld", "status") == "Playing")
        title = get(PLAYER, "Metadata")["xesam:title"]
        playerctl("--player", "playerctld", "next")
        self.wait_for(lambda: get(PLAYER, "Metadata")["xesam:title"] != title)
        playerctl("--player", "playerctld", "pause")
        self.wait_for(lambda: get(PLAYER, "PlaybackStatus") == "Paused")


def main():
    global bus, daemon
    daemon = subprocess.Popen(daemon_command, stdin=subprocess.DEVNULL)
    bus = Gio.bus_get_sync(Gio.BusType.SESSION)
    deadline = time.monotonic() + PATIENCE
    while not bus.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner",
                            GLib.Variant("(s)", (NAME,)), None, 0, -1, None).unpack()[0]:
        assert daemon.poll() is None and time.monotonic() < deadline, "the daemon is not there"
        time.sleep(0.05)
    try:
        result = unittest.main(argv=sys.argv[:1], exit=False).result
    finally:
        daemon.terminate()
        status = daemon.wait(PATIENCE)
    sys.exit(not result.wasSuccessful() or status != 0)


if __name__ == "__main__":
    main()
