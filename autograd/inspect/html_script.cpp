#include <ditharos/autograd/inspect/html_script.h>

namespace ditharos {

// Text enters the page as text nodes only, never as markup.
const char* const page_script = R"js(
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const nodes = data.nodes;
// Operations newest first, then leaves: the order of the pass.
const all = [...nodes.keys()];
const steps = all.filter(i => !nodes[i].leaf).reverse().concat(all.filter(i => nodes[i].leaf));
const stepOf = new Map(steps.map((node, k) => [node, k + 1]));
const total = nodes.reduce((sum, n) => sum + n.bytes, 0);
const $ = id => document.getElementById(id);
let step = 0;

function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}
function svg(tag, attributes, parent) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  parent.append(e);
  return e;
}
const title = n => n.leaf ? n.name || 'leaf' : n.op;
const numbered = i => title(nodes[i]) + ' #' + i;
const sizes = shape => shape.length ? shape.join(' × ') : 'one number';
function bytes(n) {
  if (n < 1024) return n + ' bytes';
  return n < 1048576 ? (n / 1024).toFixed(1) + ' KiB' : (n / 1048576).toFixed(1) + ' MiB';
}
// The end of a path tells most, the beginning of an operation's name.
function short(text, most, keepEnd) {
  if (text.length <= most) return text;
  return keepEnd ? '…' + text.slice(text.length - most + 1) : text.slice(0, most - 1) + '…';
}

// --- the drawing ---
const image = $('graph');
const world = svg('g', {}, image);
const [boxWidth, boxHeight] = data.box;

function path(points) {
  const p = [];
  for (let i = 0; i < points.length; i += 2) p.push([points[i], points[i + 1]]);
  p[0][1] += boxHeight / 2;
  p[p.length - 1][1] -= boxHeight / 2;
  // Leaves and arrives vertically; in between, the direction at a point is that from its neighbour to the next.
  const last = p.length - 1, reach = last > 1 ? 3 : 2;
  const slope = (i, sign) => {
    const q = p[Math.max(i - 1, 0)], r = p[Math.min(i + 1, last)];
    const dx = i > 0 && i < last ? (r[0] - q[0]) / 2 : 0, dy = i > 0 && i < last ? (r[1] - q[1]) / 2 : r[1] - q[1];
    return [p[i][0] + sign * dx / reach, p[i][1] + sign * dy / reach];
  };
  let d = `M${p[0]}`;
  for (let i = 1; i <= last; i++) d += `C${slope(i - 1, 1)} ${slope(i, -1)} ${p[i]}`;
  return d;
}
const edges = data.edges.map(([from, to, points]) => {
  const line = svg('path', {class: 'edge', d: path(points)}, world);
  svg('title', {}, line).textContent = numbered(from) + ' → ' + numbered(to);
  return {from, to, line};
});
const boxes = nodes.map((n, i) => {
  const x = n.at[0] - boxWidth / 2, y = n.at[1] - boxHeight / 2;
  const g = svg('g', {class: 'node', transform: `translate(${x},${y})`}, world);
  svg('rect', {width: boxWidth, height: boxHeight}, g);
  svg('text', {x: boxWidth / 2, y: 19}, g).textContent = short(title(n), 19, n.leaf);
  svg('text', {x: boxWidth / 2, y: 35, class: 'small'}, g).textContent = short(n.shape, 24, false);
  svg('title', {}, g).textContent = numbered(i) + ' ' + n.shape + (n.module ? '\nin ' + n.module : '');
  g.addEventListener('click', () => { if (!dragged) show(stepOf.get(i)); });
  return g;
});

// --- moving about ---
let view = {x: 0, y: 0, scale: 1}, dragged = false;
function place() { world.setAttribute('transform', `translate(${view.x},${view.y}) scale(${view.scale})`); }
function zoom(factor, x, y) {
  const scale = Math.min(4, Math.max(.02, view.scale * factor));
  view = {x: x - (x - view.x) * scale / view.scale, y: y - (y - view.y) * scale / view.scale, scale};
  place();
}
function fit() {
  const w = image.clientWidth, h = image.clientHeight;
  const scale = Math.min(1.3, w / data.width, h / data.height);
  view = {scale, x: (w - data.width * scale) / 2, y: (h - data.height * scale) / 2};
  place();
}
// The whole graph where its labels can be read then, else the loss, at a size at which they can.
function start() {
  const w = image.clientWidth, h = image.clientHeight, readable = .8;
  fit();
  if (view.scale >= readable || !nodes.length) return;
  const loss = nodes[steps[0]].at, margin = boxHeight;
  view = {scale: 1, x: w / 2 - loss[0], y: Math.min(h - margin - loss[1], h / 2)};
  // No empty space on one side while boxes are hidden on the other.
  view.x = data.width < w ? (w - data.width) / 2 : Math.min(0, Math.max(w - data.width, view.x));
  place();
}
// Brings a node into view at a size that can be read, and moves as little as that takes.
function bring(i) {
  const w = image.clientWidth, h = image.clientHeight;
  if (view.scale < .6) zoom(.8 / view.scale, w / 2, h / 2);
  const x = nodes[i].at[0] * view.scale + view.x, y = nodes[i].at[1] * view.scale + view.y;
  const mx = Math.min(w / 3, boxWidth * 1.5 * view.scale), my = Math.min(h / 3, boxHeight * 3 * view.scale);
  view.x += Math.max(mx - x, 0) - Math.max(x - (w - mx), 0);
  view.y += Math.max(my - y, 0) - Math.max(y - (h - my), 0);
  place();
}
image.addEventListener('wheel', e => {
  e.preventDefault();
  const r = image.getBoundingClientRect();
  zoom(Math.exp(-e.deltaY * .0015), e.clientX - r.left, e.clientY - r.top);
}, {passive: false});
let grip = null;
image.addEventListener('pointerdown', e => { grip = {x: e.clientX, y: e.clientY}; dragged = false; });
window.addEventListener('pointermove', e => {
  if (!grip) return;
  const dx = e.clientX - grip.x, dy = e.clientY - grip.y;
  if (!dragged && Math.hypot(dx, dy) < 4) return;
  dragged = true;
  image.classList.add('dragging');
  view.x += dx; view.y += dy;
  grip = {x: e.clientX, y: e.clientY};
  place();
});
window.addEventListener('pointerup', () => { grip = null; image.classList.remove('dragging'); });

// --- the panel ---
// The last axis runs to the right, the others downwards.
function values(t) {
  const table = el('table', 'values'), columns = t.shape.length ? t.shape[t.shape.length - 1] : 1;
  const rows = t.shape.length > 1 ? t.shape[t.shape.length - 2] : 1;
  for (let i = 0; i < t.values.length; i += columns) {
    const row = el('tr', i > 0 && (i / columns) % rows === 0 ? 'gap' : '');
    for (const v of t.values.slice(i, i + columns)) row.append(el('td', '', v));
    table.append(row);
  }
  return table;
}
function tensor(t, into) {
  into.append(el('span', 'shape', sizes(t.shape) + ' ' + t.dtype));
  if (t.values) into.append(values(t));
  else if (t.norm) into.append(el('div', 'shape sub', `norm ${t.norm}, largest magnitude ${t.largest}`));
}
function link(i) {
  const b = el('button', 'link', numbered(i));
  b.addEventListener('click', () => show(stepOf.get(i)));
  return b;
}
function section(heading, panel) { panel.append(el('h3', '', heading)); }
function item(className, panel) {
  const box = el('div', 'item ' + className);
  panel.append(box);
  return box;
}
function memory(panel, freedNow) {
  const freed = steps.slice(0, step).reduce((sum, i) => sum + nodes[i].bytes, 0);
  section('Memory of the graph', panel);
  const meter = el('div'), held = el('div'), gone = el('div');
  meter.id = 'meter'; held.id = 'held'; gone.id = 'freed';
  held.style.width = (total ? 100 * (total - freed) / total : 0) + '%';
  gone.style.width = (total ? 100 * freedNow / total : 0) + '%';
  meter.append(held, gone);
  panel.append(meter, el('div', 'sub', `${bytes(total - freed)} of ${bytes(total)} still kept` +
                                       (freedNow ? `, ${bytes(freedNow)} freed by this step` : '')));
}
function saved(n, panel) {
  section('Saved by the forward pass', panel);
  for (const s of n.saved) {
    const box = item('', panel);
    box.append(el('div', '', s.what));
    tensor(s, box);
    box.append(el('div', 'sub', s.parameter ? 'a leaf, which stays'
      : s.bytes ? bytes(s.bytes) + ', freed after this step' : 'kept by an older operation too, which will free it'));
  }
  if (!n.saved.length) panel.append(el('div', 'sub', 'nothing'));
}
function gradients(n, panel) {
  section(n.leaf ? 'Gradient that arrives' : 'Gradient of the output (g)', panel);
  if (!n.grad) panel.append(el('div', 'sub', 'none arrives: it is zero'));
  else tensor(n.grad, item('flow', panel));
  if (n.leaf) return;
  section('Gradients that go out', panel);
  for (const o of n.out) {
    const box = item('flow', panel), line = el('div', '', `input ${o.input} → `);
    line.append(link(n.inputs[o.input]));
    box.append(line);
    tensor(o, box);
  }
  const others = n.inputs.filter((i, k) => i < 0 || !n.out.some(o => o.input === k)).length;
  if (others) panel.append(el('div', 'sub', `${others} of ${n.inputs.length} inputs get none`));
}
function overview(panel) {
  panel.append(el('h2', '', 'Before the backward pass'));
  const operations = nodes.filter(n => !n.leaf).length;
  panel.append(el('p', 'sub', `The forward pass recorded ${operations} operations over ` +
    `${nodes.length - operations} leaves (blue). The loss is at the bottom. Each step takes the newest operation, ` +
    'whose gradient is complete by then, runs its rule and hands gradients on to its inputs.'));
  panel.append(el('p', 'sub', 'Arrow keys step, Home and End jump, a click on a box goes to its step. Drag to move, ' +
    'turn the wheel to zoom.'));
  memory(panel, 0);
}
function describe(i, panel) {
  const n = nodes[i];
  panel.append(el('h2', '', title(n)));
  const where = n.module ? ', in ' + n.module : '';
  panel.append(el('div', 'sub', `#${i}, ${n.leaf ? 'leaf' : 'result'} ${n.shape}${where}`));
  section('Formula', panel);
  if (n.backward) {
    if (!n.leaf) panel.append(el('div', 'formula', n.forward));
    panel.append(el('div', 'formula', n.backward));
  } else {
    panel.append(el('div', 'sub', 'an operation of the program’s own'));
  }
  gradients(n, panel);
  if (n.leaf) {
    section('Value', panel);
    tensor(n.value, item('', panel));
  } else {
    saved(n, panel);
  }
  memory(panel, n.bytes);
}

// --- steps ---
function show(k) {
  step = Math.max(0, Math.min(steps.length, k));
  const now = step ? steps[step - 1] : -1;
  boxes.forEach((box, i) => {
    const done = step > 0 && stepOf.get(i) < step;
    const classes = ['node', nodes[i].leaf && 'leaf', done && 'done', i === now && 'now'];
    box.setAttribute('class', classes.filter(Boolean).join(' '));
  });
  for (const {from, to, line} of edges) {
    const flows = to === now && nodes[now].out.some(o => nodes[now].inputs[o.input] === from);
    line.setAttribute('class', 'edge' + (flows ? ' flow' : stepOf.get(to) <= step ? ' done' : ''));
  }
  const panel = $('panel');
  panel.replaceChildren();
  panel.scrollTop = 0;
  if (step) describe(now, panel);
  else overview(panel);
  $('slider').value = step;
  $('count').textContent = `step ${step} of ${steps.length}`;
  $('first').disabled = $('back').disabled = step === 0;
  $('next').disabled = $('last').disabled = step === steps.length;
  if (step && $('follow').checked) bring(now);
}
$('slider').max = steps.length;
$('slider').addEventListener('input', e => show(Number(e.target.value)));
$('first').addEventListener('click', () => show(0));
$('back').addEventListener('click', () => show(step - 1));
$('next').addEventListener('click', () => show(step + 1));
$('last').addEventListener('click', () => show(steps.length));
const centre = factor => zoom(factor, image.clientWidth / 2, image.clientHeight / 2);
$('in').addEventListener('click', () => centre(1.3));
$('out').addEventListener('click', () => centre(1 / 1.3));
$('fit').addEventListener('click', fit);
window.addEventListener('keydown', e => {
  const keys = {ArrowRight: step + 1, ArrowDown: step + 1, ArrowLeft: step - 1, ArrowUp: step - 1, Home: 0,
                End: steps.length};
  if (!(e.key in keys) || e.ctrlKey || e.metaKey || e.altKey) return;
  e.preventDefault();
  show(keys[e.key]);
});
start();
show(0);
)js";

}  // namespace ditharos
