#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""That layers.py notices what it is there to notice."""

import tempfile
import unittest
from pathlib import Path

import layers

ALLOWED = {
    "daemon/main.c": '#include "control/manager.h"\n#include <pipewire/pipewire.h>\n#include "log.h"',
    "daemon/compute/a.c": '#include "compute/a.h"\n#include <vulkan/vulkan.h>\n#include "log.h"',
    "daemon/nets/a.c": '#include "compute/device.h"\n#include <spa/utils/json.h>\n#include "gates.h"',
    "daemon/music/a.c": '#include "music/note.h"\n#include <math.h>',
    "daemon/audio/a.c": '#include "music/score.h"\n#include <fluidsynth.h>',
    "daemon/control/a.c": '#include "nets/net.h"\n#include "audio/ring.h"\n#include <dbus/dbus.h>'
                          '\n#include "client/picture.h"',
    "client/a.c": '#include "roll.h"\n#include <cairo.h>\n#include <ncurses.h>',
    "client/roll.h": "",
}

FORBIDDEN = {
    "daemon/compute/a.c": ['"nets/net.h"', '"music/note.h"', "<pipewire/loop.h>"],
    "daemon/nets/a.c": ['"music/note.h"', '"audio/ring.h"', "<spa/utils/ringbuffer.h>"],
    "daemon/music/a.c": ['"nets/net.h"', "<vulkan/vulkan.h>", "<fluidsynth.h>", "<dbus/dbus.h>",
                         "<spa/utils/json.h>", "<systemd/sd-daemon.h>", '"../nets/net.h"'],
    "daemon/audio/a.c": ['"nets/net.h"', '"client/picture.h"', '"control/bus.h"', "<vulkan/vulkan.h>"],
    "daemon/control/a.c": ["<vulkan/vulkan.h>", "<fluidsynth.h>", "<cairo.h>", '"client/watch.h"'],
    "client/a.c": ['"music/note.h"', '"log.h"', "<pipewire/pipewire.h>"],
    "daemon/sound/a.c": ["<stdio.h>"],
}


class Layers(unittest.TestCase):
    def complaints(self, files):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for path, text in {"daemon/log.h": "", **files}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return layers.complaints(root)[0]

    def test_allowed(self):
        self.assertEqual(self.complaints(ALLOWED), [])

    def test_forbidden(self):
        for path, includes in FORBIDDEN.items():
            for include in includes:
                with self.subTest(path=path, include=include):
                    found = self.complaints({path: f"int a;\n  #  include {include}\n"})
                    self.assertEqual(len(found), 1)
                    self.assertTrue(found[0].startswith(path))


if __name__ == "__main__":
    unittest.main()
