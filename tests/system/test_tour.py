#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A tour through everything the real daemon does, for the builds with sanitizers: what matters is
that it ends well.

    lib/session.sh -- test_tour.py FERMATAD FERMATACTL MODELS
"""

import os
import signal
import subprocess
import sys
import time

FERMATAD, FERMATACTL, MODELS = sys.argv[1:4]
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tsan.supp')


def ctl(*words):
    subprocess.run([FERMATACTL, *words], check=True, stdout=subprocess.DEVNULL, timeout=60)


def wait_for(state):
    for _ in range(600):
        done = subprocess.run([FERMATACTL, 'status', '--json'], capture_output=True, text=True,
                              check=False, timeout=60)
        if f'"state": "{state}"' in done.stdout:
            return
        time.sleep(0.1)
    sys.exit(f'never {state}')


def session(*request):
    subprocess.run([os.environ['SESSION'], 'ctl', *request], check=True, timeout=60)


def main():
    env = dict(os.environ)
    env['TSAN_OPTIONS'] = f"{env.get('TSAN_OPTIONS', '')}:suppressions={SUPPRESSIONS}"
    # The drivers are unloaded before the leak checker looks, so it cannot tell theirs from ours;
    # the unit tests look for ours.
    env['ASAN_OPTIONS'] = f"{env.get('ASAN_OPTIONS', '')}:detect_leaks=0"
    daemon = subprocess.Popen(
        [FERMATAD, '--models', MODELS, '--licence', 'any', '--autostart', 'yes', '--seed', '7', '--state-file',
         os.path.join(os.environ['SESSION_DIR'], 'state.conf')], env=env)
    wait_for('playing')
    watcher = subprocess.Popen([FERMATACTL, 'watch', '--json'], stdout=subprocess.DEVNULL)
    for words in (('composer', 'bach'), ('threshold', '0.45'), ('skip',), ('reseed',),
                  ('sampling', 'hard'), ('sampling', 'sample'), ('volume', '40%'), ('stop',),
                  ('start',), ('reseed-interval', '5')):
        ctl(*words)
        time.sleep(0.7)
    session('kill', 'pipewire')
    wait_for('waiting')
    session('start', 'pipewire')
    wait_for('playing')
    watcher.send_signal(signal.SIGTERM)
    watcher.wait(20)
    session('kill', 'bus')
    time.sleep(1)
    session('start', 'bus')
    wait_for('playing')
    daemon.send_signal(signal.SIGTERM)
    return daemon.wait(60)


if __name__ == '__main__':
    sys.exit(main())
