# SPDX-License-Identifier: MIT
"""Which files the lint tests look at."""

import shutil
import sys

FOLDERS = ("daemon", "client", "shaders", "dbus", "models", "scripts", "tests", "systemd", "docs")
SKIP = 77  # meson's exit status for a test that skips itself


def of(root, *suffixes):
    """The files of the project with one of these suffixes, sorted."""
    return sorted(
        path
        for folder in FOLDERS
        for path in (root / folder).rglob("*")
        if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts
    )


def shell_scripts(root):
    """All shell scripts, by suffix or by their first line."""
    candidates = [path for path in root.iterdir() if path.is_file()]
    candidates += [path for folder in FOLDERS for path in (root / folder).rglob("*") if path.is_file()]
    candidates += [path for path in (root / ".ci").glob("*") if path.is_file()]
    scripts = []
    for path in sorted(candidates):
        if path.suffix == ".sh":
            scripts.append(path)
        elif not path.suffix:
            with path.open("rb") as file:
                first = file.readline(100)
            if first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b"bash")):
                scripts.append(path)
    return scripts


def need(tool):
    """The tool's path; without it the test skips itself."""
    path = shutil.which(tool)
    if not path:
        print(f"{tool} is not installed")
        sys.exit(SKIP)
    return path
