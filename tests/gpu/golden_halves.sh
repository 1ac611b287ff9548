#!/bin/sh
# SPDX-License-Identifier: MIT
# PyTorch's answers against those of the kernels for weights of two bytes, of an untrained transformer
# made here: those that are shipped have one.
#
#     golden_halves.sh TEST_GOLDEN_NOTES DRIVER FORM
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
"$python" -m models.export_transformer --random 5 --out "$scratch/weights"
"$python" -m models.golden_transformer --weights "$scratch/weights" --out "$scratch/golden"
FERMATA_TEST_WEIGHTS=$scratch/weights FERMATA_TEST_GOLDEN=$scratch/golden "$test" "$@"
