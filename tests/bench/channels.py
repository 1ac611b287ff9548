#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Many channels of the running daemon, live: CPU time per channel and second, memory, underruns and
the least music ahead.

    tests/system/lib/session.sh -- tests/bench/channels.py [OPTION]... FERMATAD FERMATACTL MODELS
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf('SC_CLK_TCK')

parser = argparse.ArgumentParser(usage='%(prog)s [OPTION]... FERMATAD FERMATACTL MODELS')
parser.add_argument('--channels', default='1,24', help='how many, one after the other (1,24)')
parser.add_argument('--seconds', type=float, default=60, help='that each lasts (60)')
parser.add_argument('--net', default='transformer-open')
parser.add_argument('--composers', default='bach,chopin,debussy', help='in turn')
parser.add_argument('--cores', default='', help='to run on, such as 0,1')
parser.add_argument('--set', default='', help='a line for every channel, such as "profile = telephone"')
parser.add_argument('fermatad', metavar='FERMATAD')
parser.add_argument('fermatactl', metavar='FERMATACTL')
parser.add_argument('models', metavar='MODELS')
given = parser.parse_args()


def channels():
    run = subprocess.run([given.fermatactl, 'channel', 'list', '--json'], capture_output=True,
                         text=True, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else []


def cpu(pid):
    """CPU seconds by what the threads are for."""
    used = {'net': 0.0, 'synth': 0.0, 'rest': 0.0}
    for task in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{task}/stat', encoding='utf-8') as file:
                head, _, tail = file.read().rpartition(')')
        except OSError:
            continue
        name, fields = head.partition('(')[2], tail.split()
        room = 'net'  # with LP_NUM_THREADS=0 lavapipe computes in the thread of its queue
        if name == 'performer':
            room = 'synth'
        elif task == str(pid) or name.startswith(('data-loop', 'pw-', 'module-rt')):
            room = 'rest'
        used[room] += (int(fields[11]) + int(fields[12])) / TICK
    return used


def resident(pid):
    with open(f'/proc/{pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) for line in file if line.startswith('VmRSS')) / 1024


def settings(folder, count):
    """A file with `count` channels that play."""
    composers = given.composers.split(',')
    path = os.path.join(folder, f'{count}.conf')
    with open(path, 'w', encoding='utf-8') as file:
        for i in range(count):
            name = f'[channel q{i}]' if i else '[fermata]'
            file.write(f'{name}\nautostart = yes\nnet = {given.net}\nseed = {i + 1}\n{given.set}\n'
                       f'composer = {composers[i % len(composers)]}\n')
    return path


def measure(folder, count):
    command = [given.fermatad, '--config', settings(folder, count), '--state-file', '',
               '--models', given.models, '--licence', 'any']
    if given.cores:
        command = ['taskset', '-c', given.cores, *command]
    with open(os.path.join(folder, f'{count}.log'), 'wb') as log, \
            subprocess.Popen(command, stderr=log) as daemon:
        begin = time.monotonic()
        # All play, and have filled their scores.
        while not (there := channels()) or len(there) < count or \
                any(c['state'] != 'playing' or c['seconds_ahead'] < 20 for c in there):
            if daemon.poll() is not None or time.monotonic() - begin > 600:
                sys.exit(f'{count} channels do not play: {there}')
            time.sleep(0.5)
        ready = time.monotonic() - begin
        before, begin = cpu(daemon.pid), time.monotonic()
        silent = sum(c['underruns'] for c in there)
        least = 99.0
        states = set()
        while time.monotonic() - begin < given.seconds:
            time.sleep(1)
            there = channels()
            least = min([least] + [c['seconds_ahead'] for c in there])
            states |= {c['state'] for c in there}
        wall = time.monotonic() - begin
        used = {room: seconds - before[room] for room, seconds in cpu(daemon.pid).items()}
        print(f'{count} channels: all play after {ready:.0f} s; over {wall:.0f} s CPU '
              f'{100 * sum(used.values()) / wall:.1f} % of a core, of a channel '
              f'{100 * sum(used.values()) / wall / count:.2f} % ('
              + ', '.join(f'{room} {100 * seconds / wall / count:.2f}' for room, seconds in used.items())
              + f'); RSS {resident(daemon.pid):.0f} MB; underruns '
              f'{sum(c["underruns"] for c in there) - silent} ms; least ahead {least:.1f} s; '
              f'states {", ".join(sorted(states))}', flush=True)
        daemon.terminate()


def main():
    with tempfile.TemporaryDirectory() as folder:
        for count in given.channels.split(','):
            measure(folder, int(count))


if __name__ == '__main__':
    main()
