#include "examples/by_hand/page.h"

namespace ditharos::by_hand {

const char* const page_head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>)html";

const char* const page_body = R"html(</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f4f5f8; --card: #ffffff; --ink: #1b2330; --soft: #566377; --line: #d6dce5; --wire: #a9b6c8;
  --article: #1d4ed8; --article-fill: #e2ebfd; --misprint: #b91c1c; --misprint-fill: #fde3e3;
  --now: #b45309; --now-fill: #ffe1a8; --from: #15803d; --from-fill: #cdeed7; --badge: #334155;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --card: #1a2029; --ink: #e6ebf3; --soft: #9aa8bb; --line: #313b4a; --wire: #4a5a70;
    --article: #8db4ff; --article-fill: #1c3157; --misprint: #ff9a9a; --misprint-fill: #4d1f22;
    --now: #fbbf24; --now-fill: #5c4208; --from: #6ee7a0; --from-fill: #164a2b; --badge: #475569;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; padding-bottom: 130px; }
header { padding: 18px 22px 6px; max-width: 1180px; margin: 0 auto; }
h1 { font-size: 21px; margin: 0 0 4px; }
header p { margin: 4px 0; color: var(--soft); max-width: 80ch; }
#legend { display: flex; flex-wrap: wrap; gap: 6px 18px; margin: 10px 0 2px; font-size: 13.5px; }
#legend span { display: inline-flex; align-items: center; gap: 7px; }
#legend i { font: 600 13px ui-monospace, "DejaVu Sans Mono", monospace; min-width: 26px; text-align: center;
  padding: 1px 5px;
  border-radius: 4px; border: 1px solid var(--line); background: var(--card); }
#grid { position: relative; max-width: 1180px; margin: 0 auto; padding: 4px 22px; }
#wires { position: absolute; left: 0; top: 0; pointer-events: none; z-index: 1; overflow: visible; }
#wires path { fill: none; stroke: var(--wire); stroke-width: 1.4; opacity: .55; }
#wires path.long { visibility: hidden; }
#wires path.lit { visibility: visible; stroke: var(--from); stroke-width: 2.6; opacity: 1; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 10px 16px 14px;
  margin: 0 0 26px; }
h2 { font-size: 16px; margin: 0; display: flex; align-items: baseline; gap: 9px; }
h2 b { background: var(--badge); color: #fff; border-radius: 6px; padding: 0 8px; font-size: 14px; flex: none; }
h2 em { font-style: normal; color: var(--soft); font-size: 13.5px; font-weight: 400; flex: none; }
h2, section > p, .row { position: relative; z-index: 2; }
section > p { margin: 3px 0 0; color: var(--soft); font-size: 13.5px; max-width: 100ch; }
section > p.misprint { color: var(--misprint); }
.row { display: grid; grid-template-columns: minmax(170px, auto) minmax(240px, 1fr) auto; gap: 8px 34px;
  margin-top: 12px; align-items: start; }
.row.stream, .row.side { grid-template-columns: minmax(0, 1fr); }
.row.stream-side { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); }
.row.weights-side { grid-template-columns: minmax(0, 1fr) auto; }
.row.weights-stream { grid-template-columns: minmax(170px, auto) minmax(0, 1fr); }
.part { display: flex; flex-wrap: wrap; gap: 14px 30px; align-items: flex-start; min-width: 0; }
.stream { justify-content: center; }
.side { justify-content: flex-end; }
figure { margin: 0; max-width: 100%; }
figure.lit figcaption strong { color: var(--from); }
figcaption { font-size: 12.5px; color: var(--soft); line-height: 1.3; max-width: 230px; margin-bottom: 3px; }
figcaption strong { color: var(--ink); font-size: 15px; margin-right: 5px; }
figcaption code { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: separate; border-spacing: 2px; border-left: 2px solid var(--soft);
  border-right: 2px solid var(--soft);
  border-radius: 5px; padding: 0 1px; }
td { font: 13.5px/1.25 ui-monospace, "DejaVu Sans Mono", monospace; text-align: center; min-width: 32px; height: 27px;
  padding: 2px 5px; border-radius: 4px; cursor: default; white-space: nowrap; border: 1px solid transparent; }
td.article { color: var(--article); background: var(--article-fill); font-weight: 600; }
td.misprint { color: var(--misprint); background: var(--misprint-fill); font-weight: 600;
  text-decoration: underline wavy 1px; text-underline-offset: 3px; }
td.pixel { border-color: var(--line); min-width: 34px; height: 34px; }
td.from { background: var(--from-fill); color: var(--ink); border-color: var(--from); }
td.now { background: var(--now-fill); color: var(--ink); border-color: var(--now); box-shadow: 0 0 0 2px var(--now); }
td:focus { outline: none; }
td:focus-visible { box-shadow: 0 0 0 3px var(--now); }
#panel { position: fixed; left: 0; right: 0; bottom: 0; z-index: 5; background: var(--card);
  border-top: 1px solid var(--line); box-shadow: 0 -4px 18px rgba(0, 0, 0, .13); }
#panel > div { max-width: 1180px; margin: 0 auto; padding: 9px 22px 11px; display: flex; gap: 8px 16px;
  align-items: center; }
#text { flex: 1; min-width: 0; min-height: 62px; }
#where { font-size: 13.5px; color: var(--soft); }
#sum { font: 600 16.5px/1.35 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; max-height: 5.4em;
  overflow-y: auto; }
button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 7px;
  min-width: 42px; min-height: 40px; cursor: pointer; flex: none; }
button:hover { border-color: var(--soft); }
@media (max-width: 820px) {
  .row[class] { grid-template-columns: minmax(0, 1fr); }
  .stream, .side { justify-content: flex-start; max-width: 100%; }
  #grid, header { padding-left: 12px; padding-right: 12px; }
}
</style>
</head>
<body>
<header>
<h1 id="title"></h1>
<p>Every number below was computed by the library. Point at one, tap it, or go to it with Tab and the arrow keys: its
sum appears at the bottom, and the numbers that it depends on are marked. Vectors are columns, one patch per column.</p>
<div id="legend"></div>
</header>
<main id="grid"><svg id="wires" aria-hidden="true"></svg></main>
<div id="panel"><div>
<button id="back" title="The number before" aria-label="The number before">◀</button>
<button id="next" title="The next number" aria-label="The next number">▶</button>
<div id="text" aria-live="polite"><div id="where"></div><div id="sum"></div></div>
</div></div>
<script type="application/json" id="data">)html";

}  // namespace ditharos::by_hand
