#!/bin/sh
# SPDX-License-Identifier: MIT
# The resident LSTM beside PyTorch's on the same weights, in one run, and how long it takes to open
# with and without the driver's cache of compiled kernels.
#
#     lstm.sh BENCH_NET WEIGHTS
#
# The two take turns, three times, so that a busy machine is unfair to neither; each figure is the
# median of three. Exits with 77 where there are no weights, no Vulkan or no PyTorch.
set -eu

bench=$1
weights=$2
here=$(dirname "$0")
python=${PYTHON:-/usr/bin/python3}
[ -r "$weights" ] || { echo "no weights file $weights: skipped"; exit 77; }
"$python" -c 'import torch' 2>/dev/null || { echo "no PyTorch (python3-torch): skipped"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export XDG_CACHE_HOME="$scratch/cache" MESA_SHADER_CACHE_DIR="$scratch/mesa"
mkdir -p "$XDG_CACHE_HOME" "$MESA_SHADER_CACHE_DIR"

"$bench" "$weights" 1 1 >"$scratch/cold" || exit $?
"$bench" "$weights" 1 1 >"$scratch/warm"
awk '{ printf "%s: device and net open in %.0f ms\n", FILENAME ~ /cold$/ ? "cold cache" : "warm cache", $4 }' \
    "$scratch/cold" "$scratch/warm"

for _ in 1 2 3; do
    "$bench" "$weights" 25 >>"$scratch/fermata"
    "$python" "$here/bench_torch_lstm.py" "$weights" 200 >>"$scratch/torch"
done

# key value pairs to a table of medians
awk '
function value(key,   i) { for (i = 1; i < NF; i += 2) if ($i == key) return $(i + 1) }
function median(list,   n, a, i, j, t) {
    n = split(list, a, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && a[j - 1] + 0 > a[j] + 0; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    return a[int((n + 1) / 2)]
}
{
    who = FILENAME ~ /torch$/ ? "torch" : "fermata"
    lanes = value("lanes")
    if (!(lanes in seen)) { seen[lanes] = 1; order[++count] = lanes }
    wall[who, lanes] = wall[who, lanes] " " value("wall_us")
    cpu[who, lanes] = cpu[who, lanes] " " value("cpu_us")
}
END {
    print "              fermata (sampling included)        PyTorch (best of 1 and 2 threads)  ratio"
    print "lanes   wall us/step  cpu us/step  steps/s    wall us/step  cpu us/step  steps/s    wall   cpu"
    for (i = 1; i <= count; i++) {
        l = order[i]
        fw = median(wall["fermata", l]); fc = median(cpu["fermata", l])
        tw = median(wall["torch", l]); tc = median(cpu["torch", l])
        printf "%5d   %12.0f  %11.0f  %7.0f    %12.0f  %11.0f  %7.0f  %6.2f %5.2f\n", \
            l, fw, fc, 1e6 / fw, tw, tc, 1e6 / tw, tw / fw, tc / fc
    }
}' "$scratch/fermata" "$scratch/torch"
