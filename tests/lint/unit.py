#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The systemd units are right, and no less hardened than the documents say.

    unit.py UNIT SYSTEM_UNIT
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import sources

# systemd-analyze's exposure times ten, as documented in systemd/README.md. It does not fall to a
# system service's 0.6, because it counts capabilities that a user's manager may not drop, but that a
# user's process has not got either.
THRESHOLD = 52

# Of the machine's instance, which has the internet's sockets, for RTP, and GPUs.
SYSTEM_THRESHOLD = 13

# A user's manager cannot do these: with one of them the unit fails there (218/CAPABILITIES,
# 226/NAMESPACE). The first kills lavapipe, whose shaders are compiled while it runs.
FATAL = ("MemoryDenyWriteExecute", "CapabilityBoundingSet", "AmbientCapabilities", "PrivateDevices",
         "ProtectClock", "ProtectKernelLogs", "ProtectKernelModules", "PrivateUsers", "DynamicUser",
         "SupplementaryGroups", "User", "Group")


def analyze(tool, environment, *arguments):
    """1 where systemd-analyze fails, or where verify has anything to say: it passes unknown keys."""
    done = subprocess.run([tool, *arguments], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not done.returncode and not (arguments[0] == "verify" and done.stdout):
        return 0
    print(f"systemd-analyze {' '.join(map(str, arguments))}:\n{done.stdout}")
    return 1


def check(tool, text, manager, threshold):
    with tempfile.TemporaryDirectory() as folder:
        # verify wants programs that are there; the real one is not installed yet.
        unit = Path(folder) / "fermata.service"
        unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE))
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
        return (analyze(tool, environment, "verify", *manager, "--man=no", unit)
                | analyze(tool, environment, "security", *manager, "--offline=true", "--no-pager",
                          f"--threshold={threshold}", unit))


def main():
    tool = sources.need("systemd-analyze")
    text, system_text = (Path(argument).read_text() for argument in sys.argv[1:3])
    wrong = 0
    for option in FATAL:
        if re.search(rf"^{option}=", text, re.MULTILINE):
            print(f"{option}= keeps the daemon from starting under a user's manager")
            wrong = 1
    if re.search(r"^MemoryDenyWriteExecute=", system_text, re.MULTILINE):
        print("MemoryDenyWriteExecute= kills lavapipe")
        wrong = 1
    wrong |= check(tool, text, ["--user"], THRESHOLD)
    wrong |= check(tool, system_text, [], SYSTEM_THRESHOLD)
    print("wrong" if wrong else "the units are in order")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
