#!/usr/bin/env bash
# Makes the documentation as a site of files, which a browser opens without a network or a server: the pages of docs/,
# README.md, CONTRIBUTING.md and CHANGELOG.md, the reference of the headers, and a search. Needs doxygen 1.9 (Debian: doxygen).
#
#   bash docs/build_site.sh [FOLDER]      FOLDER is build/site if it is left out; open FOLDER/index.html
#
# A warning of doxygen ends the script with status 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(realpath -m "${1:-build/site}")
command -v doxygen >/dev/null || { echo "doxygen is not installed (Debian: apt-get install doxygen)" >&2; exit 77; }
mkdir -p "$folder"
rm -rf "$folder"/*.html "$folder/search"  # of an earlier site

# Headers for users, under the names by which they are included: neither those that say that they are internal to their
# folder, nor kernels of one instruction set. They are copies, because newer versions of doxygen follow symbolic links.
headers=$(mktemp -d)
trap 'rm -rf "$headers"' EXIT
(
  cd include
  find -L ditharos -name '*.h' ! -name '*_isa.h' ! -path '*/kernels/simd/*' ! -path '*/kernels/onednn/*' -print0 |
    xargs -0 grep -LZ '^// Internal to ' | xargs -0 cp -L --parents -t "$headers"
)
version=$(sed -n 's/^project(ditharos VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
{
  cat docs/site/Doxyfile
  echo "PROJECT_NUMBER = $version"
  echo "OUTPUT_DIRECTORY = \"$folder\""
  echo "WARN_LOGFILE = \"$folder/warnings.txt\""
  echo "INPUT = README.md CONTRIBUTING.md CHANGELOG.md docs examples/checkpoints/README.md \"$headers\""
  echo "STRIP_FROM_PATH = \"$headers\" ."
  echo "STRIP_FROM_INC_PATH = \"$headers\""
} | doxygen -
if [[ -s $folder/warnings.txt ]]; then
  sed "s|^$headers/ditharos/||; s|^$PWD/||" "$folder/warnings.txt" >&2
  exit 1
fi
rm "$folder/warnings.txt"
# Results of the search are pages within the page.
[[ ! -f $folder/search/search.css ]] || cat docs/site/site.css >>"$folder/search/search.css"
echo "$folder/index.html"
