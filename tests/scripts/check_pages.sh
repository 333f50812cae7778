#!/usr/bin/env bash
# The pages for a browser, as a browser lays them out: arrows of sora_by_hand's page cross no heading, text or matrix, and
# the page of a backward pass begins with labels that can be read, at the width of a desk and of a phone.
# Skipped (status 77) without chromium.
#
#   tests/scripts/check_pages.sh SORA_BY_HAND EXPLAIN_GRAPH
set -euo pipefail
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no chromium"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" --html "$folder/sora.html" >/dev/null
"$1" --as-printed --html "$folder/printed.html" >/dev/null
"$2" "$folder" >/dev/null

# What a script at the end of a page finds, as the body's attribute data-found.
found() {  # PAGE WIDTH SCRIPT
  sed '/^<\/body>/,$d' "$folder/$1" >"$folder/probe.html"
  echo "<script>document.body.dataset.found = (() => { $3 })();</script></body></html>" >>"$folder/probe.html"
  timeout 100 "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$folder/profile" \
    --window-size="$2,900" --virtual-time-budget=3000 --dump-dom "file://$folder/probe.html" 2>/dev/null |
    grep -o 'data-found="[^"]*"' | head -n 1
}

crossings='
  const inside = [...document.querySelectorAll("h2 > *, section > p, figcaption, table")].map(e => {
    const range = document.createRange(); range.selectNodeContents(e);
    return e.tagName === "TABLE" ? e.getBoundingClientRect() : range.getBoundingClientRect(); });
  const grid = document.getElementById("grid").getBoundingClientRect();
  let hits = 0, drawn = 0;
  for (const path of document.querySelectorAll("#wires > path")) {
    if (!path.getAttribute("d") || getComputedStyle(path).visibility === "hidden") continue;
    const length = path.getTotalLength(); drawn++;
    for (let at = 0; at < length; at += 2) {
      const p = path.getPointAtLength(at), x = p.x + grid.left, y = p.y + grid.top;
      hits += inside.some(r => x > r.left && x < r.right && y > r.top && y < r.bottom); } }
  return drawn > 20 ? hits + " crossings" : "only " + drawn + " arrows";'
labels='
  const scale = document.querySelector("#graph g").getCTM().a, stage = document.getElementById("stage").getBoundingClientRect();
  const seen = [...document.querySelectorAll(".node")].some(n => { const r = n.getBoundingClientRect();
    return r.left >= stage.left && r.right <= stage.right && r.top >= stage.top && r.bottom <= stage.bottom; });
  return seen && 13 * scale >= 10 ? "readable" : 13 * scale + " px";'
status=0
expect() {  # WANTED PAGE WIDTH SCRIPT
  local got
  got=$(found "$2" "$3" "$4")
  [[ $got == "data-found=\"$1\"" ]] || { echo "$2 at a width of $3: $got, expected $1"; status=1; }
}
for width in 1280 500; do
  expect "0 crossings" sora.html $width "$crossings"
  expect "0 crossings" printed.html $width "$crossings"
  expect "readable" block.html $width "$labels"
  expect "readable" network.html $width "$labels"
done
((status == 0)) && echo "arrows cross nothing, labels can be read"
exit $status
