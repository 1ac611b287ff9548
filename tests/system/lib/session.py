#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A private session bus, PipeWire and WirePlumber around one command.

    session.sh [--no-sink] [--no-pipewire] [--no-bus] [--] command...
    session.sh ctl VERB SERVICE        (inside the command)

The command runs with its own HOME, XDG_* directories and XDG_RUNTIME_DIR; no service, sound card
or setting of the machine is touched. Only Mesa's cache of compiled kernels is the user's. Its exit status is ours; 77 (skipped) with a reason where a
tool is missing. Whatever the command leaves running is killed and the directories are removed,
however it ends; SESSION_KEEP=1 keeps them, and the services' logs are shown when it fails.

Inside, $SESSION is session.sh, $SESSION_DIR the private directory (logs in log/, "work" files may
go there), and `$SESSION ctl` does, and returns when it is done:

    start bus|pipewire|sink     (pipewire: with WirePlumber, ready to link streams)
    stop bus|pipewire|sink      SIGTERM; removes the sink
    kill bus|pipewire           SIGKILL; with WirePlumber

The sink is "testsink": 48 kHz, stereo, and nothing to be heard; record it with
pw-cat -r -P '{ stream.capture.sink=true }' --target testsink FILE.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SINK_ARGS = ('{ factory.name=support.null-audio-sink node.name=testsink'
             ' node.description="Test sink" media.class=Audio/Sink audio.rate=48000'
             ' audio.position=[FL FR] monitor.channel-volumes=true object.linger=true }')
READY_SECONDS = 120  # until we give up waiting for a service

# WirePlumber 0.4 reads Lua, 0.5 reads conf: leave the machine's own sound cards, cameras and
# headsets alone in both.
FILES = {
    'config/wireplumber/main.lua.d/51-fermata-test.lua':
        'alsa_monitor.enabled = false\nv4l2_monitor.enabled = false\n'
        'if libcamera_monitor then libcamera_monitor.enabled = false end\n'
        # Without a bus WirePlumber 0.4 would end because of this one.
        'default_access.properties["enable-flatpak-portal"] = false\n',
    'config/wireplumber/bluetooth.lua.d/51-fermata-test.lua': 'bluez_monitor.enabled = false\n',
    'config/wireplumber/wireplumber.conf.d/51-fermata-test.conf':
        'wireplumber.profiles = { main = { hardware.audio = disabled\n'
        '  hardware.bluetooth = disabled  hardware.video-capture = disabled } }\n',
    'config/pipewire/pipewire.conf.d/51-fermata-test.conf':
        'context.properties = { default.clock.rate = 48000\n'
        '  default.clock.allowed-rates = [ 48000 ] }\n',
}
SINK_FILE = 'config/pipewire/pipewire.conf.d/52-fermata-test-sink.conf'
FOREIGN = ('PIPEWIRE_REMOTE', 'PIPEWIRE_RUNTIME_DIR', 'PIPEWIRE_CONFIG_DIR', 'PIPEWIRE_NODE',
           'PIPEWIRE_PROPS', 'PIPEWIRE_LATENCY', 'PULSE_SERVER', 'PULSE_RUNTIME_PATH', 'DISPLAY',
           'WAYLAND_DISPLAY', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'JOURNAL_STREAM',
           'INVOCATION_ID', 'DBUS_STARTER_ADDRESS', 'DBUS_STARTER_BUS_TYPE')
libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0)


def skip(reason):
    print(f'session: SKIP: {reason}', file=sys.stderr)
    sys.exit(77)


class Session:
    def __init__(self, options):
        self.options = options
        self.services = {}
        self.dir = tempfile.mkdtemp(prefix='fermata-session.')
        self.env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
        # What Mesa has compiled is the same for all: each start of a daemon would take seconds more.
        self.env.setdefault('MESA_SHADER_CACHE_DIR', os.environ.get('XDG_CACHE_HOME') or
                            os.path.expanduser('~/.cache'))
        for name in ('HOME', 'XDG_RUNTIME_DIR', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME',
                     'XDG_CACHE_HOME', 'XDG_DATA_HOME'):
            path = os.path.join(self.dir, name.split('_')[1].lower() if '_' in name else 'home')
            os.makedirs(path, mode=0o700)
            self.env[name] = path
        self.runtime = self.env['XDG_RUNTIME_DIR']
        self.env.update({
            'DBUS_SESSION_BUS_ADDRESS': f'unix:path={self.runtime}/bus',
            'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.dir}/no-system-bus',
            'SESSION': os.path.join(os.path.dirname(os.path.abspath(__file__)), 'session.sh'),
            'SESSION_DIR': self.dir,
            'TMPDIR': os.path.join(self.dir, 'tmp'),
        })
        os.mkdir(self.env['TMPDIR'])
        os.mkdir(os.path.join(self.dir, 'log'))
        for name, text in FILES.items():
            self.write(name, text)
        self.want_sink = 'sink' not in options
        self.place_sink_file()

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def place_sink_file(self):
        """The sink is made with PipeWire itself, so that it is there again after a restart."""
        if self.want_sink:
            self.write(SINK_FILE,
                       f'context.objects = [ {{ factory = adapter args = {SINK_ARGS} }} ]\n')
        elif os.path.exists(os.path.join(self.dir, SINK_FILE)):
            os.remove(os.path.join(self.dir, SINK_FILE))

    def spawn(self, name, *command):
        with open(os.path.join(self.dir, 'log', name), 'ab') as log:
            # The services go down with us even where we are killed ourselves.
            self.services[name] = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=lambda: prctl(1, signal.SIGKILL))

    def running(self, name):
        return name in self.services and self.services[name].poll() is None

    def end(self, name, sig):
        process = self.services.pop(name, None)
        if not process:
            return
        if process.poll() is None:
            process.send_signal(sig)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_for(self, what, condition):
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise RuntimeError(f'{what} is not there after {READY_SECONDS} s')
            time.sleep(0.05)

    def connects(self, name):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(os.path.join(self.runtime, name))
                return True
            except OSError:
                return False

    def dump(self):
        run = subprocess.run(['pw-dump'], env=self.env, capture_output=True, timeout=READY_SECONDS)
        try:
            return json.loads(run.stdout)
        except ValueError:
            return []

    def graph_ready(self):
        if not self.want_sink:
            listing = subprocess.run(['pw-cli', 'ls'], env=self.env, capture_output=True,
                                     text=True, timeout=READY_SECONDS).stdout
            return ('metadata.name = "default"' in listing
                    and 'node.name = "testsink"' not in listing)
        # WirePlumber has taken the sink up when it has made it the default one.
        return any(entry.get('key') == 'default.audio.sink'
                   and entry.get('value') == {'name': 'testsink'}
                   for o in self.dump() for entry in o.get('metadata', []))

    def start(self, name):
        if name == 'bus' and not self.running('bus'):
            self.end('bus', signal.SIGTERM)
            path = os.path.join(self.runtime, 'bus')
            if os.path.exists(path):
                os.remove(path)
            self.spawn('bus', 'dbus-daemon', '--session', '--nofork', '--nopidfile', '--nosyslog',
                       f'--address=unix:path={path}')
            self.wait_for('the session bus', lambda: self.connects('bus'))
        elif name == 'pipewire':
            if not self.running('pipewire'):
                self.spawn('pipewire', 'pipewire')
                self.wait_for('PipeWire', lambda: self.connects('pipewire-0'))
            if not self.running('wireplumber'):
                self.spawn('wireplumber', 'wireplumber')
            self.wait_for('WirePlumber', self.graph_ready)
        elif name == 'sink':
            if not self.want_sink:
                self.want_sink = True
                self.place_sink_file()
                if self.running('pipewire'):
                    subprocess.run(['pw-cli', 'create-node', 'adapter', SINK_ARGS], env=self.env,
                                   check=True, stdout=subprocess.DEVNULL, timeout=READY_SECONDS)
                    self.wait_for('the sink', self.graph_ready)

    def stop(self, name, sig):
        if name == 'sink':
            self.want_sink = False
            self.place_sink_file()
            for o in self.dump():
                props = (o.get('info') or {}).get('props') or {}
                if props.get('node.name') == 'testsink':
                    subprocess.run(['pw-cli', 'destroy', str(o['id'])], env=self.env, check=True,
                                   stdout=subprocess.DEVNULL, timeout=READY_SECONDS)
            return
        self.end(name, sig)
        if name == 'pipewire':
            # It ends when its connection breaks; one that does not would meet the next PipeWire.
            self.end('wireplumber', sig)

    def serve(self, listener):
        connection, _ = listener.accept()
        with connection:
            try:
                verb, name = connection.recv(256).decode().split()
                if verb == 'start' and name in ('bus', 'pipewire', 'sink'):
                    self.start(name)
                elif verb == 'stop' and name in ('bus', 'pipewire', 'sink'):
                    self.stop(name, signal.SIGTERM)
                elif verb == 'kill' and name in ('bus', 'pipewire'):
                    self.stop(name, signal.SIGKILL)
                else:
                    raise ValueError(f'no such request: {verb} {name}')
                answer = ''
            except Exception as error:  # pylint: disable=broad-except
                answer = f'{error}'
            try:
                connection.sendall(answer.encode() or b'ok')
            except OSError:
                pass

    def run(self, command):
        for name in ('bus', 'pipewire'):
            if name not in self.options:
                self.start(name)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self.dir, 'ctl'))
        listener.listen(4)
        # A signal that comes just before select() begins would not end it, but for what it writes here.
        signalled, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        child = subprocess.Popen(command, env=self.env,
                                 preexec_fn=lambda: prctl(1, signal.SIGTERM))
        watch = os.pidfd_open(child.pid)
        while child.poll() is None:
            if listener in select.select([listener, watch, signalled], [], [])[0]:
                self.serve(listener)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def close(self, failed):
        kill_descendants()
        if failed:
            for name in sorted(os.listdir(os.path.join(self.dir, 'log'))):
                with open(os.path.join(self.dir, 'log', name), errors='replace') as file:
                    lines = file.read().splitlines()[-15:]
                print(f'session: the end of the log of {name}:', *lines, sep='\n  ',
                      file=sys.stderr)
        if os.environ.get('SESSION_KEEP'):
            print(f'session: kept {self.dir}', file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def children():
    mine = str(os.getpid())
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open(f'/proc/{entry}/stat', encoding='utf-8', errors='replace') as file:
                    fields = file.read().rpartition(')')[2].split()
            except OSError:
                continue
            if fields[1] == mine:
                yield int(entry), fields[0]


def kill_descendants():
    """We are the subreaper: orphans of those we kill become our children, until none is left."""
    for _ in range(200):
        left = list(children())
        if not left:
            return
        for pid, state in left:
            if state != 'Z':
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        time.sleep(0.01)


def ctl(request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.path.join(os.environ['SESSION_DIR'], 'ctl'))
        connection.sendall(' '.join(request).encode())
        answer = connection.recv(4096).decode()
    if answer != 'ok':
        sys.exit(f'session: {answer}')


def main():
    args = sys.argv[1:]
    if args[:1] == ['ctl'] and len(args) == 3:
        return ctl(args[1:])
    without = set()
    while args and args[0] in ('--no-sink', '--no-pipewire', '--no-bus', '--'):
        option = args.pop(0)
        if option == '--':
            break
        without.add(option[len('--no-'):])
    if not args or args[0].startswith('-'):
        sys.exit(__doc__)
    for tool in ('dbus-daemon', 'pipewire', 'wireplumber', 'pw-dump', 'pw-cli'):
        if not shutil.which(tool):
            skip(f'{tool} is missing (apt-get install dbus pipewire pipewire-bin wireplumber)')

    prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, lambda number, frame: sys.exit(128 + number))
    session = Session(without)
    status = 1
    try:
        status = session.run(args)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f'session: {error}', file=sys.stderr)
    finally:
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(sig, signal.SIG_IGN)
        session.close(status not in (0, 77))
    return status


if __name__ == '__main__':
    sys.exit(main())
