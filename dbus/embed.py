#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a C header that holds text files as string literals, byte for byte.

    embed.py OUTPUT.h NAME=FILE...
"""
import sys


def literal(data: bytes) -> str:
    lines = []
    for line in data.splitlines(keepends=True):
        text = "".join(
            chr(b) if 32 <= b < 127 and b not in b'"\\?' else "\\%03o" % b for b in line
        )
        lines.append('    "%s"' % text)
    return "\n".join(lines) or '    ""'


def main() -> None:
    output, *pairs = sys.argv[1:]
    with open(output, "w", encoding="ascii") as header:
        header.write("// SPDX-License-Identifier: MIT\n// Made by dbus/embed.py; do not edit.\n")
        for pair in pairs:
            name, _, path = pair.partition("=")
            with open(path, "rb") as file:
                header.write(f"static const char {name}[] =\n{literal(file.read())};\n")


if __name__ == "__main__":
    main()
