#!/usr/bin/env bash
# Compiles every header of the library alone: each includes all that it uses. Those of tensor/kernels/onednn/ need
# oneDNN and are compiled with their sources.
#
#   tests/scripts/check_headers.sh COMPILER INCLUDE_DIR     INCLUDE_DIR holds ditharos/
set -euo pipefail
compiler=$1
include_dir=$2
cd "$include_dir/ditharos"
find -L . -name '*.h' ! -path './tensor/kernels/*_isa.h' ! -path './tensor/kernels/simd/*' \
  ! -path './tensor/kernels/onednn/*' -print0 | sort -z |
  xargs -0 -P "$(nproc)" -I{} sh -c 'echo "#include <ditharos/${3#./}>" |
    "$1" -std=c++20 -Wall -Wextra -fsyntax-only -I"$2" -x c++ - || { echo "$3 does not compile alone"; exit 1; }' \
    sh "$compiler" "$include_dir" {}
