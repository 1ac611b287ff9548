# SPDX-License-Identifier: MIT
"""Turns: workers that stay open and measure when they are asked to, one after the other.

A worker says one line when it is ready and answers every line it is sent with one, both of "key
value" pairs. So those that are compared take turns of a fraction of a second in one run, and a
machine that is busy for a while is unfair to nobody.
"""

import os
import statistics
import subprocess
import tempfile


class Missing(Exception):
    """A worker that cannot be had; says why."""


def pairs(line):
    """{key: value} of a worker's line; "device" is the last key, and its value the rest."""
    line, _, device = line.partition('device ')
    words = line.split()
    found = dict(zip(words[::2], words[1::2]))
    return {**found, 'device': device.strip()} if device else found


class Worker:
    """A process that measures. hello: what it said when it was ready."""

    def __init__(self, command, env=None):
        self.errors = tempfile.TemporaryFile('w+', errors='replace')
        try:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=self.errors, env={**os.environ, **(env or {})}, text=True)
        except OSError as error:
            raise Missing(f'{command[0]}: {error.strerror}') from error
        self.hello = pairs(self._read())

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            self.errors.seek(0)
            said = [line.strip() for line in self.errors if line.strip()]
            raise Missing(said[-1] if said else f'ended with status {status}')
        return line

    def ask(self, request=''):
        """What it answers. Raises Missing where it ends instead."""
        try:
            self.process.stdin.write(request + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return pairs(self._read())

    def close(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def take(contestants, rounds, key):
    """{name: [figure of each round]} of {name: function that measures}; whoever fails is left out,
    and its place in the answer is the reason. The order goes round, so that nobody always comes
    after the same one."""
    figures = {name: [] for name in contestants}
    for turn in range(rounds):
        names = [name for name, found in figures.items() if isinstance(found, list)]
        turned = turn % max(1, len(names))
        for name in names[turned:] + names[:turned]:
            try:
                figures[name].append(float(contestants[name]()[key]))
            except Missing as missing:
                figures[name] = str(missing)
    return figures


class Spread:
    """The median of some figures, the least and the largest."""

    def __init__(self, figures):
        self.median, self.least, self.most = statistics.median(figures), min(figures), max(figures)

    def text(self, form):
        """Such as "1.73 (1.60 to 1.82)"."""
        return f'{self.median:{form}} ({self.least:{form}} to {self.most:{form}})'


def ratios(theirs, ours):
    """Of each round by itself, how many times ours theirs is."""
    return Spread([one / other for one, other in zip(theirs, ours)])
