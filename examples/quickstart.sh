#!/usr/bin/env bash
# From a fresh clone to a grid of images drawn by a diffusion transformer: installs what is missing, builds, trains for
# a few minutes on Fashion-MNIST and says where the results are.
#
#   bash examples/quickstart.sh [OPTIONS OF train_dit]     e.g. bash examples/quickstart.sh --threads 4
#
# Run again, it neither installs nor builds; an interrupted training goes on where it stopped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/setup.sh

fashion_mnist=/usr/share/datasets/fashion-mnist
run=runs/quickstart

install_dependencies
build_targets train_dit sample_dit

data=$fashion_mnist
if [[ ! -r $fashion_mnist/train-images-idx3-ubyte.gz ]]; then
  data=shapes
  say "The Fashion-MNIST images (package dataset-fashion-mnist) are not here: training on drawn shapes, class = shape"
fi
# A run of the other data set is there: leave it in peace.
if [[ -f $run/config.toml ]] && ! grep -qF "\"$data\"" "$run/config.toml"; then
  run=$run-$(basename "$data")
fi

say "Training; Ctrl-C stops it and keeps what it has learnt"
build/examples/train_dit --config examples/configs/quickstart.toml --data "$data" --out "$run" --resume auto "$@"

say "Done. More images: build/examples/sample_dit --checkpoint $run --per-class 12 --out more.png"
