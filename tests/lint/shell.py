#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shellcheck has nothing to say about any shell script: shell.py ROOT."""

import subprocess
import sys
from pathlib import Path

import sources

root = Path(sys.argv[1]).resolve()
scripts = sources.shell_scripts(root)
# Its mere remarks include false alarms about what only a trap calls, hence warnings and errors only.
# -x follows what is sourced; names are seen from the root, as the scripts see them.
done = subprocess.run([sources.need("shellcheck"), "-S", "warning", "-x", "-P", str(root), *scripts], cwd=root)
print(f"{len(scripts)} scripts")
sys.exit(1 if done.returncode or not scripts else 0)
