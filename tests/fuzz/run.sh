#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes what reads files by anybody: libFuzzer with ASan and UBSan.
#
#     run.sh [SECONDS]      60 by default
#
# FluidSynth, which reads MIDI files, is not built with the sanitizers; so what the fuzzer has found
# worth keeping is read once more under valgrind, where that is installed. Exit status 77 where there
# is no clang.
set -eu
seconds=${1:-60}
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
command -v clang >/dev/null || { echo "no clang (apt-get install clang)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() {
    # pkg-config's answer is words.
    # shellcheck disable=SC2046
    "$@" -D_GNU_SOURCE -I"$root/daemon" "$here/fuzz_midi_reader.c" \
        "$root/daemon/audio/midi_reader.c" "$root/daemon/control/opening_reader.c" \
        "$root/daemon/music/opening.c" "$root/daemon/log.c" $(pkg-config --cflags --libs fluidsynth)
}
build clang -g -O1 -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o "$work/fuzz"

mkdir "$work/corpus"
python3 - "$work/corpus" <<'PYTHON'
import struct, sys
def save(name, *tracks, form=1, division=96):
    data = b'MThd' + struct.pack('>IHHH', 6, form, len(tracks), division)
    data += b''.join(b'MTrk' + struct.pack('>I', len(t)) + t for t in tracks)
    open(f'{sys.argv[1]}/{name}', 'wb').write(data)
end = b'\0\xff\x2f\0'
notes = b''.join(bytes([0, 0x90, k, 70, 48, k, 0]) for k in range(40, 80))
save('running', notes + end, form=0)
save('tracks', b'\0\xff\x51\3\x07\xa1\x20' + end, notes + end, b'\x30' + notes + end)
save('meta', b'\0\xff\3\5hello\0\xff\x58\4\4\2\x18\x08\0\xf0\5\x7e\x7f\x09\1\xf7' + notes + end)
save('pedal', b'\0\xb0\x40\x7f' + notes + b'\x10\xb0\x40\0\0\xb0\x7b\0\0\xe0\0\x40\0\xc0\1' + end)
PYTHON
"$work/fuzz" -max_total_time="$seconds" -max_len=2048 -timeout=30 -rss_limit_mb=2048 \
    -print_final_stats=1 "$work/corpus" 2>"$work/said" || { tail -n 60 "$work/said"; exit 1; }
grep -E 'stat::|DONE' "$work/said" | tail -n 8
if command -v valgrind >/dev/null; then
    cat >"$work/replay.c" <<'REPLAY'
#include <stdint.h>
#include <stdio.h>
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        static uint8_t bytes[1 << 16];
        FILE *file = fopen(argv[i], "rb");
        size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        if (file)
            fclose(file);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    return 0;
}
REPLAY
    build cc -g -O1 "$work/replay.c" -o "$work/replay"
    find "$work/corpus" -type f | sort | head -n 200 |
        xargs valgrind --quiet --error-exitcode=1 "$work/replay"
    echo "valgrind has nothing to say of $(find "$work/corpus" -type f | wc -l) of them"
fi
