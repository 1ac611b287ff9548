# SPDX-License-Identifier: MIT
"""Cases: what run.py measures, and how it is asked of each.

A case gives Rows: Fermata's figure, a rival's, and how many times ours theirs is. Goals are those
that the project has set itself.
"""

import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rivals import PYTHON
from turns import Missing, Spread, Worker, ratios, take

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WINDOW = 185  # frames that WaveNet hears
PIECES, MINUTES = 16, 2
CORES = 2
CHUNK = 20.0  # seconds of live music: five drafts


@dataclass
class Row:
    """A line of the table, of texts, '' where there is nothing to say and '-' where it could not be
    measured. met: of the goal; None where there is none, or it is not known."""

    ours: str
    rival: str = ''
    theirs: str = ''
    times: str = ''
    goal: str = ''
    met: bool = None


def at_least(goal):
    """(text, judge) of a goal."""
    return (f'>= {goal:g}', lambda value: value >= goal)


def at_most(goal):
    """(text, judge) of a goal."""
    return (f'<= {goal:g}', lambda value: value <= goal)


NO_GOAL = ('', lambda value: None)


def duration(microseconds):
    """Such as "0.42 ms"."""
    return f'{microseconds / 1e3:.3g} ms' if microseconds < 1e5 else f'{microseconds / 1e3:.0f} ms'


class Bench:
    """What the cases share: where things are, how often, and whom to ask."""

    def __init__(self, build, models, rounds, key, scratch, rivals):
        self.build, self.models, self.rounds, self.key = Path(build), Path(models), rounds, key
        self.scratch, self.rivals = Path(scratch), rivals
        self.notes, self.device = [], ''
        # Caches of its own, so that the first opening of a net is a cold one.
        self.env = {name: str(self.scratch / name) for name in ('XDG_CACHE_HOME', 'MESA_SHADER_CACHE_DIR')}
        for folder in self.env.values():
            Path(folder).mkdir(exist_ok=True)

    def weights(self, net):
        """Its file, `open` first. Raises Missing."""
        for family in ('open', 'maestro'):
            path = self.models / f'{net}-{family}.safetensors'
            if path.exists():
                return path
        raise Missing(f'no weights of {net} in {self.models}')

    def net(self, weights, runs, lanes, *options):
        """The worker of a net, and of one lane a note of how long it took to open."""
        command = [self.build / 'tests/bench/bench_net', *options, '--turns', weights, runs, lanes]
        worker = Worker(command, self.env)
        if lanes == 1 and not options:
            cold = float(worker.hello['open_ms'])
            worker.close()
            worker = Worker(command, self.env)
            self.notes.append(f'{weights.stem}: device and net open in {cold:.0f} ms, and in '
                              f'{float(worker.hello["open_ms"]):.0f} ms when kernels are cached')
        self.device = worker.hello['device']
        return worker

    def compare(self, contestants, goals):
        """Rows of {label: {form: function or None}}; Fermata's is the first of them, the others'
        fastest form counts. goals: {label: goal}."""
        flat = {(label, form): ask for label, forms in contestants.items() for form, ask in forms.items() if ask}
        figures = take(flat, self.rounds, self.key)
        for (label, form), found in figures.items():
            if isinstance(found, str):
                self.notes.append(f'{label} {form}: {found}')
        figures = {name: found for name, found in figures.items() if isinstance(found, list)}
        labels = list(contestants)
        ours = figures.get((labels[0], ''))
        if not ours:
            raise Missing('Fermata could not be measured')
        for label in labels[1:]:
            text, judge = goals.get(label, NO_GOAL)
            forms = [(Spread(found), form) for (other, form), found in figures.items() if other == label]
            row = Row(duration(Spread(ours).median), label, '-', '-', text)
            if forms:
                best, form = min(forms, key=lambda pair: pair[0].median)
                times = ratios(figures[label, form], ours)
                row.rival += f' ({form})' if len(contestants[label]) > 1 else ''
                row.theirs, row.times, row.met = duration(best.median), times.text('.2f'), judge(times.median)
            yield row

    def onnx(self, *request):
        """As Rivals.onnx; a graph that cannot be made is noted."""
        try:
            return self.rivals.onnx(*request)
        except Missing as missing:
            self.notes.append(f'ONNX Runtime {request[0]}: {missing}')
            return None


def lstm(bench, lanes, runs, steps, goals):
    """One frame; the state carried on."""
    weights = bench.weights('lstm')
    ours = bench.net(weights, runs, lanes)
    forms = ('lstm', 'gates')
    yield from bench.compare({
        'Fermata': {'': ours.ask},
        'ONNX Runtime': {form: bench.onnx('lstm', weights, form, lanes, steps) for form in forms},
        'PyTorch': {form: bench.rivals.torch('lstm', weights, form, lanes, steps) for form in forms},
    }, goals)
    ours.close()


def wavenet(bench):
    """One frame from the caches, and the whole window anew for it."""
    try:
        weights = bench.weights('wavenet')
    except Missing:
        weights = bench.scratch / 'wavenet-untrained.safetensors'
        done = subprocess.run(
            [PYTHON, '-m', 'models.export', '--random', '5',
             '--net', 'wavenet', '--out', weights], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'})
        if done.returncode:
            raise Missing('no weights, and without PyTorch none can be made') from None
        bench.notes.append('wavenet: an untrained net, which costs the same')
    ours, anew = bench.net(weights, 5, 1), bench.net(weights, 3, 1, '--window', WINDOW)
    goals = dict.fromkeys(('window anew, frame by frame', 'PyTorch, window anew at once'), at_least(50))
    yield from bench.compare({
        'Fermata': {'': ours.ask},
        'window anew, frame by frame': {'': anew.ask},
        'PyTorch, window anew at once': {'': bench.rivals.torch('window', weights, WINDOW, 1, 5)},
        'PyTorch, caches': {'': bench.rivals.torch('conv', weights, 1, 50)},
    }, goals)
    ours.close()
    anew.close()


def transformer(bench, lanes, runs, steps, goals):
    """One note, windows full."""
    weights = bench.weights('transformer')
    ours = bench.net(weights, runs, lanes)
    contestants = {'Fermata': {'': ours.ask}}
    if lanes == 1:
        contestants['ONNX Runtime'] = {'': bench.onnx('transformer', weights, 'step', 1, steps)}
    contestants['PyTorch'] = {'': bench.rivals.torch('transformer', weights, 'step', lanes, steps)}
    yield from bench.compare(contestants, goals)
    ours.close()


def live(bench):
    """The running daemon in a session of its own."""
    net = bench.weights('transformer').stem
    done = subprocess.run(
        [ROOT / 'tests/system/lib/session.sh', '--', sys.executable, HERE / 'daemon.py', '--live', str(bench.rounds),
         '--chunk', str(CHUNK), '--net', net, bench.build / 'daemon/fermatad', bench.build / 'client/fermatactl',
         bench.models], capture_output=True, text=True, check=False)
    chunks = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
    if done.returncode or not chunks:
        raise Missing((done.stdout + done.stderr).strip().splitlines()[-1] if done.stdout + done.stderr
                      else f'ended with status {done.returncode}')
    spread = Spread([100 * chunk['cpu'] / chunk['music'] for chunk in chunks])
    text, judge = at_most(3)
    yield Row(spread.text('.2f') + ' %', goal=text, met=judge(spread.median))


def compose(bench):
    """fermatad --compose as a user would, on CORES cores: by the clock, and by CPU time."""
    net = bench.weights('transformer').stem
    cores = set(sorted(os.sched_getaffinity(0))[:CORES])
    clocks, cpus = [], []
    for turn in range(bench.rounds):
        folder = bench.scratch / f'compose{turn}'
        folder.mkdir()
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [bench.build / 'daemon/fermatad', '--compose', '--quiet', '--licence', 'any', '--net', net, '--models',
             bench.models, '--seed', '1', '--minutes', str(MINUTES), *(folder / f'{i}.mid' for i in range(PIECES))],
            env={**os.environ, **bench.env}, capture_output=True, text=True, check=False,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            raise Missing((done.stderr.strip().splitlines() or [f'ended with status {done.returncode}'])[-1])
        music = 60 * MINUTES * PIECES
        clocks.append(music / (time.monotonic() - begin))
        cpus.append(music / (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    spread, (text, judge) = Spread(clocks), at_least(100)
    yield Row(spread.text('.0f'), 'by the clock', goal=text, met=judge(spread.median))
    yield Row(Spread(cpus).text('.0f'), 'by CPU time')


CASES = {
    'lstm, B=1': lambda bench: lstm(bench, 1, 5, 100, {'ONNX Runtime': at_least(1.7), 'PyTorch': at_least(4)}),
    'lstm, B=16': lambda bench: lstm(bench, 16, 3, 40, {'ONNX Runtime': at_least(0.6), 'PyTorch': at_least(1.4)}),
    'lstm, B=64': lambda bench: lstm(bench, 64, 2, 20, {'ONNX Runtime': at_least(0.5)}),
    'wavenet cached, B=1': wavenet,
    'transformer, B=1, full KV': lambda bench: transformer(
        bench, 1, 7, 80, {'ONNX Runtime': at_least(2.5), 'PyTorch': at_least(2.5)}),
    'transformer, B=16, full KV': lambda bench: transformer(bench, 16, 3, 20, {}),
    'live channel, transformer + synth, of a core': live,
    f'compose, transformer, {PIECES} pieces, x real time': compose,
}
