#include <ditharos/training/report/report_template.h>

namespace ditharos::training {

const char* const report_head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>)html";

const char* const report_body = R"html(</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f4f5f8; --card: #ffffff; --ink: #1b2330; --soft: #566377; --line: #d6dce5; --grid: #e7ebf1;
  --accent: #1d4ed8; --mark: #fff3d6; --mark-line: #b45309;
  --c0: #1d5fd0; --c1: #c2410c; --c2: #15803d; --c3: #a21caf; --c4: #0e7490; --c5: #854d0e; --c6: #be123c;
  --c7: #475569;
  --b0: #3b0f70; --b1: #641a80; --b2: #8c2981; --b3: #b5367a; --b4: #d3436e; --b5: #e75263; --b6: #e8743f;
  --b7: #c98a1b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1a2029; --ink: #e6ebf3; --soft: #9aa8bb; --line: #313b4a; --grid: #262f3b;
    --accent: #8db4ff; --mark: #43340f; --mark-line: #fbbf24;
    --c0: #7fb0ff; --c1: #fb9a5b; --c2: #6ee7a0; --c3: #ee9bf5; --c4: #5fd4ea; --c5: #e0b25a; --c6: #ff8da1;
    --c7: #b6c2d2;
    --b0: #8d7bd8; --b1: #a77be0; --b2: #c678dd; --b3: #e276c0; --b4: #f47fa4; --b5: #fb9388; --b6: #fdb07a;
    --b7: #fcd57f;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 22px; }
header { padding-top: 18px; }
main { padding-bottom: 40px; }
h1 { font-size: 21px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 26px 0 10px; }
h3 { font-size: 14.5px; margin: 0; overflow-wrap: anywhere; }
p { margin: 4px 0; color: var(--soft); max-width: 90ch; }
a { color: var(--accent); }
.controls { display: flex; flex-wrap: wrap; gap: 8px 22px; align-items: center; margin: 12px 0 0; }
label { display: inline-flex; align-items: center; gap: 7px; }
label.off { color: var(--soft); opacity: .6; }
input[type=range] { accent-color: var(--accent); min-width: 0; }
input[type=checkbox] { accent-color: var(--accent); width: 16px; height: 16px; margin: 0; flex: none; }
.swatch { width: 12px; height: 12px; border-radius: 3px; flex: none; display: inline-block; }
.name { overflow-wrap: anywhere; min-width: 0; }
.scroll { overflow-x: auto; max-width: 100%; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
table { border-collapse: collapse; font-size: 14px; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 600; }
thead th { color: var(--soft); font-weight: 500; font-size: 13px; }
th .swatch { margin-right: 6px; }
td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; white-space: nowrap; }
[hidden] { display: none !important; }
#summary th:first-child { min-width: 170px; }
.charts { display: grid; align-items: start; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px; }
figure { margin: 0; min-width: 0; }
.chart { position: relative; }
.chart .top { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 14px; align-items: center;
  margin-bottom: 4px; font-size: 13.5px; }
.chart svg { display: block; width: 100%; touch-action: pan-y; outline-offset: 2px; }
.chart svg text { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.chart svg .grid { stroke: var(--grid); stroke-width: 1; }
.chart svg .axis { stroke: var(--soft); stroke-width: 1; }
.chart svg .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.chart svg .raw { stroke-width: 1; opacity: .32; }
.chart svg .cursor { stroke: var(--soft); stroke-dasharray: 3 3; }
.key { display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 13px; color: var(--soft); margin: 2px 0 4px; }
.key span { display: inline-flex; align-items: center; gap: 5px; }
.tip { position: absolute; pointer-events: none; background: var(--card); border: 1px solid var(--soft);
  border-radius: 7px; padding: 5px 9px; font-size: 13px; box-shadow: 0 3px 12px rgba(0, 0, 0, .18); z-index: 3;
  max-width: min(90%, 340px); }
.tip div { display: flex; gap: 7px; align-items: center; }
.tip .value { margin-left: auto; padding-left: 10px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.note { font-size: 13px; color: var(--soft); }
details { margin-top: 6px; font-size: 13.5px; }
summary { cursor: pointer; color: var(--soft); }
details .scroll { max-height: 300px; overflow-y: auto; margin-top: 6px; }
.slider { display: flex; gap: 8px 14px; align-items: center; flex-wrap: wrap; margin-bottom: 10px; }
.slider input { flex: 1 1 240px; }
.slider output { font-variant-numeric: tabular-nums; min-width: 10ch; }
button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 7px;
  min-width: 40px; min-height: 36px; cursor: pointer; flex: none; }
button:hover { border-color: var(--soft); }
.grids { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 16px; }
.grids figcaption { display: flex; flex-wrap: wrap; gap: 2px 10px; align-items: baseline; }
.grids img { max-width: 100%; height: auto; display: block; margin-top: 6px; border-radius: 4px; }
tr.differs td, tr.differs th { background: var(--mark); }
tr.differs th { box-shadow: inset 3px 0 0 var(--mark-line); padding-left: 9px; }
#settings td, #machine td { min-width: 130px; }
#settings th:first-child, #machine th:first-child { min-width: 100px; }
th.section { padding-top: 12px; color: var(--soft); font-weight: 500; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 820px) {
  .charts { grid-template-columns: minmax(0, 1fr); }
  header, main { padding-left: 12px; padding-right: 12px; }
  .card { padding: 10px; }
}
@media print { .controls, details, button { display: none; } .card { break-inside: avoid; } }
</style>
</head>
<body>
<header>
<h1 id="title"></h1>
<p id="about"></p>
<div class="controls">
<label>Smoothing <input id="smoothing" type="range" min="0" max="0.98" step="0.02"><output id="weight"></output></label>
<span id="runs" class="controls" style="margin: 0" role="group" aria-label="Runs that are shown"></span>
</div>
</header>
<main>
<section aria-labelledby="h-summary"><h2 id="h-summary">Summary</h2>
<div id="summary" class="card scroll"></div></section>
<section aria-labelledby="h-charts"><h2 id="h-charts">Curves</h2><div id="charts" class="charts"></div></section>
<section aria-labelledby="h-samples"><h2 id="h-samples">Samples</h2><div id="samples" class="card"></div></section>
<section aria-labelledby="h-settings"><h2 id="h-settings">Configuration</h2>
<div id="settings" class="card"></div></section>
<section aria-labelledby="h-machine"><h2 id="h-machine">Environment</h2><div id="machine" class="card"></div></section>
</main>
<div id="said" class="hidden" aria-live="polite"></div>
<script type="application/json" id="data">)html";

}  // namespace ditharos::training
