#!/usr/bin/env bash
# Installs a build into a temporary folder and builds and runs a small project that finds it with find_package.
#
#   tests/check_install.sh BUILD_DIR
set -euo pipefail
build=$1
source_dir=$(dirname "${BASH_SOURCE[0]}")/consumer
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake --install "$build" --prefix "$scratch/prefix" >"$scratch/install.log"
generator=$(sed -n 's/^CMAKE_GENERATOR:INTERNAL=//p' "$build/CMakeCache.txt")
cmake -S "$source_dir" -B "$scratch/build" -G "$generator" -DCMAKE_PREFIX_PATH="$scratch/prefix"
cmake --build "$scratch/build"
"$scratch/build/consumer"
