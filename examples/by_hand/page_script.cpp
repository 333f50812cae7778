#include <ditharos/examples/by_hand/page.h>

namespace ditharos::by_hand {

// Text enters the page as text nodes only, never as markup.
const char* const page_script = R"js(</script>
<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const sheet = $('sheet'), wires = $('wires');
function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

// --- the sheet ---
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
      if (m.picture) shade(td, parseFloat(cell.value));
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
  sheet.append(section);
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
// The table's part that can be seen; arrows from above end at its caption.
function box(i) {
  const t = figures[i].querySelector('table').getBoundingClientRect(), s = sheet.getBoundingClientRect();
  const frame = figures[i].getBoundingClientRect(), left = Math.max(t.left, frame.left);
  const right = Math.min(t.right, frame.right);
  return {left: left - s.left, right: right - s.left, top: t.top - s.top, bottom: t.bottom - s.top,
          caption: frame.top - s.top, x: (left + right) / 2 - s.left, y: (t.top + t.bottom) / 2 - s.top};
}
function draw() {
  const s = sheet.getBoundingClientRect();
  wires.setAttribute('width', s.width);
  wires.setAttribute('height', s.height);
  for (const e of edges) {
    const a = box(e.from), b = box(e.to), gap = 3;
    let d;
    if (b.left >= a.right && a.bottom > b.top && b.bottom > a.top) {         // to the right, side by side
      const bend = (b.left - a.right) / 2;
      d = `M${a.right + gap},${a.y}C${a.right + bend},${a.y} ${b.left - bend},${b.y} ${b.left - gap},${b.y}`;
    } else if (a.left >= b.right && a.bottom > b.top && b.bottom > a.top) {  // to the left
      const bend = (a.left - b.right) / 2;
      d = `M${a.left - gap},${a.y}C${a.left - bend},${a.y} ${b.right + bend},${b.y} ${b.right + gap},${b.y}`;
    } else {                                                                // downwards
      const bend = Math.min(90, Math.abs(b.caption - a.bottom) / 2 + 12), end = b.caption - gap;
      d = `M${a.x},${a.bottom + gap}C${a.x},${a.bottom + bend} ${b.x},${end - bend} ${b.x},${end}`;
    }
    e.line.setAttribute('d', d);
    e.line.classList.toggle('long', data.matrices[e.to].section - data.matrices[e.from].section > 1);
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
  for (const e of edges) if (e.to === i && sources.has(e.from)) mark(e.line, 'lit');
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
sheet.addEventListener('pointerover', e => {
  const td = cellOf(e);
  if (e.pointerType !== 'touch') show(td ? place(td) : chosen);
});
sheet.addEventListener('pointerleave', () => show(chosen));
sheet.addEventListener('click', e => choose(cellOf(e) ? place(cellOf(e)) : null, false));
sheet.addEventListener('focusin', e => { if (cellOf(e)) chosen = place(cellOf(e)), show(chosen); });
sheet.addEventListener('keydown', e => {
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
new ResizeObserver(draw).observe(sheet);
for (const f of figures) f.querySelector('.scroll').addEventListener('scroll', draw);
draw();
show(null);
openAddress();
</script>
</body>
</html>
)js";

}  // namespace ditharos::by_hand
