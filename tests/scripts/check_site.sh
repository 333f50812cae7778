#!/usr/bin/env bash
# docs/build_site.sh makes the site without a warning of doxygen; every link of its pages leads to a file and an anchor that
# are there, nothing is loaded from a network, and the menu has every page of docs/. Skipped (status 77) without doxygen.
#
#   tests/scripts/check_site.sh REPOSITORY
set -euo pipefail
export LC_ALL=C
command -v doxygen >/dev/null || { echo "no doxygen"; exit 77; }
root=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bash "$root/docs/build_site.sh" "$folder/site" >/dev/null

# Links as "PAGE TARGET", and anchors as "PAGE#NAME".
faults() {  # FOLDER
  (
    cd "$1"
    grep -oE '(href|src)="[^"]*"' ./*.html | sed -E 's|^\./||; s/:(href|src)="/ /; s/"$//' | grep -v ' javascript:' | sort -u \
      >"$folder/links"
    grep -oE '(id|name)="[^"]*"' ./*.html | sed -E 's|^\./||; s/:(id|name)="/#/; s/"$//' | sort -u >"$folder/anchors"
    { cat "$folder/anchors"; find . -type f | sed 's|^\./||'; } | sort -u >"$folder/there"
    # Sources that the page loads, apart from links to follow.
    { grep -oE '<(script|img|link|iframe)[^>]*(src|href)="https?://[^"]*"' ./*.html || true; } | sed 's/^/loaded from a network: /'
    awk 'NF > 1 && $2 !~ /^(https?|mailto|data):/ { target = $2; if (target ~ /^#/) target = $1 target; sub(/#$/, "", target); print target }' \
      "$folder/links" | sort -u |
      grep -v '#nested-classes$' | # doxygen 1.9 makes this link in classes whose nested ones are private, too
      comm -23 - "$folder/there" | sed 's/^/leads nowhere: /'
  )
}

# Pages of docs/ that the menu does not name by their title's anchor.
unlisted() {  # DOCUMENT...
  local document name
  for document in "$@"; do
    name=$(awk -f docs/site/page.awk "$document" | sed -n '1s/.*{#\(.*\)}$/\1/p')
    grep -q "url=\"@ref $name\"" docs/site/layout.xml || echo "the menu has no $name"
  done
}

cd "$root"
found=$(faults "$folder/site"; unlisted docs/*.md docs/ops/README.md CONTRIBUTING.md examples/checkpoints/README.md)
[[ -z $found ]] || { echo "$found"; exit 1; }
grep -q 'searchdata\|performance' "$folder"/site/search/all_*.js || { echo "the search does not know the pages"; exit 1; }

# The check sees what it is there for.
must_find() {  # EXPECTED COMMAND...
  local got
  got=$("${@:2}")
  [[ $got == *"$1"* ]] || { echo "expected: $1; the check finds: ${got:-nothing}"; exit 1; }
}
cp -r "$folder/site" "$folder/copy"
sed -i 's|href="guide.html"|href="lost.html"|; s|href="#guide_data"|href="#guide_lost"|' "$folder/copy/guide.html"
sed -i 's|</body>|<script src="https://example.org/x.js"></script></body>|' "$folder/copy/faq.html"
must_find "leads nowhere: guide.html#guide_lost" faults "$folder/copy"
must_find "loaded from a network: ./faq.html" faults "$folder/copy"
printf '# Lost\n' >"$folder/lost.md"
must_find "the menu has no" unlisted "$folder/lost.md"

# A warning ends the script that makes the site: a reference to nothing in a header.
mkdir "$folder/repository"
cp -r "$root"/{README.md,CONTRIBUTING.md,CMakeLists.txt,docs,examples,include} "$folder/repository/"
for part in "$root"/*/; do
  part=$(basename "$part")
  [[ -e $folder/repository/$part || $part == build* || $part == tests ]] || cp -r "$root/$part" "$folder/repository/"
done
sed -i 's|^/// average = d|/// \\ref lost_and_gone d|' "$folder/repository/optim/ema.h"
status=0
bash "$folder/repository/docs/build_site.sh" "$folder/warned" >"$folder/out" 2>&1 || status=$?
[[ $status == 1 && $(<"$folder/out") == *ema.h*lost_and_gone* ]] ||
  { echo "a warning gives status $status and:"; cat "$folder/out"; exit 1; }

pages=$(find "$folder/site" -name '*.html' | wc -l)
echo "$pages pages without a broken link"
