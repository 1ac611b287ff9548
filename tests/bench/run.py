#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast Fermata's nets are beside PyTorch and ONNX Runtime, on the same weights, in one run.

    run.py [OPTION]... BUILD [CASE]...

See README.md beside it. Exits with 77 where nothing could be measured.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import rivals
from cases import CASES, ROOT, Bench, Row
from turns import Missing

COLUMNS = ('case', 'Fermata', 'beside', '', 'times', 'goal', '')


def machine():
    """The processor's name, and how busy it is."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
        name = next(line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    except (OSError, StopIteration):
        name = os.uname().machine
    load = os.getloadavg()[0]
    busy = '' if load < 0.5 else f'; others are at work (load {load:.1f}), so look at the spread'
    return f'{name}, {len(os.sched_getaffinity(0))} cores{busy}'


def table(rows):
    """The rows in columns, as text."""
    cells = [COLUMNS] + [
        (case, row.ours, row.rival, row.theirs, row.times, row.goal,
         '' if row.met is None else 'met' if row.met else 'MISSED') for case, row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    lines, before = [], ('', '')
    for row in cells:
        again = 2 if row[:2] == before else 1 if row[0] == before[0] else 0
        shown = ('',) * again + row[again:]
        before = row[:2]
        lines.append('  '.join(cell.ljust(width) for cell, width in zip(shown, widths)).rstrip())
    return '\n'.join(lines)


def measure(bench, wanted):
    """[(case, Row)], and what is missing, noted."""
    rows = []
    for case in wanted:
        print(f'{case} ...', file=sys.stderr, flush=True)
        try:
            rows += [(case, row) for row in CASES[case](bench)]
        except Missing as missing:
            rows.append((case, Row('-')))
            bench.notes.append(f'{case}: not measured: {missing}')
    return rows


def arguments():
    parser = argparse.ArgumentParser(
        usage='%(prog)s [OPTION]... BUILD [CASE]...',
        description='Fermata beside PyTorch and ONNX Runtime: same weights, one thread each, in turns.',
        epilog='Cases: ' + '; '.join(CASES))
    parser.add_argument('build', metavar='BUILD', help='folder built with --buildtype=release')
    parser.add_argument('cases', metavar='CASE', nargs='*', help='the cases whose names begin so; all of them')
    parser.add_argument('--rounds', type=int, default=5, help='turns that each takes (5)')
    parser.add_argument('--onnxruntime', metavar='FOLDER', help='where npm has put onnxruntime-node')
    parser.add_argument('--install', action='store_true',
                        help=f'get onnxruntime-node from npm into {rivals.CACHE}; no scripts are run')
    parser.add_argument('--models', metavar='FOLDER', default=str(ROOT / 'models/weights'), help='where the nets are')
    parser.add_argument('--wall', action='store_true', help='compare by the clock, as for a GPU, not by CPU time')
    options = parser.parse_args()
    unknown = [name for name in options.cases if not any(case.startswith(name) for case in CASES)]
    if unknown:
        parser.error(f'no case begins with {unknown[0]!r}')
    if options.rounds < 1:
        parser.error('--rounds: at least 1')
    return options


def main():
    options = arguments()
    wanted = [case for case in CASES if not options.cases or case.startswith(tuple(options.cases))]
    if options.install:
        try:
            rivals.install()
        except Missing as missing:
            print(f'ONNX Runtime: {missing}')
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        both = rivals.Rivals(options.onnxruntime, scratch)
        key = 'wall_us' if options.wall else 'cpu_us'
        bench = Bench(Path(options.build).resolve(), Path(options.models).resolve(), options.rounds, key, scratch, both)
        rows = measure(bench, wanted)
        both.close()
    if bench.device:
        print('on ' + bench.device)
    for name, version in both.versions.items():
        print(f'beside {name} {version}, float32, 1 thread')
    for name, missing in both.missing.items():
        print(f'without {name}: {missing}')
    print(f'\n{"Time by the clock" if options.wall else "CPU time"} of a step of all B lanes; Fermata draws its notes '
          f'as well, the others do not.\nTimes: rival / Fermata, the median of {options.rounds} rounds (least to '
          'most).\n')
    print(table(rows))
    print('\n' + '\n'.join(dict.fromkeys(bench.notes)))
    return 0 if any(row.ours != '-' for _, row in rows) else 77


if __name__ == '__main__':
    sys.exit(main())
