#!/bin/sh
# SPDX-License-Identifier: MIT
# PyTorch's answers against those of the kernels, over 240 frames, for the shipped conv nets.
#
#     golden_conv.sh TEST_CONV DRIVER FORM
#
# Exits with 77 where there is no PyTorch or no such driver.
set -eu

test=$(realpath "$1")
shift
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch' 2>/dev/null || { echo "no PyTorch (python3-torch): skipped"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
for net in conv1d wavenet; do
    weights=models/weights/$net-maestro.safetensors
    "$python" -m models.golden --weights "$weights" --out "$scratch/golden"
    FERMATA_TEST_WEIGHTS=$weights FERMATA_TEST_GOLDEN=$scratch/golden "$test" "$@"
done
