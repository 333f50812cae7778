#!/usr/bin/env bash
# The pages for a browser, as a browser lays them out: arrows of sora_by_hand's page cross no heading, text or matrix, and
# the page of a backward pass begins with labels that can be read, at the width of a desk and of a phone. On the page about
# runs, labels of axes do not overlap, nothing is wider than the page, and the values under the cursor are those of the log.
# Skipped (status 77) without chromium.
#
#   tests/scripts/check_pages.sh SORA_BY_HAND EXPLAIN_GRAPH REPORT
set -euo pipefail
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no chromium"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" --html "$folder/sora.html" >/dev/null
"$1" --as-printed --html "$folder/printed.html" >/dev/null
"$2" "$folder" >/dev/null

# Runs of 300 steps, of one step, and of none; an odd number, one that is not finite, and large and small ones.
mkdir -p "$folder/long/samples" "$folder/one" "$folder/none"
for ((step = 1; step <= 300; step++)); do
  printf '{"step": %d000, "loss": %d.5, "bins": [%d.25, 0.5], "lr": 4e-%02d, "zero": 0, "large": %d000000}\n' \
    "$step" $((900 / step)) $((step % 7)) $((5 + step % 3)) "$step"
done >"$folder/long/metrics.jsonl"
echo '{"step": 7, "loss": 0.125, "grad_norm": null}' >"$folder/one/metrics.jsonl"
printf '[train]\nsteps = 3\n' >"$folder/none/config.toml"
echo iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNkAAAABAACxDB8TAAAAABJRU5ErkJggg== | base64 -d \
  >"$folder/long/samples/step_00300000.png"
"$3" "$folder/long" --out "$folder/long.html" >/dev/null
"$3" "$folder/one" --out "$folder/one.html" >/dev/null
"$3" "$folder/none" --out "$folder/none.html" >/dev/null
"$3" "$folder/long" "$folder/one" "$folder/none" --out "$folder/three.html" >/dev/null

# What a script at the end of a page finds, as the body's attribute data-found.
found() {  # PAGE WIDTH SCRIPT EXPECTED
  sed '/^<\/body>/,$d' "$folder/$1" >"$folder/probe.html"
  # The page draws after its layout, when observers and animation frames are called: look a second later, and again
  # where that is not what is expected, as on a busy machine.
  echo "<script>addEventListener('load', () => { const look = (again) => { const found = (() => { $3 })();" \
    "document.body.dataset.found = found; if (again > 0 && found !== '$4') setTimeout(look, 300, again - 1); };" \
    "setTimeout(look, 1000, 5); });</script></body></html>" >>"$folder/probe.html"
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
# "N charts", or what is wrong with one. Half of the axes are logarithmic, where they can be.
axes='
  const faults = [];
  charts.forEach((c, i) => { if (i % 2 === 0 && !c.box.disabled) c.box.click(); });
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) faults.push("the page is " + wide + " wide");
  for (const c of charts) {
    const frame = c.svg.getBoundingClientRect(), finite = c.curves.some(k => k.values.some(v => v !== null));
    const texts = [...c.svg.querySelectorAll("text")].map(t => [t.textContent, t.getBoundingClientRect()]);
    const ticks = c.svg.querySelectorAll("line.grid").length;
    if (finite && (ticks < 2 || !c.svg.querySelector("path, circle"))) faults.push(c.title + ": empty, " + ticks);
    for (const [text, r] of texts) {
      if (r.left < frame.left || r.right > frame.right + 1 || r.bottom > frame.bottom + 1) faults.push(text + " is cut");
      if (/NaN|Infinity|undefined/.test(text)) faults.push(text);
      for (const [other, o] of texts)
        if (o !== r && r.left < o.right && o.left < r.right && r.top < o.bottom - 2 && o.top < r.bottom - 2)
          faults.push(text + " and " + other + " overlap"); }
    for (const p of c.svg.querySelectorAll("path"))
      if (/NaN|Infinity/.test(p.getAttribute("d"))) faults.push(c.title + ": no number in a curve"); }
  return faults.length ? faults.slice(0, 3).join("; ") : charts.length + " charts";'
cursor='
  charts[0].show(2);
  const image = document.querySelector("#samples img");
  return charts[0].tip.textContent + ", samples " + image.width + "x" + image.height;'
status=0
expect() {  # WANTED PAGE WIDTH SCRIPT
  local got
  got=$(found "$2" "$3" "$4" "$1")
  [[ $got == "data-found=\"$1\"" ]] || { echo "$2 at a width of $3: $got, expected $1"; status=1; }
}
for width in 1280 500; do
  expect "0 crossings" sora.html $width "$crossings"
  expect "0 crossings" printed.html $width "$crossings"
  expect "readable" block.html $width "$labels"
  expect "readable" network.html $width "$labels"
done
for width in 1280 500; do
  expect "5 charts" long.html $width "$axes"
  expect "2 charts" one.html $width "$axes"
  expect "0 charts" none.html $width "$axes"
  expect "6 charts" three.html $width "$axes"
done
expect "step 3,000 $folder/long 300.5 (mean 507.06), samples 1x1" long.html 1280 "$cursor"
((status == 0)) && echo "arrows cross nothing, labels can be read, curves have the numbers of the log"
exit $status
