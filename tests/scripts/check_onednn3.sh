#!/usr/bin/env bash
# Compiles the oneDNN seam against the headers of another oneDNN than the system's, such as 3.x on a machine with 2.x.
# Given that oneDNN's library too, it builds ditharos with it and runs the tests of the matrix products and convolutions.
#
#   tests/scripts/check_onednn3.sh INCLUDE_DIR [LIBRARY [BUILD_DIR]]
#
# Both come, for instance, in the Python packages onednn-devel-cpu-gomp (headers) and onednn-cpu-gomp (library):
#   pip download --no-deps onednn-devel-cpu-gomp onednn-cpu-gomp; unzip each;
#   tests/scripts/check_onednn3.sh onednn_devel*.data/data/include onednn_cpu*.data/data/lib/libdnnl.so
set -euo pipefail
include_dir=$(realpath "${1:?usage: tests/scripts/check_onednn3.sh INCLUDE_DIR [LIBRARY [BUILD_DIR]]}")
library=${2:+$(realpath "$2")}
build=${3:-}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [[ ! -r $include_dir/oneapi/dnnl/dnnl.hpp ]]; then
  echo "no oneDNN headers there: $include_dir/oneapi/dnnl/dnnl.hpp" >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
version=$(printf '#include <oneapi/dnnl/dnnl_version.h>\nDNNL_VERSION_MAJOR.DNNL_VERSION_MINOR.DNNL_VERSION_PATCH\n' |
  g++ -E -P -I"$include_dir" -x c++ - | tail -n 1 | tr -d ' ')

shopt -s nullglob
seam=(tensor/kernels/onednn/*.cpp)
if ((${#seam[@]} == 0)); then
  echo "no tensor/kernels/onednn/*.cpp to compile" >&2
  exit 1
fi
for source in "${seam[@]}"; do
  g++ -std=c++20 -O1 -Wall -Wextra -Werror -fopenmp -DDITHAROS_HAS_ONEDNN=1 \
    -Iinclude -isystem "$include_dir" -c "$source" -o "$scratch/seam.o"
  echo "$source compiles with the headers of oneDNN $version"
done
if [[ -z $library ]]; then exit 0; fi

build=${build:-$scratch/build}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DDNNL_INCLUDE_DIR="$include_dir" -DDNNL_LIBRARY="$library"
cmake --build "$build" --target ditharos_tests
export LD_LIBRARY_PATH="$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# One line of its log, so that nobody takes another library for this one.
DNNL_VERBOSE=1 ONEDNN_VERBOSE=1 "$build/tests/ditharos_tests" --source-file='*gemm*,*matmul*,*packed*,*conv*' |
  tee "$scratch/log" | grep -v -i '^\(dnnl\|onednn\)_verbose' || true
grep -i -m 1 '_verbose,.*info,.*v[0-9]' "$scratch/log"
grep -q "v$version" "$scratch/log" || { echo "another oneDNN than $version ran" >&2; exit 1; }
grep -q 'Status: SUCCESS' "$scratch/log"
