#!/usr/bin/env bash
# Object files compiled for a wider instruction set must share no function with the rest of the program. Of an inline
# function or template that several object files define, the linker keeps any one: were it the AVX-512 one, a program
# would die on a CPU without AVX-512, far from any kernel. So all that such a file defines must lie in its namespace.
#
#   tests/scripts/check_isa_symbols.sh avx512 FILE.o...
set -euo pipefail
isa=$1
shift
mangled="${#isa}$isa"  # how a namespace's name appears in symbols: 6avx512

nm --print-file-name --defined-only "$@" >/dev/null  # ends the script if a file is no object file
# W, V, u: weak or unique, merged by the linker across files. T, D, B, R: global.
shared=$(nm --print-file-name --defined-only "$@" |
  awk -v name="$mangled" '$(NF-1) ~ /^[WVuTDBR]$/ && index($NF, name) == 0' | c++filt)
if [[ -n $shared ]]; then
  echo "These symbols of $isa object files lie outside namespace $isa:"
  echo "$shared"
  exit 1
fi
echo "$# object files keep to namespace $isa"
