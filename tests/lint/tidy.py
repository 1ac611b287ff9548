#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy (.clang-tidy) over all of our C files that are built; the analyzer, which takes nearly all
of the time, over those that are shipped.

    tidy.py ROOT BUILD
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sources


def main():
    root, build = (Path(argument).resolve() for argument in sys.argv[1:3])
    tidy = sources.need("clang-tidy")
    entries = json.loads((build / "compile_commands.json").read_text())
    files = sorted({(Path(e["directory"]) / e["file"]).resolve() for e in entries})
    files = [path for path in files if path.suffix == ".c" and path.is_relative_to(root)
             and not path.is_relative_to(build)]

    def check(path):
        return path, subprocess.run(
            [tidy, "--quiet", "-p", build, "--warnings-as-errors=*",
             *(["--checks=-clang-analyzer-*"] if path.is_relative_to(root / "tests") else []),
             f"--header-filter={root}/(daemon|client)/.*", path],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )

    wrong = 0
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        for path, done in pool.map(check, files):
            if done.returncode:
                wrong += 1
                print(f"{path.relative_to(root)}:\n{done.stdout}")
    print(f"{len(files)} files, {wrong} wrong")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
