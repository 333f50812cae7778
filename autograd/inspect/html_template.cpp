#include <ditharos/autograd/inspect/html_template.h>

#include <ditharos/autograd/inspect/html_script.h>

namespace ditharos {
namespace {

const char* const head = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
      content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Backward pass, step by step</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --panel: #ffffff; --ink: #1b2330; --soft: #5d6b7e; --line: #d6dce5; --wire: #b4bfce;
  --box: #ffffff; --leaf: #e3eefc; --leaf-edge: #7ba7dd; --done: #e6f4ea; --done-edge: #7fb894;
  --now: #f59e0b; --now-fill: #fff3d6; --flow: #d97706; --bar: #3b82f6; --freed: #93b4e8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --panel: #1a2029; --ink: #e4e9f1; --soft: #96a3b5; --line: #2c3543; --wire: #435064;
    --box: #202834; --leaf: #17304f; --leaf-edge: #4a7fbd; --done: #1b3527; --done-edge: #4b8a63;
    --now: #fbbf24; --now-fill: #463508; --flow: #fbbf24; --bar: #60a5fa; --freed: #35517c;
  }
}
* { box-sizing: border-box; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; padding: 8px 14px;
  background: var(--panel); border-bottom: 1px solid var(--line); }
h1 { font-size: 15px; margin: 0; font-weight: 600; }
button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px;
  min-width: 34px; padding: 3px 9px; cursor: pointer; }
button:hover { border-color: var(--soft); }
button:disabled { opacity: .4; cursor: default; }
#slider { flex: 1; min-width: 120px; accent-color: var(--bar); }
#count { min-width: 90px; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; }
main { flex: 1; display: flex; min-height: 0; }
#stage { flex: 1; min-width: 0; position: relative; overflow: hidden; }
#graph { width: 100%; height: 100%; display: block; cursor: grab; touch-action: none; }
#graph.dragging { cursor: grabbing; }
#zoom { position: absolute; left: 12px; bottom: 12px; display: flex; gap: 6px; align-items: center; }
#zoom button { background: var(--panel); }
#zoom label { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 3px 9px; }
aside { width: 390px; overflow: auto; padding: 14px 16px 24px; background: var(--panel);
  border-left: 1px solid var(--line); }
@media (max-width: 800px) { main { flex-direction: column; } aside { width: auto; height: 45%; border-left: 0;
  border-top: 1px solid var(--line); } }
h2 { margin: 0; font-size: 18px; overflow-wrap: anywhere; }
h3 { margin: 18px 0 4px; font-size: 12px; letter-spacing: .03em; color: var(--soft); }
.sub { color: var(--soft); overflow-wrap: anywhere; }
.formula { font: 13.5px/1.6 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--page);
  border-radius: 6px; padding: 7px 10px; overflow-wrap: anywhere; }
.formula + .formula { margin-top: 4px; }
.item { border-left: 3px solid var(--line); padding: 2px 0 2px 9px; margin: 5px 0; }
.item.flow { border-color: var(--flow); }
.link { cursor: pointer; text-decoration: underline; text-underline-offset: 2px; background: none; border: 0;
  padding: 0; min-width: 0; }
.shape, .values { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 12.5px; }
.values { border-collapse: collapse; margin-top: 3px; display: block; overflow-x: auto; }
.values td { padding: 1px 8px 1px 0; text-align: right; white-space: nowrap; }
.values tr.gap td { padding-top: 7px; }
#meter { height: 10px; border-radius: 5px; background: var(--page); border: 1px solid var(--line); overflow: hidden;
  display: flex; margin: 5px 0 3px; }
#held { background: var(--bar); }
#freed { background: var(--freed); }
.node rect { fill: var(--box); stroke: var(--line); stroke-width: 1.2; rx: 8px; }
.node { cursor: pointer; }
.node text { fill: var(--ink); text-anchor: middle; font-size: 13px; pointer-events: none; }
.node text.small { fill: var(--soft); font-size: 10.5px; }
.node.leaf rect { fill: var(--leaf); stroke: var(--leaf-edge); }
.node.done rect { fill: var(--done); stroke: var(--done-edge); }
.node.now rect { fill: var(--now-fill); stroke: var(--now); stroke-width: 3; }
.edge { fill: none; stroke: var(--wire); stroke-width: 1.3; }
.edge.done { stroke: var(--done-edge); }
.edge.flow { stroke: var(--flow); stroke-width: 2.6; stroke-dasharray: 7 5; animation: flow .7s linear infinite; }
@keyframes flow { to { stroke-dashoffset: -12; } }
@media (prefers-reduced-motion: reduce) { .edge.flow { animation: none; } }
</style>
</head>
<body>
<header>
<h1>Backward pass</h1>
<button id="first" title="To the beginning (Home)">|◀</button>
<button id="back" title="One step back (left arrow)">◀</button>
<button id="next" title="One step on (right arrow)">▶</button>
<button id="last" title="To the end (End)">▶|</button>
<input id="slider" type="range" min="0" value="0" aria-label="Step">
<span id="count"></span>
</header>
<main>
<div id="stage">
<svg id="graph" role="img" aria-label="The recorded graph"></svg>
<div id="zoom">
<button id="in" title="Larger">+</button><button id="out" title="Smaller">−</button>
<button id="fit" title="The whole graph">fit</button>
<label><input id="follow" type="checkbox" checked> follow</label>
</div>
</div>
<aside id="panel" aria-live="polite"></aside>
</main>
<script type="application/json" id="data">)html";

const char* const middle = R"html(</script>
<script>)html";

const char* const tail = R"html(</script>
</body>
</html>
)html";

}  // namespace

std::string fill_template(const std::string& json) { return head + json + middle + page_script + tail; }

}  // namespace ditharos
