#!/usr/bin/env bash
# Counts the instructions of a small training step and of single operations, and compares them with stored figures.
#
#   bash tests/scripts/check_instructions.sh PROGRAM COMPILER [--update]
#
# PROGRAM is instruction_cases, COMPILER a name such as GNU-12. Fails when a case takes over 5 % more instructions than
# tests/instructions/COMPILER.txt says. Only our own code counts, on one thread with the AVX2 kernels: neither oneDNN nor
# the C library, which choose their code by the processor. The count is therefore the same on every x86-64 machine.
# Exit status 77 (passed over): no valgrind, no figures for this compiler, another processor.
set -euo pipefail
program=$(realpath "$1") compiler=$2 update=${3:-}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/instructions
figures=$here/$compiler.txt
pass_over() { echo "passed over: $*"; exit 77; }

command -v valgrind >/dev/null || pass_over "valgrind is not installed (Debian package valgrind)"
grep -qw avx2 /proc/cpuinfo 2>/dev/null || pass_over "the processor has no AVX2"
[[ -f $figures || $update == --update ]] || pass_over "there are no figures for $compiler"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mapfile -t dumps < <(sed -n 's/.*void \(counted_[a-z_]*\)(.*/--dump-after=\1/p' "$here/cases.cpp")
env DITHAROS_ISA=avx2 ONEDNN_MAX_CPU_ISA=AVX2 DITHAROS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
  valgrind --tool=callgrind --callgrind-out-file="$folder/out" --toggle-collect='counted_*' "${dumps[@]}" \
  --compress-strings=no --compress-pos=no "$program" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

# The files are numbered in the order of the dumps; the second of a case overwrites the first. A line after "calls="
# holds what the called function took, which is listed there as well.
counts=$(for file in $(ls "$folder"/out.* | sort -V); do
  awk -v program="$program" '
    /^desc: Trigger: .*counted_/ { sub(/.*counted_/, ""); name = $1 }
    /^ob=/ { ours = substr($0, 4) == program }
    /^calls=/ { skip = 1; next }
    /^[0-9+*-]/ { if (skip) skip = 0; else if (ours) sum += $NF }
    END { if (name) print name, sum }' "$file"
done | awk '{ count[$1] = $2 } END { for (name in count) print name, count[name] }' | sort)
[[ -n $counts ]] || { echo "callgrind counted nothing:"; cat "$folder/log"; exit 1; }

if [[ $update == --update ]]; then
  echo "$counts" >"$figures"
  echo "written: $figures"
  cat "$figures"
  exit 0
fi
awk '
  NR == FNR { stored[$1] = $2; next }
  {
    seen[$1] = 1
    if (!($1 in stored)) { printf "%-24s %12d instructions, no stored figure\n", $1, $2; bad = 1; next }
    change = 100 * ($2 / stored[$1] - 1)
    verdict = change > 5 ? "TOO MANY" : change < -5 ? "fewer: record it with --update" : "ok"
    printf "%-24s %12d instructions, stored %12d, %+6.1f %%  %s\n", $1, $2, stored[$1], change, verdict
    if (change > 5) bad = 1
  }
  END {
    for (name in stored) if (!(name in seen)) { print name " was not run"; bad = 1 }
    exit bad
  }' "$figures" <(echo "$counts") || {
  echo "A case takes over 5 % more instructions than before. If that was not meant, look at what changed in it. If it is the
price of something worth it, say so in the commit and record the new figures:
  bash tests/scripts/check_instructions.sh $program $compiler --update"
  exit 1
}
