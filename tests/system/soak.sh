#!/bin/sh
# SPDX-License-Identifier: MIT
# The short form of the proof: what Fermata promises, held against twenty minutes of music of every
# net that is there for every composer it offers. On demand: fermatad --soak --hours 24.
#
#     soak.sh FERMATAD        (with the nets in $FERMATA_MODELS)
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# A process a net, as many at once as there are cores; those that take longest begin first.
find "$FERMATA_MODELS" -name '*.safetensors' ! -name 'quotes-*' -printf '%f\n' | sort -r |
    sed 's/\.safetensors$//' >"$out/nets"
status=0
# shellcheck disable=SC2016 # for the shell that runs the net
xargs -P "$(nproc)" -I NET sh -c '"$1" --soak --seed 1 --minutes 20 --net "$3" --out "$2/$3" \
    >"$2/$3.log" 2>&1' soak "$1" "$out" NET <"$out/nets" || status=$?
while read -r net; do
    cat "$out/$net.log"
done <"$out/nets"
exit "$status"
