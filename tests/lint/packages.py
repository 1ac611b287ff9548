#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is built from is said twice, in packages.txt and in debian/control: the same of both; and both
know the version that meson.build does, and so does what a software centre is told.

    packages.py ROOT
"""

import re
import sys
from pathlib import Path

# Of every Debian build already, or under another name there.
ESSENTIAL = {"gcc", "libc6-dev"}
OTHER = {"debhelper-compat", "dh-sequence-installsysusers", "systemd", "systemd-dev"}


def main():
    root = Path(sys.argv[1])
    section = re.search(r"^# build\n(.*?)(?=^# |\Z)", (root / "packages.txt").read_text(),
                        re.MULTILINE | re.DOTALL)
    listed = set(section[1].split()) - ESSENTIAL
    field = re.search(r"^Build-Depends:(.*?)^(?=\S|$)", (root / "debian/control").read_text(),
                      re.MULTILINE | re.DOTALL)
    depends = {re.match(r"[a-z0-9.+-]+", name.strip())[0] for name in re.split(r"[,|]", field[1])}
    wrong = 0
    for where, names in (("debian/control (Build-Depends)", listed - depends),
                         ("packages.txt (build)", depends - listed - OTHER)):
        if names:
            print(f"{where} lacks {', '.join(sorted(names))}")
            wrong = 1
    version = re.search(r"^  version: '(.*?)'", (root / "meson.build").read_text(), re.MULTILINE)[1]
    packaged = re.match(r"fermata \((.*?)\)", (root / "debian/changelog").read_text())[1]
    if packaged != version:
        print(f"debian/changelog has version {packaged}, meson.build {version}")
        wrong = 1
    told = re.search(r'<release version="(.*?)"',
                     (root / "desktop/org.fermata.HoldMusic1.metainfo.xml").read_text())[1]
    if told != version:
        print(f"the metainfo in desktop/ has version {told}, meson.build {version}")
        wrong = 1
    print("wrong" if wrong else "the packages agree")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
