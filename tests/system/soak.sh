#!/bin/sh
# SPDX-License-Identifier: MIT
# The short form of the proof: what Fermata promises, held against twenty minutes of music of the
# default net for every composer, and three of every net that is there. On demand: fermatad --soak
# --hours 24.
#
#     soak.sh FERMATAD
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$1" --soak --seed 1 --minutes 20 --net transformer-open --out "$out/default"
"$1" --soak --seed 1 --minutes 3 --out "$out/every"
