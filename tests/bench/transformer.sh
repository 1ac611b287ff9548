#!/bin/sh
# SPDX-License-Identifier: MIT
# The resident transformer, windows full, beside PyTorch's and ONNX Runtime's in float32 on the same
# weights, one thread each, both with caches of keys and values.
#
#     transformer.sh BENCH_NET WEIGHTS
#
# They take turns, five times, so that a busy machine is unfair to nobody. Ratios are of the CPU
# time of a note, of each turn by itself: the median and, in brackets, the least and the largest.
# ONNX Runtime is measured where NODE_PATH has onnxruntime-node:
#     npm install --ignore-scripts onnxruntime-node && export NODE_PATH=$PWD/node_modules
# Exits with 77 where there are no weights, no Vulkan or no PyTorch.
set -eu

bench=$1
weights=$2
here=$(dirname "$0")
python=${PYTHON:-/usr/bin/python3}
[ -r "$weights" ] || { echo "no weights file $weights: skipped"; exit 77; }
"$python" -c 'import torch' 2>/dev/null || { echo "no PyTorch (python3-torch): skipped"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export PYTHONDONTWRITEBYTECODE=1
ort=
if command -v node >/dev/null && node -e "require('onnxruntime-node')" 2>/dev/null; then
    "$python" "$here/bench_torch_transformer.py" "$weights" --onnx "$scratch/step.onnx" \
        2>"$scratch/onnx.log" && ort=yes || cat "$scratch/onnx.log"
fi
[ "$ort" ] || echo "no ONNX Runtime (npm install --ignore-scripts onnxruntime-node; NODE_PATH)"

"$bench" "$weights" 1 1 >"$scratch/first" || exit $?
for _ in 1 2 3 4 5; do
    "$bench" "$weights" 10 1 16 | sed 's/^/fermata /' >>"$scratch/lines"
    "$python" "$here/bench_torch_transformer.py" "$weights" 96 1 16 | sed 's/^/torch /' >>"$scratch/lines"
    [ -z "$ort" ] || node "$here/bench_ort_transformer.js" "$scratch/step.onnx" 96 |
        sed 's/^/ort /' >>"$scratch/lines"
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
    key = value("lanes") " " $1
    if (!(key in turns)) keys[++count] = key
    turn = ++turns[key]
    wall[key] = wall[key] " " value("wall_us")
    cpu[key] = cpu[key] " " value("cpu_us")
    at[key, turn] = value("cpu_us")
}
END {
    names["fermata"] = "Fermata (sampling included)"
    names["torch"] = "PyTorch"
    names["ort"] = "ONNX Runtime"
    print "lanes                                wall us/note  cpu us/note   cpu time of Fermata\x27s"
    for (i = 1; i <= count; i++) {
        split(keys[i], part, " ")
        n = sort(wall[keys[i]]); w = sorted[int((n + 1) / 2)]
        n = sort(cpu[keys[i]]); c = sorted[int((n + 1) / 2)]
        printf "%5d  %-28s  %12.0f  %11.0f", part[1], names[part[2]], w, c
        if (part[2] != "fermata") {
            list = ""
            for (t = 1; t <= n; t++) list = list " " at[keys[i], t] / at[part[1] " fermata", t]
            sort(list)
            printf "   %.2f times (%.2f to %.2f)", sorted[int((n + 1) / 2)], sorted[1], sorted[n]
        }
        print ""
    }
}' "$scratch/lines"
