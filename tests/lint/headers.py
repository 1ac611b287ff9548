#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every header compiles alone, without a warning.

    headers.py ROOT BUILD

Compiled with the flags of a source file of the same folder, so that headers
see the libraries that their room sees.
"""

import json
import shlex
import subprocess
import sys
from pathlib import Path


def flags_by_folder(build):
    """Folder -> the arguments of some file of it that concern the preprocessor and language."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        folder = (Path(entry["directory"]) / entry["file"]).resolve().parent
        arguments = shlex.split(entry["command"])
        if Path(arguments[0]).name == "ccache":
            arguments = arguments[1:]
        kept = [a for a in arguments[1:] if a.startswith(("-I", "-D", "-std", "-pthread", "-isystem"))]
        flags.setdefault(folder, (arguments[0], []))[1].extend(kept)
    return flags


def main():
    root, build = (Path(argument).resolve() for argument in sys.argv[1:3])
    flags = flags_by_folder(build)
    wrong = count = 0
    for folder in ("daemon", "client"):
        for header in sorted((root / folder).rglob("*.h")):
            compiler, arguments = flags.get(header.parent, ("cc", [f"-I{root / 'daemon'}"]))
            arguments = list(dict.fromkeys(arguments))
            # Twice, so that a missing guard shows too.
            done = subprocess.run(
                [compiler, *arguments, "-std=gnu11", "-Wall", "-Wextra", "-Wno-unused-parameter",
                 "-Wno-missing-field-initializers", "-Werror", "-fsyntax-only", "-x", "c", "-"],
                input=f'#include "{header}"\n#include "{header}"\n',
                text=True,
                cwd=build,
                stderr=subprocess.PIPE,
            )
            count += 1
            if done.returncode:
                wrong += 1
                print(f"{header.relative_to(root)} does not compile alone:\n{done.stderr}")
    print(f"{count} headers, {wrong} wrong")
    return 1 if wrong or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
