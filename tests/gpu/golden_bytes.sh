#!/bin/sh
# SPDX-License-Identifier: MIT
# PyTorch's answers against those of the kernels, with the transformer's weights made bytes here.
#
#     golden_bytes.sh TEST_GOLDEN_NOTES WEIGHTS DRIVER FORM
#
# Exits with 77 where there is no PyTorch, no such driver or no weights.
set -eu

test=$(realpath "$1")
weights=$2
shift 2
python=${PYTHON:-/usr/bin/python3}
"$python" -c 'import torch' 2>/dev/null || { echo "no PyTorch (python3-torch): skipped"; exit 77; }
[ -r "$weights" ] || { echo "no weights file $weights: skipped"; exit 77; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
"$python" -m models.quantise --out "$scratch/weights" "$weights"
"$python" -m models.golden_transformer --weights "$scratch/weights" --out "$scratch/golden"
FERMATA_TEST_WEIGHTS=$scratch/weights FERMATA_TEST_GOLDEN=$scratch/golden "$test" "$@"
