#!/bin/sh
# SPDX-License-Identifier: MIT
# Fuzzes what reads what others give: libFuzzer with ASan and UBSan.
#
#     run.sh [SECONDS [TARGET...]]      60 by default, each of meson.build's targets
#
# It builds in build/fuzz, and goes on from the inputs that were kept there (build/fuzz/corpus). What
# breaks a target is left in build/fuzz/broken; once that is mended, put it into found/, where the
# tests try it again. FluidSynth and libsndfile are not instrumented; so what was kept of MIDI files
# is read once more under valgrind, where that is installed and ./check has built. Exit status 77
# where there is no clang.
set -eu
seconds=${1:-60}
[ $# -gt 0 ] && shift
root=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
build=$root/build/fuzz
command -v clang >/dev/null || { echo "no clang (apt-get install clang libclang-rt-14-dev)"; exit 77; }
[ $# -gt 0 ] || set -- announcement midi_reader rtp_address schedule seedbook settings weights
cd "$root"
[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" -Dfuzz=true -Db_lundef=false \
    -Db_sanitize=address,undefined >/dev/null
# Words, one a target.
# shellcheck disable=SC2046
ninja -C "$build" tests/fuzz/seeds $(printf 'tests/fuzz/fuzz_%s ' "$@") >"$build/said" ||
    { tail -n 30 "$build/said"; exit 1; }
mkdir -p "$build/broken"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
status=0
for target in "$@"; do
    mkdir -p "$build/corpus/$target"
    # In a broken file libsndfile leaks the head of an Ogg stream, and new_fluid_synth() leaks in
    # libinstpatch where it is the only one: neither is ours.
    leaks=1
    case $target in announcement | midi_reader) leaks=0 ;; esac
    if "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -max_len=8192 -timeout=30 \
        -rss_limit_mb=2048 -detect_leaks=$leaks -print_final_stats=1 \
        -artifact_prefix="$build/broken/$target-" \
        "$build/corpus/$target" "$build/tests/fuzz/seeds/$target" 2>"$build/said"; then
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/said") inputs," \
            "$(find "$build/corpus/$target" -type f | wc -l) kept, nothing found"
    else
        tail -n 60 "$build/said"
        echo "$target: broken, see $build/broken"
        status=1
    fi
done
replay=$root/build/check/tests/fuzz/replay_midi_reader
if command -v valgrind >/dev/null && [ -x "$replay" ] && [ -d "$build/corpus/midi_reader" ]; then
    find "$build/corpus/midi_reader" -type f | sort | head -n 100 |
        xargs valgrind --quiet --error-exitcode=1 "$replay" >/dev/null 2>"$build/said" ||
        { tail -n 60 "$build/said"; status=1; }
fi
exit $status
