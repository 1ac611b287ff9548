# SPDX-License-Identifier: MIT
"""Check a SPIR-V module with spirv-val and write it as a C array.

    embed.py SPIRV-VAL MODULE.spv NAME HEADER.h

Fails, and with it the build, where the validator objects.
"""

import struct
import subprocess
import sys
from pathlib import Path

validator, module, name, header = sys.argv[1:]
subprocess.run([validator, "--target-env", "vulkan1.1", module], check=True)
data = Path(module).read_bytes()
words = struct.unpack(f"<{len(data) // 4}I", data)
lines = [", ".join(f"0x{word:08x}" for word in words[at : at + 8]) for at in range(0, len(words), 8)]
body = ",\n    ".join(lines)
Path(header).write_text(f"static const uint32_t {name}[] = {{\n    {body},\n}};\n")
