#!/usr/bin/env bash
# Every source is laid out as clang-format 19 does with .clang-format. Skipped (status 77) without that version, which is
# Debian 13's `clang-format-19` or `pip install clang-format==19.1.7`.
#
#   tests/scripts/check_format.sh REPOSITORY          lists the files that differ
#   tests/scripts/check_format.sh REPOSITORY --fix    rewrites them
set -euo pipefail
cd "$1"
for formatter in clang-format-19 clang-format ""; do
  if [[ -n $formatter ]] && "$formatter" --version 2>/dev/null | grep -q 'version 19\.'; then break; fi
done
[[ -n $formatter ]] || { echo "no clang-format 19"; exit 77; }

# Symbolic links in include/ lead to the folders that are listed anyway.
sources=(find autograd data examples models nn optim pipelines tensor tests training -name '*.cpp' -o -name '*.h')
if [[ ${2-} == --fix ]]; then
  "${sources[@]}" | xargs "$formatter" -i
  exit
fi
found=$("${sources[@]}" | xargs -P 2 -n 100 "$formatter" --dry-run 2>&1 | grep -o '^[^:]*:[0-9]*:.*formatted' | sort | awk -F: '!seen[$1]++' || true)
[[ -z $found ]] || { echo "$found"; echo "tests/scripts/check_format.sh . --fix lays them out"; exit 1; }

# The check sees a line that is laid out otherwise.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp .clang-format "$folder"
sed 's/return /return  /' optim/ema.cpp >"$folder/ema.cpp"
if "$formatter" --dry-run -Werror "$folder/ema.cpp" 2>/dev/null; then echo "two spaces are not seen"; exit 1; fi
echo "every source is laid out by .clang-format"
