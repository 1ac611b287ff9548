#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""fermatactl against a daemon that plays: every verb, exit code, the terminal and the picture.

    lib/session.sh [--no-pipewire] -- ./test_ctl.py --ctl fermatactl --daemon COMMAND...
"""
import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

NAME = "org.fermata.HoldMusic1"
PATIENCE = 240  # seconds until a test gives up waiting; nothing is asserted about time
daemon_command: list[str] = []
ctl = ""
daemon = None
daemon_log = None


def start_daemon():
    global daemon
    daemon = subprocess.Popen(daemon_command, stderr=daemon_log, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while run("status").returncode != 0:
        if daemon.poll() is not None or time.monotonic() > deadline:
            sys.exit("the daemon does not come up")
        time.sleep(0.1)


def stop_daemon():
    daemon.send_signal(signal.SIGTERM)
    return daemon.wait(PATIENCE)


def run(*args, **kwargs):
    return subprocess.run([ctl, *args], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, **kwargs)


def wait_for_signals(process):
    """Until a watch takes its signals by a descriptor: before, they would simply end it. It has the
    feed then, too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            blocked = int(re.search(r"^SigBlk:\s*(\w+)", file.read(), re.M).group(1), 16)
        if blocked & 1 << signal.SIGINT - 1:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"it does not watch: {process.returncode}")
        time.sleep(0.01)


def watch_until(condition, *args):
    """What a watch in a pipe tells up to a line for which condition(line) holds; how it ends when it
    is interrupted then, and what it says of errors."""
    watch = subprocess.Popen([ctl, "watch", *args], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    told = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while not any(condition(line.decode()) for line in told.split(b"\n")[:-1]):
            if time.monotonic() > deadline:
                raise AssertionError(f"not told: {told[-2000:]}")
            if select.select([watch.stdout], [], [], 0.1)[0]:
                data = os.read(watch.stdout.fileno(), 65536)
                if not data:
                    raise AssertionError(f"it has ended: {told[-2000:]} {watch.stderr.read()}")
                told += data
        watch.send_signal(signal.SIGINT)
        rest, error = watch.communicate(timeout=PATIENCE)
    finally:
        watch.kill()
    return (told + rest).decode().splitlines(), watch.returncode, error.decode()


class Terminal:
    """fermatactl in a terminal of its own."""

    def __init__(self, *args, rows=24, columns=80, term="xterm-256color", locale="C.UTF-8", cwd=None):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        env = {**os.environ, "TERM": term, "LC_ALL": locale}
        self.process = subprocess.Popen([ctl, *args], cwd=cwd, stdin=self.slave, stdout=self.slave,
                                        stderr=subprocess.PIPE, env=env, start_new_session=True)
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.text = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            self.text += self.decoder.decode(os.read(self.master, 65536))
            seconds = 0  # all that is there, so that it never waits for us

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.text):
            if time.monotonic() > deadline:
                raise AssertionError(f"not shown: {pattern}\n{self.text[-2000:]!r}")
            self.read(0.1)

    def send(self, keys):
        self.text = ""
        os.write(self.master, keys.encode())

    def end(self):
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.05)
        self.read(0.05)
        error = self.process.stderr.read().decode()
        self.process.stderr.close()
        after = termios.tcgetattr(self.slave)
        os.close(self.master)
        os.close(self.slave)
        return self.process.wait(1), error, after == self.before


class Verbs(unittest.TestCase):
    def tearDown(self):
        self.assertIsNone(daemon.poll(), "the daemon has ended")

    def ok(self, *args):
        result = run(*args)
        self.assertEqual((result.returncode, result.stderr), (0, ""), args)
        return result.stdout

    def ended(self, code, *args, words=(), **kwargs):
        result = run(*args, **kwargs)
        self.assertEqual(result.returncode, code, (args, result))
        self.assertTrue(result.stderr.startswith(("fermatactl: ", ctl)), result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def status(self):
        status = json.loads(self.ok("status", "--json"))
        return status, next(c for c in status["channels"] if c["name"] == "main")

    def test_status(self):
        self.ok("stop")  # so that the state stays as it is
        self.addCleanup(run, "start")
        status, channel = self.status()
        text = self.ok()

        def without_numbers(text):  # what is composed ahead may still grow
            return re.sub(r"\d+(\.\d+)?", "#", re.sub(r" \(\d+ [a-z].*\)", "", text))
        self.assertEqual(without_numbers(text), without_numbers(self.ok("status")))
        self.assertIn("main: stopped", text)
        for word in (channel["composer"], channel["net"], status["device"], status["version"]):
            self.assertIn(word, text)
        for key in ("state", "threshold", "sampling", "volume", "reseed_interval", "reseeds",
                    "uptime", "seed", "position", "step", "piece_length", "title",
                    "notes_per_minute", "seconds_ahead"):
            self.assertIn(key, channel)
        self.assertRegex(text, rf"seed +{channel['seed']}, at {channel['position'] / 1e6:.1f} s, "
                               r"step \d+\n")

    def test_decisions(self):
        deadline = time.monotonic() + PATIENCE
        while not self.status()[1]["decisions"]["kept"] and time.monotonic() < deadline:
            time.sleep(0.1)  # a daemon that has just come up
        self.ok("stop")
        self.addCleanup(run, "start")
        decisions = self.status()[1]["decisions"]
        for key in ("judged", "kept", "refused", "least_bad", "reseeds_own", "pieces",
                    "longest_gap_ms"):
            self.assertIsInstance(decisions[key], int, key)
        self.assertGreater(decisions["kept"], 0)
        reasons = {k[8:]: v for k, v in decisions.items() if k.startswith("refused_")}
        self.assertEqual(sum(reasons.values()), decisions["refused"])
        line = next(x for x in self.ok("status").splitlines() if "drafts" in x)
        self.assertRegex(line, r"\d+ judged, \d+ kept, \d+ refused.*, \d+ least bad$")
        for reason, count in reasons.items():
            if count:
                self.assertRegex(line, rf"[(,] ?\d+ {reason}[,)]")

    def test_values(self):
        status, before = self.status()
        other = next(c for c in status["composers"] if c != before["composer"])
        for verb, key, text, value in (("composer", "composer", other, other),
                                       ("threshold", "threshold", "50%", 0.5),
                                       ("threshold", "threshold", "0.625", 0.625),
                                       ("sampling", "sampling", "hard", "hard"),
                                       ("profile", "profile", "telephone", "telephone"),
                                       ("output", "output", "source", "source"),
                                       ("target", "target", "none.such", "none.such"),
                                       ("volume", "volume", "25%", 0.25),
                                       ("volume", "volume", "0.75", 0.75),
                                       ("rtp", "rtp", "127.0.0.1:5004", "127.0.0.1:5004"),
                                       ("reseed-interval", "reseed_interval", "1m30s", 90),
                                       ("reseed-interval", "reseed_interval", "45", 45),
                                       ("piece-length", "piece_length", "1.5-4", "1.5-4"),
                                       ("piece-length", "piece_length", "0", "0")):
            with self.subTest((verb, text)):
                self.assertEqual(self.ok(verb, text), "")
                self.assertEqual(self.status()[1][key], value)
                self.assertEqual(self.ok(verb).splitlines()[0], str(value))
        self.assertIn("to 127.0.0.1:5004", self.ok("status"))
        self.ok("rtp", "off")
        self.assertEqual(self.ok("rtp").strip(), "off")
        for word in ("yes", "no"):
            self.assertEqual(self.ok("midi", word), "")
            self.assertIs(self.status()[1]["midi"], word == "yes")
            self.assertEqual(self.ok("midi").strip(), word)
        self.ok("midi", "on")
        self.assertIs(self.status()[1]["midi"], True)
        self.ok("midi", "off")
        self.ended(2, "midi", "perhaps", words=["yes or no", "perhaps"])
        for verb, key in (("composer", "composer"), ("threshold", "threshold"), ("net", "net"),
                          ("sampling", "sampling"), ("profile", "profile"), ("volume", "volume"),
                          ("output", "output"), ("target", "target"),
                          ("reseed-interval", "reseed_interval"),
                          ("piece-length", "piece_length")):
            self.ok(verb, str(before[key]))

    def test_lists(self):
        status, _ = self.status()
        self.assertEqual(self.ok("composer", "--list").splitlines(), status["composers"])
        self.assertEqual(self.ok("net", "-l").splitlines(), status["nets"])
        for net in status["nets"]:
            barred = net not in status["commercial_nets"]
            self.assertEqual(f"{net} (not for commercial use)" in self.ok("net"), barred)
            self.assertEqual(f"{net} (non-commercial)" in self.ok("status"), barred)
        self.assertEqual(self.ok("sampling", "-l").splitlines(), ["sample", "hard"])
        self.assertEqual(self.ok("profile", "-l").splitlines(), ["room", "telephone", "raw"])
        for composer in status["composers"]:
            self.assertIn(composer, self.ok("composer").splitlines()[1])

    def test_play(self):
        self.ok("start")
        self.assertNotEqual(self.status()[1]["state"], "stopped")
        self.ok("reseed")
        self.ok("skip")
        self.ok("stop")
        self.assertEqual(self.status()[1]["state"], "stopped")
        self.ok("start")

    def test_refused(self):
        status, before = self.status()
        self.ended(1, "composer", "salieri", words=["salieri", before["composer"]])
        if "satie-open" in status["nets"]:  # of bus_probe; it does not offer what is played
            self.ended(1, "composer", "satie", words=[before["net"], "such as satie-open"])
            self.ended(1, "net", "satie-open", words=[before["composer"], "offers: satie"])
        for verb, word in (("net", before["net"]), ("sampling", "hard"), ("profile", "telephone")):
            self.ended(1, verb, "x", words=[word])
        self.ended(1, "output", "x", words=["stream", "source"])
        self.ended(1, "target", "a\nb", words=["node.name"])
        self.ended(1, "volume", "101%", words=["0 to 1"])
        self.ended(1, "threshold", "nan", words=["0 to 1"])
        self.ended(1, "threshold", "--", "-0.5", words=["0 to 1"])
        self.ended(1, "reseed-interval", "2", words=["3600"])
        self.ended(1, "piece-length", "5-2", words=["5-2", "2-5"])
        for bad in ("127.0.0.1", "127.0.0.1:65535", "127.0.0.1:5004/gsm", "224.0.0.1:5004", "pbx:1"):
            self.ended(1, "rtp", bad, words=[bad, "must"])
        self.ended(1, "--channel", "none", "status", words=["none", "main"])
        self.ended(1, "--channel", "none", "watch", words=["none", "main"])
        self.assertEqual(run("--channel", "none", "watch").stderr.count("none"), 1)
        self.ended(1, "--channel", "../main", "start", words=["../main"])
        self.ended(1, "--channel", "", "start")
        self.ended(1, "composer", os.fsdecode(b"\xff"), words=["UTF-8"])
        for key in ("composer", "net", "sampling", "profile", "volume", "threshold", "reseed_interval"):
            self.assertEqual(self.status()[1][key], before[key])

    def test_usage(self):
        for args in (["play"], ["start", "x"], ["composer", "a", "b"], ["--wrong"],
                     ["start", "--json"], ["watch", "--seconds", "x"], ["watch", "-s", "0"],
                     ["watch", "-s", "nan"], ["volume", "loud"], ["volume", "5%%"],
                     ["volume", ""], ["threshold", "50 %"], ["reseed-interval", "--", "-1"],
                     ["reseed-interval", "5x"], ["reseed-interval", "0.5"], ["reseed-interval", "4294967296"],
                     ["help", "play"], ["play", "--help"], ["watch", "--png"]):
            with self.subTest(args):
                self.ended(2, *args)

    def test_version_and_help(self):
        version = self.ok("--version").split()[1]
        self.assertIn(f"fermatad {version}", self.ok("version"))
        self.assertEqual(self.ok("--help"), self.ok("help"))
        self.assertIn("usage: fermatactl watch", self.ok("help", "watch"))
        self.assertEqual(self.ok("watch", "-h"), self.ok("help", "watch"))

    def test_unreachable(self):
        env = dict(os.environ)
        env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent"
        self.ended(3, "status", env=env, words=["/nonexistent"])
        del env["DBUS_SESSION_BUS_ADDRESS"], env["XDG_RUNTIME_DIR"]
        self.ended(3, "status", env=env, words=["DBUS_SESSION_BUS_ADDRESS"])

    def test_full_disk(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for words in (["status"], ["watch", "-s", "30"], ["watch", "--json", "-s", "30"]):
                result = subprocess.run([ctl, *words], stdout=full, stderr=subprocess.PIPE,
                                        check=False, text=True)
                self.assertEqual(result.returncode, 5, words)
                self.assertIn("No space left", result.stderr)
        self.ended(5, "watch", "-q", "-s", "0.1", "-p", "/nonexistent/x.png",
                   words=["/nonexistent/x.png"])


class Watch(unittest.TestCase):
    def setUp(self):
        run("start")
        deadline = time.monotonic() + PATIENCE
        while json.loads(run("status", "--json").stdout)["channels"][0]["state"] != "playing":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)

    def test_lines(self):
        lines, code, error = watch_until(lambda line: "velocity" in line)
        self.assertEqual((code, error), (0, ""))
        for line in lines:
            self.assertRegex(line, r"^\d+\.\d\d s  ([A-G]#?-?\d +\d+  velocity +\d+  \d+\.\d\d s|"
                                   r"[a-z]+(: .*)?)$")

    def test_json(self):
        lines, code, error = watch_until(lambda line: json.loads(line)["event"] == "on", "--json")
        self.assertEqual((code, error), (0, ""))
        self.assertEqual(json.loads(lines[0])["event"], "hello")

    def test_seconds(self):
        result = run("watch", "--seconds", "0.3", "--json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_nobody_reads(self):
        watch = subprocess.Popen([ctl, "watch", "--json"], stdout=subprocess.PIPE)
        watch.stdout.readline()
        watch.stdout.close()
        self.assertEqual(watch.wait(PATIENCE), 0)

    def test_picture(self):
        for stop in (None, signal.SIGINT, signal.SIGTERM):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "roll.png")
                seconds = ["--seconds", "2"] if stop is None else []
                watch = subprocess.Popen([ctl, "watch", "--quiet", "--png", path, *seconds],
                                         stdout=subprocess.PIPE)
                if stop is not None:
                    wait_for_signals(watch)
                    watch.send_signal(stop)
                self.assertEqual(watch.communicate(timeout=PATIENCE)[0], b"")
                self.assertEqual(watch.returncode, 0)
                with open(path, "rb") as file:
                    head = file.read(24)
                self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
                self.assertEqual(struct.unpack(">I", head[16:20])[0], 1500)

    def test_terminals(self):
        for rows, columns, term, locale in ((24, 80, "xterm-256color", "C.UTF-8"),
                                            (60, 200, "xterm-256color", "C.UTF-8"),
                                            (24, 80, "linux", "C.UTF-8"),
                                            (24, 80, "vt100", "C"),
                                            (6, 20, "xterm", "C.UTF-8"),
                                            (1, 1, "xterm", "C.UTF-8"),
                                            (120, 400, "xterm-256color", "C")):
            with self.subTest((rows, columns, term)):
                t = Terminal("watch", rows=rows, columns=columns, term=term, locale=locale)
                if rows >= 24:
                    composer = json.loads(run("status", "--json").stdout)["channels"][0]["composer"]
                    t.wait_for(composer)
                    t.wait_for("[▀▄]" if locale != "C" else r"[-=#]{2}[^-]*")
                else:
                    t.wait_for(".")
                t.send("q")
                self.assertEqual(t.end(), (0, "", True))

    def test_an_unknown_terminal(self):
        for term in ("nonesuch", "dumb"):  # the latter cannot move its cursor
            t = Terminal("watch", "--seconds", "1", term=term)
            code, error, restored = t.end()
            self.assertEqual((code, restored), (0, True))
            self.assertIn(term, error)

    def test_keys(self):
        before = json.loads(run("status", "--json").stdout)["channels"][0]
        t = Terminal("watch", rows=24, columns=160)
        t.wait_for(before["composer"])

        def until(condition):
            deadline = time.monotonic() + PATIENCE
            while not condition(found := json.loads(run("status", "--json").stdout)["channels"][0]):
                t.read(0.1)
                self.assertLess(time.monotonic(), deadline)
            return found

        heard = before["composer"]
        for key in "ccccCCCC":  # all round, past those whom only other nets offer, and back
            t.send(key)
            heard = until(lambda c: c["composer"] != heard)["composer"]
        self.assertEqual(heard, before["composer"])
        t.send("T-")
        until(lambda c: c["threshold"] > before["threshold"] and c["volume"] < before["volume"])
        t.send("t+")
        until(lambda c: c["threshold"] == before["threshold"] and c["volume"] == before["volume"])
        t.send("r")
        until(lambda c: c["reseeds"] > before["reseeds"])
        t.send("n")
        t.wait_for("piece")
        t.send(" ")
        until(lambda c: c["state"] == "stopped")
        t.send(" ")
        until(lambda c: c["state"] != "stopped")
        t.resize(50, 100)
        t.process.send_signal(signal.SIGWINCH)
        t.wait_for(r"\x1b\[50;")  # the keys are in the last line
        t.send("xyz\x1b[A\x1b")
        t.send("q")
        self.assertEqual(t.end(), (0, "", True))

    def test_the_key_that_keeps(self):
        with tempfile.TemporaryDirectory() as folder:
            t = Terminal("watch", columns=120, cwd=folder)
            t.wait_for("notes/min")
            deadline = time.monotonic() + PATIENCE
            t.send("k")
            while not any(name.endswith(".mid") for name in os.listdir(folder)):
                t.read(0.1)
                self.assertLess(time.monotonic(), deadline)
            t.send("q")
            self.assertEqual(t.end(), (0, "", True))
            kept, = os.listdir(folder)
            self.assertRegex(kept, r"\Afermata-\d{8}-\d{6}\.mid\Z")
            with open(os.path.join(folder, kept), "rb") as file:
                self.assertEqual(file.read(4), b"MThd")

    def test_signals_give_the_terminal_back(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            t = Terminal("watch")
            t.wait_for("notes/min")
            t.process.send_signal(number)
            self.assertEqual(t.end(), (0, "", True))


class WithoutTheDaemon(unittest.TestCase):
    """Kills the daemon, so it comes last."""

    def test_lost(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "roll.png")
            terminal = Terminal("watch", "--png", path)
            terminal.wait_for("notes/min")
            lines = subprocess.Popen([ctl, "watch"], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
            wait_for_signals(lines)  # a daemon that is gone before it has the feed is another case
            daemon.kill()
            daemon.wait()
            code, error, restored = terminal.end()
            self.assertEqual((code, restored), (4, True))
            self.assertIn("fermatad has ended", error)
            self.assertTrue(os.path.exists(path))
            self.assertIn(b"fermatad has ended", lines.communicate(timeout=PATIENCE)[1])
            self.assertEqual(lines.returncode, 4)
        result = run("status")
        self.assertEqual(result.returncode, 3)
        self.assertIn("systemctl --user start fermata", result.stderr)
        self.assertEqual(run("composer", "--list").stdout, "")
        result = run("health")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stdout, r"\AFERMATA CRITICAL: fermatad is not running.*\n\Z")
        result = run("metrics")
        self.assertEqual(result.returncode, 0)
        self.assertIn("\nfermata_up 0\n# EOF\n", result.stdout)
        start_daemon()


def main():
    global ctl, daemon_command, daemon_log
    args = sys.argv[1:]
    rest = []
    if "--" in args:
        rest = args[args.index("--") + 1:]
        args = args[:args.index("--")]
    if args[:1] != ["--ctl"] or args[2:3] != ["--daemon"]:
        sys.exit(__doc__)
    ctl, daemon_command = os.path.abspath(args[1]), args[3:]
    daemon_log = open(os.path.join(os.environ["SESSION_DIR"], "log", "fermatad"), "ab")
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
