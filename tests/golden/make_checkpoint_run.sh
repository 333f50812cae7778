#!/usr/bin/env bash
# Makes tests/golden/checkpoint_run_vN.ckpt of a format that is new, with checkpoint_run_vN.toml: the fourth step of a
# small train_dit on synthetic images. Files of older formats are never made again.
#
#   bash tests/golden/make_checkpoint_run.sh build/examples N
set -euo pipefail
programs=${1:?usage: make_checkpoint_run.sh PROGRAMS FORMAT} format=${2:?usage: make_checkpoint_run.sh PROGRAMS FORMAT}
here=$(cd "$(dirname "$0")" && pwd)
target=$here/checkpoint_run_v$format.ckpt
[[ ! -e $target ]] || { echo "$target exists: a stored checkpoint is never replaced"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$programs/train_dit" --config "$here/checkpoint_run_v$format.toml" --out "$folder/run" --threads 1
cp "$folder/run/checkpoints/step_00000004.ckpt" "$target"
ls -l "$target"
