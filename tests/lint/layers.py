#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layer rule of ARCHITECTURE.md, read off the #include lines.

    layers.py ROOT

Every room includes itself, the rooms below it and log.h, and only the
libraries that are its business.
"""

import re
import sys
from pathlib import Path

ROOMS = {
    "compute": {"compute"},
    "nets": {"nets", "compute"},
    "music": {"music"},
    "audio": {"audio", "music"},
    "control": {"control", "audio", "music", "nets", "compute"},
}

# Beginning of a library header's name: the rooms that may include it. "" is daemon/ itself, where
# main.c wires the rooms.
LIBRARIES = {
    "vulkan/": {"compute", "nets"},
    "pipewire/": {"audio", "control", ""},
    "spa/": {"audio", "control", ""},
    "fluidsynth": {"audio"},
    "dbus/": {"control", "client"},
    "systemd/": {"control", ""},
    "ini.h": {"control"},
    "cairo": {"client"},
    "curses": {"client"},
    "ncurses": {"client"},
}
# What the daemon may use of the client: people see and write the same on both sides.
SHARED = {("control", "client/" + name) for name in ("amount.h", "picture.h", "whole_file.h")}
# Headers that stand for no service: the safetensors header and the feed's lines are JSON.
HELPERS = {"spa/utils/json.h", "spa/utils/string.h"}
EXCEPTIONS = {(room, name) for room in ("nets", "client") for name in HELPERS}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(path, root):
    """"client", a room's name, or "" for what lies in daemon/ itself."""
    parts = path.relative_to(root).parts
    if parts[0] == "client":
        return "client"
    return parts[1] if len(parts) > 2 else ""


def complaint(root, path, room, quote, name):
    """What is wrong with one #include, or None."""
    where = room or "daemon"
    for prefix, allowed in LIBRARIES.items():
        if name.startswith(prefix) and room not in allowed and (room, name) not in EXCEPTIONS:
            return f"{where} may not use <{name}>"
    if quote == "<":
        return None
    if ".." in Path(name).parts:
        return f'"{name}" climbs out of its folder'
    target = Path(name).parts[0] if "/" in name else None
    if target == "client" and room != "client" and (room, name) not in SHARED:
        return f'{where} may not include "{name}"'
    if room == "client":
        if target in ROOMS or ((root / "daemon" / name).is_file() and not beside(path, name)):
            return f'the client may not include "{name}" of the daemon'
    elif target in ROOMS and room and target not in ROOMS[room]:
        return f'{where} may not include "{name}"'
    elif target is None and room and (root / "daemon" / name).is_file() and name != "log.h":
        return f'{where} may not include "{name}" of daemon/'
    return None


def beside(path, name):
    return (path.parent / name).is_file()


def complaints(root):
    files = sorted(
        path
        for folder in ("daemon", "client")
        for path in (root / folder).rglob("*")
        if path.suffix in (".c", ".h")
    )
    found = []
    for path in files:
        room = room_of(path, root)
        if room not in ROOMS and room not in ("", "client"):
            found.append(f"{path.relative_to(root)}: there is no room {room}")
            continue
        text = path.read_text()
        for match in INCLUDE.finditer(text):
            wrong = complaint(root, path, room, match[1], match[2])
            if wrong:
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(root)}:{line}: {wrong}")
    return found, len(files)


def main():
    found, count = complaints(Path(sys.argv[1]).resolve())
    print("\n".join(found) if found else f"{count} files keep to their layers")
    return 1 if found or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
