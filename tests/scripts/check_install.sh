#!/usr/bin/env bash
# Installs a build into a temporary folder and builds and runs a small project that finds it with find_package: it
# trains a model of its own, and samples from those that the programs wrote. Then checks that a program which drops
# results is warned of each. And the installed tutorials are built.
#
#   tests/scripts/check_install.sh BUILD_DIR
set -euo pipefail
build=$(cd "$1" && pwd)
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../consumer" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
cmake -S "$source_dir" -B "$scratch/build" -G "$generator" -DCMAKE_PREFIX_PATH="$scratch/prefix"
cmake --build "$scratch/build"
"$scratch/build/consumer"

(cd "$scratch" && build/custom_model && build/own_dataset && build/training_loop .)
(cd "$scratch" && build/guide && build/extending && build/questions)
(cd "$scratch" && build/video_pipeline "$source_dir/../../examples/checkpoints/sora.safetensors" "a red sneaker drifts left")
if [[ -x $build/examples/train_dit ]]; then
  "$build/examples/train_dit" --data shapes --hidden 16 --depth 1 --heads 2 --patch 7 --batch-size 4 --steps 2 \
    --warmup 1 --sample-every 0 --sampling-steps 2 --out "$scratch/run" >"$scratch/train.log"
  (cd "$scratch" && build/image_pipeline run)
fi

# The project of examples/custom_model, which needs the component core alone, by CMake and by pkg-config.
example=$source_dir/../../examples/custom_model
cmake -S "$example" -B "$scratch/example" -G "$generator" -DCMAKE_PREFIX_PATH="$scratch/prefix" >"$scratch/example.log"
cmake --build "$scratch/example"
"$scratch/example/custom_model"
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$build/CMakeCache.txt")
if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$(dirname "$(find "$scratch/prefix" -name ditharos.pc)")
  export PKG_CONFIG_PATH
  read -ra flags <<<"$(pkg-config --cflags --libs ditharos)"
  "$compiler" -std=c++20 -O1 "$example/custom_model.cpp" "${flags[@]}" -o "$scratch/by_pkg_config"
  "$scratch/by_pkg_config"
fi

# The tutorials as they are installed, a project of its own: two of them.
cmake -S "$scratch/prefix/share/doc/ditharos/examples/tutorials" -B "$scratch/tutorials" -G "$generator" \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" >"$scratch/tutorials.log"
cmake --build "$scratch/tutorials" --target 1_tensors 2_autograd
(cd "$scratch" && tutorials/1_tensors | tail -n 1 | grep -x true && tutorials/2_autograd | grep -x 'a rule times 1: right')

statements=$(grep -c '^  .*;$' "$source_dir/ignored.cpp")
"$compiler" -std=c++20 -fsyntax-only -I"$scratch/prefix/include" "$source_dir/ignored.cpp" 2>"$scratch/warnings" || true
warned=$(sed -n 's/.*ignored\.cpp:\([0-9]*\):.*warning: .*/\1/p' "$scratch/warnings" | sort -u | wc -l)
if ((warned != statements)); then
  cat "$scratch/warnings"
  echo "the compiler warns of $warned of $statements dropped results"
  exit 1
fi
echo "the compiler warns of $warned dropped results"
