#!/usr/bin/env bash
# From a fresh clone to a clip that shows what you ask for: installs what is missing, builds, and samples from the model
# that is stored in examples/checkpoints.
#
#   bash examples/sora.sh "a boot falls through a night sky" [OPTIONS OF sample_video]
#
# e.g. bash examples/sora.sh "a red sneaker drifts left" --frames 16 --size 32x48 --seed 3 --out sneaker.gif
set -euo pipefail
started=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/setup.sh

out=$started/clip.webp
grid=$started/clip_frames.png
for argument in "$@"; do
  if [[ $argument == --out || $argument == --out=* ]]; then out=""; fi
done
if (($# == 0)); then set -- "a boot falls through a night sky"; fi

install_dependencies
build_targets sample_video
program=$PWD/build/examples/sample_video
checkpoint=$PWD/examples/checkpoints/sora.safetensors
[[ -r $checkpoint ]] || fail "$checkpoint is missing; train one with examples/configs/video.toml"

cd "$started"
begin=$SECONDS
"$program" --checkpoint "$checkpoint" ${out:+--out "$out"} --grid "$grid" "$@"
say "Made in $((SECONDS - begin)) s. All frames side by side: $grid"
if [[ -n $out && -n ${DISPLAY:-} ]] && command -v xdg-open >/dev/null; then xdg-open "$out" || true; fi
