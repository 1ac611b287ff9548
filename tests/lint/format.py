#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All C files are as clang-format would write them: format.py ROOT."""

import subprocess
import sys
from pathlib import Path

import sources

root = Path(sys.argv[1]).resolve()
files = [path for path in sources.of(root, ".c", ".h")]
done = subprocess.run([sources.need("clang-format"), "--dry-run", "-Werror", *files], cwd=root)
print(f"{len(files)} files", "differ: clang-format -i" if done.returncode else "are formatted")
sys.exit(1 if done.returncode or not files else 0)
