#!/bin/sh
# SPDX-License-Identifier: MIT
# A frame of WaveNet from its caches (Paine et al. 2016) beside the whole window of 185 frames anew,
# on the device, and the same two in PyTorch, float32, one thread.
#
#     wavenet.sh BENCH_NET [WEIGHTS]
#
# Without weights, or where there are none, an untrained net is made: it costs the same. All take
# turns, three times; ratios are of CPU time, of each turn by itself: the median and, in brackets,
# the least and the largest. Exits with 77 where there is no Vulkan or no PyTorch.
set -eu

bench=$1
weights=${2:-}
here=$(dirname "$0")
window=185
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch' 2>/dev/null || { echo "no PyTorch (python3-torch): skipped"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
if ! [ -r "$weights" ]; then
    weights=$scratch/wavenet.safetensors
    (cd "$here/../.." && "$python" -m models.export --random 5 --net wavenet --out "$weights") >/dev/null
fi

"$bench" "$weights" 1 1 8 >"$scratch/first" || exit $?
for _ in 1 2 3; do
    "$bench" "$weights" 25 1 8 | sed 's/^/fermata-cached /' >>"$scratch/lines"
    "$bench" --window $window "$weights" 9 1 8 | sed 's/^/fermata-window /' >>"$scratch/lines"
    "$python" "$here/bench_torch_conv.py" "$weights" $window 200 1 8 | sed 's/^/torch-/' >>"$scratch/lines"
done

awk '
function value(key,   i) { for (i = 2; i < NF; i += 2) if ($i == key) return $(i + 1) }
function sort(list,   n, i, j, t) {
    n = split(list, sorted, " ")
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && sorted[j - 1] + 0 > sorted[j] + 0; j--) {
            t = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = t
        }
    return n
}
{
    lanes = value("lanes")
    if (!(lanes in seen)) { seen[lanes] = 1; order[++count] = lanes }
    key = $1 " " lanes
    turn = ++turns[key]
    wall[key] = wall[key] " " value("wall_us")
    cpu[key] = cpu[key] " " value("cpu_us")
    at[key, turn] = value("cpu_us")
}
END {
    split("fermata-cached fermata-window torch-cached torch-window", who, " ")
    split("Fermata, caches (sampling included)|Fermata, window frame by frame|PyTorch, caches|PyTorch, window at once", names, "|")
    print "lanes                                        wall us/frame  cpu us/frame   cpu time of Fermata\x27s caches"
    for (i = 1; i <= count; i++)
        for (k = 1; k <= 4; k++) {
            key = who[k] " " order[i]
            n = sort(wall[key]); w = sorted[int((n + 1) / 2)]
            n = sort(cpu[key]); c = sorted[int((n + 1) / 2)]
            printf "%5d  %-36s  %12.0f  %12.0f", order[i], names[k], w, c
            if (k > 1) {
                list = ""
                for (t = 1; t <= n; t++) list = list " " at[key, t] / at[who[1] " " order[i], t]
                sort(list)
                printf "   %.1f times (%.1f to %.1f)", sorted[int((n + 1) / 2)], sorted[1], sorted[n]
            }
            print ""
        }
}' "$scratch/lines"
