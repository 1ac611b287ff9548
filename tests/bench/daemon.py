#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Figures of the running daemon: start to first sound, CPU time per second of music (net and synth
apart), memory, wake-ups while stopped.

    tests/system/lib/session.sh -- tests/bench/daemon.py [OPTION]... FERMATAD FERMATACTL [MODELS]

With --live N only the CPU time of one playing channel, for run.py: N lines of JSON, seconds of
music and of CPU time of the whole process. Reads /proc; nothing in the daemon is made for it.
"""

import argparse
import ctypes
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

TICK = os.sysconf('SC_CLK_TCK')
PLAYING = 60
STOPPED = 30
SETTLING = 35  # until the score is full and all nets are open

parser = argparse.ArgumentParser(usage='%(prog)s [OPTION]... FERMATAD FERMATACTL [MODELS]')
parser.add_argument('--live', type=int, metavar='N', help='only the CPU time of a playing channel, N times')
parser.add_argument('--chunk', type=float, metavar='SECONDS', default=20.0, help='that each of them lasts (20)')
parser.add_argument('--net', default='', help='to play on')
parser.add_argument('fermatad', metavar='FERMATAD')
parser.add_argument('fermatactl', metavar='FERMATACTL')
parser.add_argument('models', metavar='MODELS', nargs='?')
given = parser.parse_args()


def status():
    run = subprocess.run([given.fermatactl, 'status', '--json'], capture_output=True, text=True,
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
    options = ['--models', given.models] if given.models else []
    return subprocess.Popen(
        [given.fermatad, '--licence', 'any', '--autostart', 'yes', '--seed', '1', '--state-file', '',
         '--net', given.net, *options],
        env={**os.environ, 'MESA_SHADER_CACHE_DIR': cache, 'XDG_CACHE_HOME': cache},
        stderr=subprocess.DEVNULL)


def end(daemon):
    daemon.terminate()
    daemon.wait()


def first_sounds(cache):
    """From the start of the process to sound, with and without compiled kernels."""
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


def starts():
    """From fermatactl start to sound."""
    times = []
    for _ in range(5):
        subprocess.run([given.fermatactl, 'stop'], check=True)
        time.sleep(1)
        with Recording() as recording:
            time.sleep(0.3)
            begin = time.monotonic()
            subprocess.run([given.fermatactl, 'start'], check=True)
            time.sleep(1)
        times.append(recording.first_sound() - begin)
    print(f'fermatactl start to first sound, daemon running: median '
          f'{statistics.median(times):.2f} s of {[round(t, 2) for t in times]}')


def playing(daemon):
    """CPU time of the rooms while it plays, and memory."""
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


def stopped(daemon):
    """Wake-ups while there is nothing to do."""
    subprocess.run([given.fermatactl, 'stop'], check=True)
    time.sleep(5)
    before = threads(daemon.pid)
    time.sleep(STOPPED)
    after = threads(daemon.pid)
    woken = {}
    for task, (name, _, switches) in after.items():
        woken[name] = woken.get(name, 0) + switches - before.get(task, (name, 0, switches))[2]
    print(f'wake-ups per second while stopped: {sum(woken.values()) / STOPPED:.2f} '
          f'({ {name: count for name, count in woken.items() if count} } in {STOPPED} s)')


def process_clock(pid):
    """The clock of the CPU time that all threads of a process have used."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(f'no CPU clock of process {pid}')
    return clock.value


def live(daemon):
    """The CPU time of chunks of live music; the daemon composes far ahead, so not at once."""
    time.sleep(SETTLING)
    clock = process_clock(daemon.pid)
    cpu, begin = time.clock_gettime(clock), time.monotonic()
    for _ in range(given.live):
        time.sleep(given.chunk)
        now, wall = time.clock_gettime(clock), time.monotonic()
        if status().get('state') != 'playing':
            sys.exit('the daemon does not play any more')
        print(json.dumps({'music': wall - begin, 'cpu': now - cpu}), flush=True)
        cpu, begin = now, wall


def main():
    cache = tempfile.mkdtemp()
    if not given.live:
        first_sounds(cache)
    daemon = start_daemon(cache)
    wait_for('playing')
    if given.live:
        live(daemon)
    else:
        starts()
        playing(daemon)
        stopped(daemon)
    end(daemon)


if __name__ == '__main__':
    main()
