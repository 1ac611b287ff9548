#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What CONTRIBUTING.md asks of every source file and no compiler checks.

    text.py ROOT

At most 500 lines; the licence at the top; no tabs, no space at line ends, a
newline at the end; nothing left for later; what names its interpreter is executable.
"""

import os
import re
import sys
from pathlib import Path

import sources

LONGEST = 500
LICENCE = "SPDX-License-Identifier: MIT"
# Spelt apart, so that this file passes its own test.
LATER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")


def complaints(path):
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return ["is not UTF-8"]
    lines = text.splitlines()
    found = []
    if len(lines) > LONGEST:
        found.append(f"{len(lines)} lines; beyond {LONGEST} a file hides a second noun")
    if path.suffix in (".c", ".h", ".sh", ".comp", ".glsl") and LICENCE not in "".join(lines[:2]):
        found.append(f"does not begin with {LICENCE}")
    if text.startswith("#!") and not os.access(path, os.X_OK):
        found.append("has an interpreter and cannot be executed: chmod +x")
    if text and not text.endswith("\n"):
        found.append("does not end with a newline")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            found.append(f"line {number} ends with a space")
        if "\t" in line:
            found.append(f"line {number} has a tab")
        if LATER.search(line):
            found.append(f"line {number} leaves something for later")
    return found


def main():
    root = Path(sys.argv[1]).resolve()
    files = sources.of(root, ".c", ".h", ".comp", ".glsl", ".py", ".sh")
    found = [f"{path.relative_to(root)}: {wrong}" for path in files for wrong in complaints(path)]
    print("\n".join(found) if found else f"{len(files)} files are in order")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
