#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the test suites and counts what they say; ./check calls it.

Each suite is either one of meson's (by its name in the meson.build files), in
one of three builds (plain, and with sanitizers), or the Python tests of
models/. Two lanes run them side by side: suites that compute, one after
another and at a lower priority, and beside them those that mostly wait for
what is played in real time. Skipped tests are named with their reason, failed
ones with theirs and the end of their output; all that failed is told once more
at the end, a line each. The last line is always "N passed, N failed, N
skipped".
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
PATIENCE = 4  # times what a test may take on an idle machine, until it is ended
LOG_LINES = 60  # of each of a failed test's two outputs, at the end
BLOCK_LINES = 30  # of one reason in it
REASON_ROOM = 300  # characters of a reason in the list at the end


class Suite(NamedTuple):
    """A name for the command line, and how it is run."""

    name: str
    help: str
    build: str = ""  # folder under build/, "" for the Python tests
    setup: tuple = ()  # options of meson setup
    meson: tuple = ()  # meson's suites
    on_demand: bool = False  # runs where it is named alone
    waits: int = 0  # its tests mostly wait: so many at once, beside what computes


# Of the builds with sanitizers only what their suites run is built.
PLAIN = ("check", ("-Dtests=true",))
# At -O1, which builds in half the time, gcc does not see how large the numbers are that are printed.
FAST = ("-Doptimization=1", "-Dc_args=-Wno-format-truncation")
ASAN = ("check-asan", ("-Dtests=true", "-Db_sanitize=address,undefined", *FAST))
TSAN = ("check-tsan", ("-Dtests=true", "-Db_sanitize=thread", *FAST))
NICE = ("nice", "-n", "10")  # what computes gives way to what plays in real time

SUITES = (
    Suite("unit", "every module alone, without hardware", *PLAIN, ("unit",)),
    Suite("gpu", "kernels and nets against references, on every Vulkan driver here", *PLAIN, ("gpu",)),
    Suite("drivers", "the same of more kernels on drivers and vector widths of CPUs; only where named",
          *PLAIN, ("drivers",), on_demand=True),
    Suite("system", "the real daemon with a private bus and PipeWire", *PLAIN, ("system",), waits=3),
    Suite("engine", "what the nets compose to files", *PLAIN, ("engine",)),
    Suite("soak", "20 minutes of music of every net and composer, held against what is promised",
          *PLAIN, ("soak",)),
    Suite("lint", "layers, formatting, shell scripts, units", *PLAIN, ("lint",)),
    Suite("tidy", "clang-tidy", *PLAIN, ("tidy",)),
    Suite("models", "data, training and export in Python"),
    Suite("asan", "unit and light tests under AddressSanitizer and UBSan", *ASAN, ("unit", "light")),
    Suite("tsan", "unit and light tests under ThreadSanitizer", *TSAN, ("unit", "light")),
    Suite("tier2", "Debian packages and units in a booted Debian; only where named", *PLAIN, ("tier2",),
          on_demand=True),
)

SANITIZERS = {
    "ASAN_OPTIONS": "halt_on_error=1:abort_on_error=0:detect_leaks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


# What a failed test says of its reason, in the words of what found it.
UNITTEST = re.compile(r"^=+\n((?:FAIL|ERROR): .*?)(?=^=+\n|^-+\nRan \d|\Z)", re.MULTILINE | re.DOTALL)
EXCEPTION = re.compile(r"^((?:\w+\.)*\w*(?:Error|Exception|Expired|Exit|Interrupt|Skip)\b.*)", re.MULTILINE)
TOLD = re.compile(
    r"^\[ *(?:ERROR|LINE|FAILED) *\] .*"  # cmocka
    r"|^.*\b(?:ERROR|WARNING): \w+Sanitizer: .*|^.*: runtime error: .*|^SUMMARY: \w+Sanitizer: .*"
    r"|^.*\bAssertion .* failed.*"
    r"|^.*\b(?:fatal )?error: .*|^FAILED: .*",  # compilers, ninja
    re.MULTILINE,
)


def reasons(output):
    """What in the output says why a test failed: for each reason a line and the lines around it."""
    found = []
    for block in UNITTEST.findall(output):
        title = re.sub(r"^\w+: \w+ \((?:__main__\.)?(.*?)\)", r"\1", block.splitlines()[0])
        raised = EXCEPTION.findall(block)
        found.append((f"{title}: {raised[-1]}" if raised else title, block))
    if not found and "Traceback (most recent call last):" in output:
        block = output[output.rindex("Traceback (most recent call last):") :]
        found.append(((EXCEPTION.findall(block) or ["an exception"])[-1], block))
    told = list(dict.fromkeys(TOLD.findall(re.sub(UNITTEST, "", output))))
    if told:
        found.append(("; ".join(line.strip() for line in told[:3]), "\n".join(told)))
    return found


def how_it_ended(result):
    """Of one of meson's results: a timeout, a signal or an exit status."""
    status = result.get("returncode", 0)
    if result["result"] == "TIMEOUT":
        return f"timeout after {result.get('duration', 0):.0f} s"
    number = -status if status < 0 else status - 128  # a shell's, and session.py's
    if number in signal.valid_signals():
        return f"signal {number} ({signal.Signals(number).name})"
    return f"exit status {status}"


class Tally:
    """What came of a suite: how many, why some are not passes, what it took."""

    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.cpu = 0.0  # seconds of all its processes
        self.start = time.monotonic()
        self.lines = []  # to be told together, for another suite runs beside
        self.why = []  # of each failure, in a line

    def say(self, *lines):
        self.lines += lines

    def skip(self, name, reason):
        self.skipped += 1
        self.say(f"  skipped: {name}: {reason}")

    def fail(self, name, *outputs, ended=""):
        """Tells what the test said; `ended` is how it did where it says no more itself."""
        self.failed += 1
        self.say(f"  FAILED:  {name}" + (f", {ended}" if ended else ""))
        outputs = [output.strip() for output in outputs if output.strip()]
        found = [reason for output in outputs for reason in reasons(output)]
        # The logs of a session come after what the test itself said last.
        said = "\n".join(outputs).partition("\nsession: the end of the log")[0].strip().splitlines()
        short = "; ".join(line for line, _ in found) or (said[-1] if said else "it said nothing")
        self.why.append(f"{name}, {ended}: {short}" if ended else f"{name}: {short}")
        ends = [output.splitlines()[-LOG_LINES:] for output in outputs]
        for _, block in found:  # also where the end has it: a log may be cut off before that
            lines = block.strip().splitlines()
            if len(lines) > BLOCK_LINES:  # the head names the test, the end says what was wrong
                lines[5 : 6 - BLOCK_LINES] = ["..."]
            self.indent("reason", lines)
        for end in ends:
            self.indent("the end of its output", end)

    def indent(self, title, lines):
        self.say(f"    {title}:", *(f"      {line}" for line in lines))

    def tell(self):
        """All there is to tell, once it has ended."""
        self.say(f"{self.name}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped in"
                 f" {time.monotonic() - self.start:.0f} s ({self.cpu:.0f} s of CPU)")
        print("\n".join(self.lines), flush=True)

    def command(self, *arguments, **options):
        """Exit status and output of a command, standard error among it."""
        with subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            **options,
        ) as process:
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu += usage.ru_utime + usage.ru_stime
        return process.returncode, output


def targets(folder, meson):
    """The files that the tests of these suites of meson's need."""
    def read(name):
        return json.loads((folder / "meson-info" / f"intro-{name}.json").read_text())

    wanted = {name for test in read("tests") for name in test["depends"]
              if {suite.split(":")[-1] for suite in test["suite"]} & set(meson)}
    files = [Path(file) for target in read("targets") if target["id"] in wanted
             for file in target["filename"]]
    return [file.relative_to(folder) for file in files]


def build(tally, suite):
    """Builds what the suite needs; returns whether it could."""
    folder = BUILD / suite.build
    werror = "true" if os.environ.get("CI") == "true" else "false"
    options = [*suite.setup, f"-Dwerror={werror}"]
    if (folder / "build.ninja").is_file():
        status, output = tally.command("meson", "configure", folder, *options)
        if status == 0:  # what is to be built is read from what meson writes
            status, output = tally.command("ninja", "-C", folder, "build.ninja")
    else:
        status, output = tally.command("meson", "setup", folder, *options)
    if status == 0:
        wanted = [] if suite.build == PLAIN[0] else targets(folder, suite.meson)
        status, output = tally.command(*NICE, "ninja", "-C", folder, *wanted)
    if status:
        tally.fail(f"build/{suite.build}", output)
    return status == 0


def reason(result):
    """Why a test skipped itself: the last thing it said."""
    said = f"{result.get('stderr', '')}\n{result.get('stdout', '')}".strip().splitlines()
    return re.sub(r"^skipped: *", "", said[-1].strip()) if said else "it gave no reason"


def count_meson(tally, suite, results):
    for result in results:
        name = f"{suite.name}: {result['name'].split(' / ')[-1]}"
        if result["result"] in ("OK", "EXPECTEDFAIL"):
            tally.passed += 1
        elif result["result"] == "SKIP":
            tally.skip(name, reason(result))
        else:
            said = result.get("stdout", ""), result.get("stderr", "")
            tally.fail(f"{name} ({result['result'].lower()})", *said, ended=how_it_ended(result))


def run_meson(tally, suite):
    folder = BUILD / suite.build
    log = folder / "meson-logs" / f"check-{suite.name}.json"
    log.unlink(missing_ok=True)
    chosen = [argument for name in suite.meson for argument in ("--suite", name)]
    environment = {**SANITIZERS, **os.environ}
    suppressions = ROOT / "tests" / "lsan.supp"
    if suppressions.is_file():
        environment.setdefault("LSAN_OPTIONS", f"suppressions={suppressions}:print_suppressions=0")
    many = ("--num-processes", suite.waits or os.cpu_count(), "--timeout-multiplier", PATIENCE)
    status, output = tally.command(
        *(() if suite.waits else NICE),
        *("meson", "test", "-C", folder, "--no-rebuild", "--logbase", log.stem, *many, *chosen),
        env=environment,
    )
    if log.is_file():
        results = [json.loads(line) for line in log.read_text().splitlines()]
    elif "No suitable tests defined" in output or "No tests defined" in output:
        results = []
    else:
        tally.fail(f"{suite.name}: meson test (exit status {status})", output)
        return
    if not results:
        tally.skip(suite.name, "there are no such tests in this build")
    count_meson(tally, suite, results)


def run_models(tally, suite):
    folder = ROOT / "tests" / "models"
    status, output = tally.command(
        *(*NICE, sys.executable, "-m", "unittest", "discover", "-v", "-s", folder),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    ran = re.search(r"^Ran (\d+) tests? in", output, re.MULTILINE)
    if not ran:
        tally.fail("models: unittest", output)
        return
    counts = {name: int(n) for name, n in re.findall(r"(failures|errors|skipped)=(\d+)", output)}
    skipped = re.findall(r"^(.*) \.\.\. skipped '(.*)'$", output, re.MULTILINE)
    bad = counts.get("failures", 0) + counts.get("errors", 0)
    for name, why in skipped:
        tally.skip(f"models: {name}", why)
    tally.skipped += counts.get("skipped", 0) - len(skipped)
    tally.passed += max(int(ran[1]) - bad - counts.get("skipped", 0), 0)
    if bad or status:
        parts = re.split(r"^=+\n(?=(?:FAIL|ERROR): )", output, flags=re.MULTILINE)[1:]
        for part in parts or [output]:
            tally.fail(f"models: {part.splitlines()[0]}", part)


def run(suite):
    """Runs a suite whose plain build is there; returns its tally."""
    tally = Tally(suite.name)
    try:
        if not suite.build:
            run_models(tally, suite)
        elif suite.build == PLAIN[0] or build(tally, suite):
            run_meson(tally, suite)
        else:
            tally.say("  not run, because the build failed")
    except (OSError, ValueError, KeyError) as error:  # of what meson has written
        tally.fail(f"{suite.name}: {error!r}")
    tally.tell()
    return tally


def run_lanes(suites):
    """Runs the suites, those that wait beside those that compute; returns their tallies."""
    tallies, lock = {}, threading.Lock()
    left = sorted(suites, key=lambda suite: not suite.waits)

    def take(computing):
        with lock:
            fitting = [suite for suite in left if not (computing and suite.waits)]
            return left.pop(left.index(fitting[0])) if fitting else None

    def lane(computing):
        while suite := take(computing):
            tallies[suite.name] = run(suite)

    # Only threads that do not hold up the end: where it is interrupted, so are they.
    lanes = [threading.Thread(target=lane, args=(computing,), daemon=True)
             for computing in ((True, False) if any(suite.waits for suite in suites) else (True,))]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    return [tallies[suite.name] for suite in suites]


def main():
    parser = argparse.ArgumentParser(
        prog="./check",
        description="Runs the tests: all suites, or those named.",
        epilog="CI=true makes compiler warnings errors. Exit status: 0 if nothing failed, else 1.",
    )
    names = [suite.name for suite in SUITES]
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(names))
    parser.add_argument("--list", action="store_true", help="say which suites there are")
    arguments = parser.parse_args()
    for name in arguments.suites:
        if name not in names:
            parser.error(f"no suite {name}; there are {', '.join(names)}")
    if arguments.list:
        for suite in SUITES:
            print(f"{suite.name:8} {suite.help}")
        return 0

    start = time.monotonic()
    suites = [suite for suite in SUITES
              if suite.name in arguments.suites or not (arguments.suites or suite.on_demand)]
    tallies = []
    plain = next((suite for suite in suites if suite.build == PLAIN[0]), None)
    if plain:
        tallies.append(Tally("build"))
        if not build(tallies[0], plain):
            tallies[0].say("  without it only the suites with builds of their own are run")
            suites = [suite for suite in suites if suite.build != PLAIN[0]]
        tallies[0].tell()
    tallies += run_lanes(suites)
    if any(tally.why for tally in tallies):
        print("failed:")
    for line in (" ".join(line.split()) for tally in tallies for line in tally.why):
        print(f"  {line[:REASON_ROOM - 3]}..." if len(line) > REASON_ROOM else f"  {line}")
    passed, failed, skipped = (sum(getattr(tally, key) for tally in tallies)
                               for key in ("passed", "failed", "skipped"))
    cpu = sum(tally.cpu for tally in tallies)
    print(f"{time.monotonic() - start:.0f} s in all, {cpu:.0f} s of CPU")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
