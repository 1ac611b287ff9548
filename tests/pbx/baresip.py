#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two real baresips: one calls with a channel of Fermata as its microphone, and what the other one
hears is recorded by it, taken off the network as well, and measured.

    lib/session.sh -- tests/pbx/baresip.py BUILD [--seconds 30]

It runs what docs/pbx/baresip.md tells to type. Needs baresip-core and pipewire-alsa.
"""

import argparse
import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np

import rtp
from daemon import Daemon, need, wait_until
from heard import measure, tell

CALLEE, CALLER = 5361, 5371  # SIP; the next ports are those of TLS
PORTS = range(20200, 20300)  # RTP of the callee
SOURCE = "fermata.phone"
CONFIG = """poll_method epoll
sip_listen 127.0.0.1:{sip}
call_max_calls 1
audio_player {player}
audio_source {source}
audio_buffer 20-160
rtp_ports {ports}
snd_path {folder}
module_path /usr/lib/baresip/modules
module alsa.so
module aubridge.so
module g711.so
module sndfile.so
module_tmp account.so
module_app menu.so
"""


def make(folder, name, sip, player, source, ports):
    folder = folder / name
    folder.mkdir()
    (folder / "config").write_text(CONFIG.format(sip=sip, player=player, source=source, ports=ports,
                                                 folder=folder))
    (folder / "accounts").write_text(
        f"<sip:{name}@127.0.0.1>;regint=0;audio_codecs=pcmu/8000/1;answermode=auto\n")
    return folder


def run(folder, *options):
    with open(folder / "log", "wb") as log:
        return subprocess.Popen(["baresip", "-f", folder, *options], stdin=subprocess.DEVNULL,
                                stdout=log, stderr=log)


def nodes():
    return json.loads(subprocess.run(["pw-dump"], stdout=subprocess.PIPE, check=True).stdout)


def has_source():
    return any(node.get("info", {}).get("props", {}).get("node.name") == SOURCE
               for node in nodes() if node["type"].endswith(":Node"))


def recorded(folder):
    """What the sndfile module wrote of the decoded side."""
    path, = folder.glob("*-dec.wav")
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(1 << 30), "<i2").reshape(-1, channels)
    return samples.mean(axis=1) / 32768, rate


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path, help="a build folder")
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    need("baresip", "baresip-core")
    if not Path("/etc/alsa/conf.d/50-pipewire.conf").exists():
        sys.exit("baresip.py: ALSA knows no PipeWire: apt install pipewire-alsa")
    daemon = Daemon(arguments.build).start()
    callee = caller = None
    try:
        daemon.ctl("channel", "add", "phone", "--output", "source", "--profile", "telephone",
                   "--autostart", "yes")
        wait_until(has_source, f"the source {SOURCE}")
        daemon.wait_for_music("phone")
        callee_folder = make(daemon.folder, "callee", CALLEE, "aubridge,a", "aubridge,a",
                             f"{PORTS.start}-{PORTS.stop}")
        caller_folder = make(daemon.folder, "caller", CALLER, "aubridge,b",
                             f"alsa,pipewire:NODE={SOURCE}", "20400-20500")
        callee = run(callee_folder)
        wait_until(lambda: b"baresip is ready" in (callee_folder / "log").read_bytes(),
                   "a baresip that is called")
        capture = rtp.Capture(PORTS.start, PORTS.stop)
        capture.start()
        caller = run(caller_folder, "-t", str(arguments.seconds), "-e",
                     f"/dial sip:callee@127.0.0.1:{CALLEE}")
        caller.wait(arguments.seconds + 30)
        streams = capture.finish()
        callee.terminate()
        callee.wait(20)
        for folder in (callee_folder, caller_folder):
            if b"Call established" not in (folder / "log").read_bytes():
                print((folder / "log").read_text(errors="replace")[-3000:])
        good = tell("on the network", [rtp.heard(stream) for stream in streams.values()], 1, "callees")
        good &= tell("as baresip decoded it", [measure(*recorded(callee_folder))], 1, "callees")
        # With the call the microphone is let go, and the channel rests.
        wait_until(lambda: daemon.status("phone")["state"] == "idle", "an idle channel")
    finally:
        for process in (callee, caller):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        daemon.end()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
