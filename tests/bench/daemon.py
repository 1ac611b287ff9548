#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Figures of the running daemon: start to first sound, CPU time per second of music (net and synth
apart), memory, wake-ups while stopped.

    tests/system/lib/session.sh -- tests/bench/daemon.py FERMATAD FERMATACTL [MODELS]

Reads /proc; nothing in the daemon is made for it.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
import listening  # noqa: E402  pylint: disable=wrong-import-position

FERMATAD, FERMATACTL = sys.argv[1:3]
MODELS = sys.argv[3] if len(sys.argv) > 3 else None
TICK = os.sysconf('SC_CLK_TCK')
PLAYING = 60
STOPPED = 30


def status():
    run = subprocess.run([FERMATACTL, 'status', '--json'], capture_output=True, text=True,
                         check=False)
    if run.returncode:
        return {}
    whole = json.loads(run.stdout)
    return {**whole, **whole['channels'][0]} if whole.get('channels') else whole


def wait_for(state):
    while status().get('state') != state:
        time.sleep(0.05)


class Recording:
    """The sink's monitor; says when the first sound was in it (CLOCK_MONOTONIC, within 50 ms)."""

    def __enter__(self):
        self.path = os.path.join(tempfile.mkdtemp(), 'sound.wav')
        self.process = subprocess.Popen(
            ['pw-cat', '-r', '-P', '{ stream.capture.sink=true }', '--target', 'testsink',
             '--rate', '48000', '--channels', '2', '--format', 's16', self.path])
        while not os.path.exists(self.path) or os.path.getsize(self.path) < 1000:
            time.sleep(0.005)
        self.begin = time.monotonic() - os.path.getsize(self.path) / 4 / 48000
        return self

    def __exit__(self, *_):
        self.process.send_signal(2)
        self.process.wait()

    def first_sound(self):
        loud = abs(listening.read_wav(self.path)) > 1e-4
        return self.begin + loud.argmax() / 48000


def threads(pid):
    """thread id -> (name, CPU seconds, context switches)."""
    found = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/stat', encoding='utf-8') as file:
            head, _, tail = file.read().rpartition(')')
            fields = tail.split()
        with open(f'/proc/{pid}/task/{task}/status', encoding='utf-8') as file:
            switches = sum(int(line.split()[1]) for line in file if 'voluntary_ctxt' in line)
        found[task] = (head.partition('(')[2], (int(fields[11]) + int(fields[12])) / TICK, switches)
    return found


def room_of(name, is_main):
    """Of the threads that are not ours, all but PipeWire's are the Vulkan driver's: with
    LP_NUM_THREADS=0 lavapipe computes in the thread of its queue."""
    if name == 'performer':
        return 'synth'
    return 'rest' if is_main or name.startswith(('data-loop', 'pw-', 'module-rt')) else 'net'


def start_daemon(cache):
    options = ['--models', MODELS] if MODELS else []
    return subprocess.Popen(
        [FERMATAD, '--licence', 'any', '--autostart', 'yes', '--seed', '1', '--state-file', '', *options],
        env={**os.environ, 'MESA_SHADER_CACHE_DIR': cache, 'XDG_CACHE_HOME': cache},
        stderr=subprocess.DEVNULL)


def end(daemon):
    daemon.terminate()
    daemon.wait()


def main():
    cache = tempfile.mkdtemp()
    for name, runs in (('cold (empty shader cache)', 3), ('warm', 5)):
        times = []
        for _ in range(runs):
            if name.startswith('cold'):
                shutil.rmtree(cache, ignore_errors=True)
                os.mkdir(cache)
            with Recording() as recording:
                begin = time.monotonic()
                daemon = start_daemon(cache)
                wait_for('playing')
                time.sleep(1.5)
            times.append(recording.first_sound() - begin)
            end(daemon)
        print(f'process start to first sound, {name}: median {statistics.median(times):.2f} s '
              f'of {[round(t, 2) for t in times]}')

    daemon = start_daemon(cache)
    wait_for('playing')
    times = []
    for _ in range(5):
        subprocess.run([FERMATACTL, 'stop'], check=True)
        time.sleep(1)
        with Recording() as recording:
            time.sleep(0.3)
            begin = time.monotonic()
            subprocess.run([FERMATACTL, 'start'], check=True)
            time.sleep(1)
        times.append(recording.first_sound() - begin)
    print(f'fermatactl start to first sound, daemon running: median '
          f'{statistics.median(times):.2f} s of {[round(t, 2) for t in times]}')

    time.sleep(5)
    before, begin, position = threads(daemon.pid), time.monotonic(), status()['position']
    time.sleep(PLAYING)
    after, wall = threads(daemon.pid), time.monotonic() - begin
    music = (status()['position'] - position) / 1e6
    cpu = {'net': 0.0, 'synth': 0.0, 'rest': 0.0}
    for task, (name, seconds, _) in after.items():
        cpu[room_of(name, task == str(daemon.pid))] += seconds - before.get(task, (name, 0.0, 0))[1]
    print(f'CPU milliseconds per second of music, over {music:.0f} s: '
          + ', '.join(f'{room} {1000 * seconds / music:.1f}' for room, seconds in cpu.items())
          + f'; in all {100 * sum(cpu.values()) / wall:.1f} % of a core')
    with open(f'/proc/{daemon.pid}/status', encoding='utf-8') as file:
        print(' '.join(' '.join(line.split()) for line in file if line.startswith(('VmRSS', 'VmHWM'))))

    subprocess.run([FERMATACTL, 'stop'], check=True)
    time.sleep(5)
    before = threads(daemon.pid)
    time.sleep(STOPPED)
    after = threads(daemon.pid)
    woken = {}
    for task, (name, _, switches) in after.items():
        woken[name] = woken.get(name, 0) + switches - before.get(task, (name, 0, switches))[2]
    print(f'wake-ups per second while stopped: {sum(woken.values()) / STOPPED:.2f} '
          f'({ {name: count for name, count in woken.items() if count} } in {STOPPED} s)')
    end(daemon)


if __name__ == '__main__':
    main()
