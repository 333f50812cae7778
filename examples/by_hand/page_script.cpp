#include "examples/by_hand/page.h"

namespace ditharos::by_hand {

// Text enters the page as text nodes only, never as markup.
const char* const page_script = R"js(</script>
<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const grid = $('grid'), wires = $('wires');
function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

// --- the grid ---
const figures = [], tds = [];  // by matrix; td of a cell: tds[m][row * columns + column]
const order = [];              // all cells, in the order of the computation
function table(m, i) {
  const t = el('table'), body = el('tbody');
  t.setAttribute('role', 'grid');
  t.setAttribute('aria-label', `${m.symbol}, ${m.name}, ${m.rows} by ${m.columns}`);
  tds[i] = [];
  for (let r = 0; r < m.rows; r++) {
    const row = el('tr');
    for (let c = 0; c < m.columns; c++) {
      const cell = m.cells[r * m.columns + c], td = el('td', cell.source === 'ours' ? '' : cell.source, cell.value);
      td.setAttribute('role', 'gridcell');
      td.tabIndex = r + c === 0 ? 0 : -1;
      td.dataset.at = `${i}-${r}-${c}`;
      if (m.image) shade(td, parseFloat(cell.value));
      tds[i].push(td);
      order.push([i, r, c]);
      row.append(td);
    }
    body.append(row);
  }
  t.append(body);
  return t;
}
// A pixel looks as bright as its number.
function shade(td, value) {
  const v = Math.round(255 * Math.min(1, Math.max(0, value)));
  td.classList.add('pixel');
  td.style.background = `rgb(${v}, ${v}, ${v})`;
  td.style.color = v > 140 ? '#000' : '#fff';
}
function figure(i) {
  const m = data.matrices[i], f = el('figure'), caption = el('figcaption'), scroll = el('div', 'scroll');
  caption.append(el('strong', '', m.symbol), m.name + (m.formula ? ': ' : ''));
  if (m.formula) caption.append(el('code', '', m.formula));
  scroll.append(table(m, i));
  f.append(caption, scroll);
  figures[i] = f;
  return f;
}
for (const s of data.sections) {
  const section = el('section'), heading = el('h2'), row = el('div', 'row');
  if (s.number) heading.append(el('b', '', '[' + s.number + ']'));
  if (s.pass) heading.append(el('em', '', 't = ' + s.pass));
  heading.append(el('span', '', s.title));
  section.append(heading);
  for (const note of s.notes) section.append(el('p', note.startsWith('MISPRINT') ? 'misprint' : '', note));
  const parts = {};
  for (const place of ['weights', 'stream', 'side']) {
    parts[place] = el('div', 'part ' + place);
    row.append(parts[place]);
  }
  for (const i of s.matrices) parts[data.matrices[i].place].append(figure(i));
  for (const place in parts) if (!parts[place].children.length) parts[place].remove();
  row.classList.add([...row.children].map(part => part.className.split(' ')[1]).join('-'));
  section.append(row);
  grid.append(section);
}
$('title').textContent = data.title;
const legend = [['article', '1', 'stated by the article'], ['', '1', 'ours, chosen or computed to agree with those'],
                ['misprint', '-1', 'a misprint of the article'], ['from', '2', 'what the chosen number came from']];
for (const [className, number, text] of legend) {
  if (className === 'misprint' && !data.matrices.some(m => m.cells.some(c => c.source === 'misprint'))) continue;
  const item = el('span'), sample = el('i', '', number);
  if (className) sample.style.cssText = `color: var(--${className === 'from' ? 'ink' : className});` +
    `background: var(--${className}-fill); border-color: var(--${className})`;
  item.append(sample, text);
  $('legend').append(item);
}

// --- the arrows ---
// One for each pair of matrices of which one is computed from the other.
const edges = [];
data.matrices.forEach((m, to) => {
  const sources = new Set();
  for (const cell of m.cells) for (const f of cell.from) sources.add(f[0]);
  for (const from of sources) edges.push({from, to});
});
const svg = tag => document.createElementNS('http://www.w3.org/2000/svg', tag);
const marker = svg('marker');
for (const [key, value] of Object.entries({id: 'tip', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7,
                                           markerHeight: 7, orient: 'auto-start-reverse'}))
  marker.setAttribute(key, value);
const tip = svg('path');
tip.setAttribute('d', 'M0,1L7,4L0,7Z');
tip.style.cssText = 'fill: context-stroke; stroke: none; opacity: 1';
marker.append(tip);
wires.append(marker);
for (const e of edges) {
  e.line = svg('path');
  e.line.setAttribute('marker-end', 'url(#tip)');
  wires.append(e.line);
}
// Arrows pass between the texts and the matrices. They are found on a grid of squares: a square is taken when its
// middle lies in a text, a caption or a matrix; a step costs 1 and a turn some more.
const square = 5, turn = 5, margin = 2;
let squares = null;  // those of the present layout
const relative = (r, s) =>
  ({left: r.left - s.left, right: r.right - s.left, top: r.top - s.top, bottom: r.bottom - s.top});
function extent(element, s) {
  const range = document.createRange();
  range.selectNodeContents(element);
  return relative(range.getBoundingClientRect(), s);
}
// A matrix's part that can be seen.
function box(i, s) {
  const t = relative(figures[i].querySelector('table').getBoundingClientRect(), s);
  const f = relative(figures[i].getBoundingClientRect(), s);
  return {...t, left: Math.max(t.left, f.left), right: Math.min(t.right, f.right), caption: f.top};
}
function makeGrid() {
  const s = grid.getBoundingClientRect(), width = Math.ceil(s.width / square), height = Math.ceil(s.height / square);
  const taken = new Uint8Array(width * height);
  const boxes = figures.map((f, i) => box(i, s));
  const texts = [...grid.querySelectorAll('h2, section > p, figcaption')].map(e => extent(e, s));
  for (const r of boxes.concat(texts)) {
    const x1 = Math.min(width - 1, Math.floor((r.right + margin) / square - .5));
    const y1 = Math.min(height - 1, Math.floor((r.bottom + margin) / square - .5));
    for (let y = Math.max(0, Math.ceil((r.top - margin) / square - .5)); y <= y1; y++)
      for (let x = Math.max(0, Math.ceil((r.left - margin) / square - .5)); x <= x1; x++) taken[y * width + x] = 1;
  }
  return {width, height, taken, boxes, size: s};
}
// The free square nearest to a side of a box, and the point on the side: where an arrow leaves or arrives.
function ports(r, top) {
  const x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2, gap = 3;
  const sides = [[x, r.bottom + gap, 0, 1], [r.right + gap, y, 1, 0], [r.left - gap, y, -1, 0], [x, top - gap, 0, -1]];
  const found = [];
  for (const [px, py, dx, dy] of sides) {
    let cx = Math.floor(px / square), cy = Math.floor(py / square);
    for (let k = 0; k < 4; k++, cx += dx, cy += dy) {
      if (cx < 0 || cy < 0 || cx >= squares.width || cy >= squares.height) continue;
      if (squares.taken[cy * squares.width + cx]) continue;
      // In line with its square, so that the last piece, and the tip, point straight at the box.
      found.push({at: cy * squares.width + cx, x: dx ? px : (cx + .5) * square, y: dy ? py : (cy + .5) * square});
      break;
    }
  }
  return found;
}
// A* over squares and directions; the squares of the cheapest way with its ends on the boxes, or null.
function route(from, to) {
  const {width, height, taken, boxes} = squares, a = boxes[from], b = boxes[to];
  const starts = ports(a, a.caption), ends = ports(b, b.caption);
  if (!starts.length || !ends.length) return null;
  const goal = new Map(ends.map(p => [p.at, p]));
  const moves = [1, width, -1, -width], column = at => at % width, row = at => Math.floor(at / width);
  const rest = at => Math.min(...ends.map(p => Math.abs(column(p.at) - column(at)) + Math.abs(row(p.at) - row(at))));
  const cost = new Map(), came = new Map(), heap = [];
  const push = (key, g) => {
    heap.push([g + rest(key >> 2), g, key]);
    for (let i = heap.length - 1; i > 0;) {
      const up = (i - 1) >> 1;
      if (heap[up][0] <= heap[i][0]) break;
      [heap[up], heap[i]] = [heap[i], heap[up]];
      i = up;
    }
  };
  const pop = () => {
    const first = heap[0], last = heap.pop();
    if (heap.length) heap[0] = last;
    for (let i = 0; heap.length;) {
      let least = i;
      for (const k of [2 * i + 1, 2 * i + 2]) if (k < heap.length && heap[k][0] < heap[least][0]) least = k;
      if (least === i) break;
      [heap[least], heap[i]] = [heap[i], heap[least]];
      i = least;
    }
    return first;
  };
  const begins = new Map(starts.map(p => [p.at, p]));
  for (const p of starts)
    for (let d = 0; d < 4; d++) cost.set(p.at * 4 + d, 0), push(p.at * 4 + d, 0);
  while (heap.length) {
    const [, g, key] = pop(), at = key >> 2, direction = key & 3;
    if (g > cost.get(key)) continue;
    if (goal.has(at)) {
      const points = [[goal.get(at).x, goal.get(at).y]];
      let k = key;
      for (; came.has(k); k = came.get(k)) points.push(middle(k >> 2));
      points.push(middle(k >> 2), [begins.get(k >> 2).x, begins.get(k >> 2).y]);
      return points.reverse();
    }
    for (let d = 0; d < 4; d++) {
      const next = at + moves[d];
      if (d === (direction ^ 2) || next < 0 || next >= width * height || taken[next]) continue;
      if (d % 2 === 0 && row(next) !== row(at)) continue;
      const g2 = g + 1 + (d === direction ? 0 : turn), key2 = next * 4 + d;
      if (g2 >= (cost.get(key2) ?? Infinity)) continue;
      cost.set(key2, g2);
      came.set(key2, key);
      push(key2, g2);
    }
  }
  return null;
  function middle(at) { return [(column(at) + .5) * square, (row(at) + .5) * square]; }
}
// The corners of the way, rounded.
function curve(points) {
  const bends = (p, q, r) => Math.abs((q[0] - p[0]) * (r[1] - q[1]) - (q[1] - p[1]) * (r[0] - q[0])) > 1e-6;
  const inner = points.slice(1, -1).filter((p, i) => bends(points[i], p, points[i + 2]));
  const corners = [points[0], ...inner, points[points.length - 1]];
  let d = `M${corners[0]}`;
  for (let i = 1; i < corners.length - 1; i++) {
    const [p, q, r] = [corners[i - 1], corners[i], corners[i + 1]];
    const toward = (a, b) => {
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]), part = Math.min(7, length / 2) / (length || 1);
      return [a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part];
    };
    d += `L${toward(q, p)}Q${q} ${toward(q, r)}`;
  }
  return d + `L${corners[corners.length - 1]}`;
}
function drawEdge(e) {
  if (e.squares === squares) return;
  e.squares = squares;
  const points = route(e.from, e.to);
  e.line.setAttribute('d', points ? curve(points) : '');
}
// Arrows over more than one step show with a number that came along them.
function draw() {
  squares = makeGrid();
  wires.setAttribute('width', squares.size.width);
  wires.setAttribute('height', squares.size.height);
  for (const e of edges) {
    const long = data.matrices[e.to].section - data.matrices[e.from].section > 1;
    e.line.classList.toggle('long', long);
    if (!long || e.line.classList.contains('lit')) drawEdge(e);
  }
}

// --- the chosen number ---
let marked = [];
let chosen = null;
function mark(element, className) { element.classList.add(className); marked.push([element, className]); }
function show(at) {
  for (const [element, className] of marked) element.classList.remove(className);
  marked = [];
  const hint = 'Point at a number, or step through all of them with the arrows on the left.';
  if (!at) { $('where').textContent = hint; $('sum').textContent = ''; return; }
  const [i, r, c] = at, m = data.matrices[i], cell = m.cells[r * m.columns + c], s = data.sections[m.section];
  const whose = {article: 'stated by the article', ours: 'ours', misprint: 'a misprint of the article'}[cell.source];
  const step = (s.pass ? `t = ${s.pass}, ` : '') + (s.number ? `[${s.number}] ` : '');
  $('where').textContent = `${step}${m.symbol} (${m.name}), row ${r + 1}, column ${c + 1}, ${whose}` +
    (cell.from.length ? '' : '; it was given');
  $('sum').textContent = cell.sum;
  mark(tds[i][r * m.columns + c], 'now');
  const sources = new Set();
  for (const [j, row, column] of cell.from) {
    mark(tds[j][row * data.matrices[j].columns + column], 'from');
    sources.add(j);
  }
  for (const j of sources) mark(figures[j], 'lit');
  for (const e of edges) if (e.to === i && sources.has(e.from)) drawEdge(e), mark(e.line, 'lit');
}
const place = td => td.dataset.at.split('-').map(Number);
// Chosen for good: stays when the pointer leaves, and becomes the page's address.
function choose(at, scroll) {
  chosen = at;
  show(at);
  const address = at ? `#m${at[0]}-${at[1] + 1}-${at[2] + 1}` : location.pathname;
  try { history.replaceState(null, '', address); } catch (e) { /* a page that has no address */ }
  if (!at) return;
  const td = tds[at[0]][at[1] * data.matrices[at[0]].columns + at[2]];
  td.focus({preventScroll: true});
  if (scroll) td.scrollIntoView({block: 'center', inline: 'nearest'});
}
const cellOf = event => event.target.closest ? event.target.closest('td') : null;
grid.addEventListener('pointerover', e => {
  const td = cellOf(e);
  if (e.pointerType !== 'touch') show(td ? place(td) : chosen);
});
grid.addEventListener('pointerleave', () => show(chosen));
grid.addEventListener('click', e => choose(cellOf(e) ? place(cellOf(e)) : null, false));
grid.addEventListener('focusin', e => { if (cellOf(e)) chosen = place(cellOf(e)), show(chosen); });
grid.addEventListener('keydown', e => {
  const td = cellOf(e), step = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[e.key];
  if (e.key === 'Escape') choose(null, false);
  if (!td || !step || e.ctrlKey || e.metaKey || e.altKey) return;
  const [i, r, c] = place(td), m = data.matrices[i], row = r + step[0], column = c + step[1];
  e.preventDefault();
  if (row >= 0 && row < m.rows && column >= 0 && column < m.columns) choose([i, row, column], true);
});
function walk(by) {
  const here = chosen ? order.findIndex(o => o.join() === chosen.join()) : by > 0 ? -1 : order.length;
  const there = here + by;
  if (there >= 0 && there < order.length) choose(order[there], true);
}
$('next').addEventListener('click', () => walk(1));
$('back').addEventListener('click', () => walk(-1));
function openAddress() {
  const parts = location.hash.match(/^#m(\d+)-(\d+)-(\d+)$/);
  if (!parts) return;
  const [i, r, c] = [+parts[1], parts[2] - 1, parts[3] - 1], m = data.matrices[i];
  if (m && r >= 0 && r < m.rows && c >= 0 && c < m.columns) choose([i, r, c], true);
}
window.addEventListener('hashchange', openAddress);
new ResizeObserver(draw).observe(grid);
for (const f of figures) f.querySelector('.scroll').addEventListener('scroll', draw);
draw();
show(null);
openAddress();
</script>
</body>
</html>
)js";

}  // namespace ditharos::by_hand
