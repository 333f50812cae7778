#include <ditharos/training/report/report_template.h>

namespace ditharos::training {

const char* const report_charts = R"js(</script>
<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}
function svg(tag, attributes, text) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  if (text !== undefined) e.textContent = text;
  return e;
}
function swatch(color) {
  const e = el('span', 'swatch');
  e.style.background = color;
  return e;
}

// --- numbers ---
function figure(x) {
  if (x === null || x === undefined) return 'not finite';
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return x.toExponential(3).replace(/\.?0+e/, 'e').replace('e+', 'e');
  return String(Number.isInteger(x) ? x : +x.toPrecision(5));
}
const whole = n => n.toLocaleString('en-US');
// Round numbers between low and high, about `count` of them, and their texts.
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(f => f * power).find(s => s >= raw * .999);
  const all = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && all.length < 30; i++) all.push(i * step);
  const largest = Math.max(Math.abs(low), Math.abs(high));
  let digits = 0;
  while (digits < 8 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6 * step * 10 ** digits)
    digits++;
  const text = x => {
    if (Math.abs(x) < step * 1e-6) return '0';
    if (largest >= 1e7 || largest < 1e-3) return (+x.toPrecision(3)).toExponential().replace('e+', 'e');
    return largest >= 1e5 ? +(x / 1000).toFixed(3) + 'k' : x.toFixed(digits);
  };
  return all.map(x => [x, text(x)]);
}
// Powers of ten, and where there are few of them their multiples.
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low) + 1e-9), last = Math.ceil(Math.log10(high) - 1e-9);
  const factors = high / low < 30 ? [1, 2, 3, 5, 7] : last - first <= 3 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / 6)), all = [];
  for (let p = first; p <= last; p += every)
    for (const f of factors) {
      const x = f * 10 ** p;
      if (x >= low * .9999 && x <= high * 1.0001) all.push([x, figure(+x.toPrecision(1))]);
    }
  return all.length >= 3 ? all : ticks(low, high, 4).filter(t => t[0] > 0);
}

// An exponential moving average, corrected for its start; gaps stay gaps.
function smoothed(values, weight) {
  let mean = 0, norm = 0;
  return values.map(v => {
    if (v === null) return null;
    mean = weight * mean + (1 - weight) * v;
    norm = weight * norm + (1 - weight);
    return mean / norm;
  });
}

// The index of the number closest to x in a list that is sorted.
function nearest(sorted, x) {
  let low = 0, high = sorted.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= x) low = middle; else high = middle;
  }
  return Math.abs(sorted[high] - x) < Math.abs(sorted[low] - x) ? high : low;
}

// --- charts ---
// A chart has curves {label, color, run, steps, values, lines}; `smooth`: whether a moving average is drawn over them.
const charts = [];
let smoothing = .6;
const fewest = 30;  // values, for an average
const hiddenRuns = new Set();
class Chart {
  constructor(title, unit, curves, smooth) {
    Object.assign(this, {title, unit, curves, smooth, log: false, at: null});
    this.element = el('figure', 'card chart');
    const top = el('figcaption', 'top'), label = el('label', '', 'log scale');
    this.box = el('input');
    this.box.type = 'checkbox';
    this.box.setAttribute('aria-label', title + ': logarithmic scale');
    const positive = curves.every(c => c.values.every(v => v === null || v > 0));
    this.box.disabled = !positive;
    if (!positive) label.classList.add('off'), label.title = 'there are values of 0 or below';
    label.prepend(this.box);
    this.box.addEventListener('change', () => { this.log = this.box.checked; this.draw(); });
    top.append(el('h3', '', title), label);
    this.svg = svg('svg', {tabindex: 0, role: 'img'});
    this.tip = el('div', 'tip');
    this.tip.hidden = true;
    this.key = el('div', 'key');
    this.element.append(top, this.key, this.svg, this.tip, this.table());
    const point = e => this.point(e.clientX - this.svg.getBoundingClientRect().left);
    this.svg.addEventListener('pointermove', point);
    this.svg.addEventListener('pointerdown', point);
    this.svg.addEventListener('pointerleave', () => this.show(null));
    this.svg.addEventListener('blur', () => this.show(null));
    this.svg.addEventListener('keydown', e => this.press(e));
    new ResizeObserver(() => this.draw()).observe(this.element);
    charts.push(this);
  }
  shown() { return this.curves.filter(c => !hiddenRuns.has(c.run)); }
  draw() {
    const width = this.svg.clientWidth, height = 240;
    if (!width) return;
    this.svg.replaceChildren();
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.svg.setAttribute('height', height);
    const curves = this.shown();
    this.drawn = curves.map(c => ({...c, smooth: this.smooth && smoothing > 0 && c.values.length > fewest
                                                   ? smoothed(c.values, smoothing) : null}));
    this.drawKey(curves);
    this.steps = [...new Set(curves.flatMap(c => c.steps))].sort((a, b) => a - b);
    const values = curves.flatMap(c => c.values).filter(v => v !== null);
    this.svg.setAttribute('aria-label', `${this.title}: ${this.summary(curves)}. Arrow keys read the values.`);
    if (!values.length) {
      this.svg.append(svg('text', {x: width / 2, y: height / 2, 'text-anchor': 'middle'},
                          curves.length ? 'no finite values' : 'no run is shown'));
      this.x = null;
      return;
    }
    let low = values.reduce((a, b) => Math.min(a, b)), high = values.reduce((a, b) => Math.max(a, b));
    const log = this.log;
    if (low === high) [low, high] = log ? [low / 2, high * 2] : low === 0 ? [-1, 1]
                                  : [low - Math.abs(low) * .1, high + Math.abs(high) * .1];
    else if (log) [low, high] = [low / (high / low) ** .04, high * (high / low) ** .04];
    else { const pad = (high - low) * .05; [low, high] = [low >= 0 && low < pad ? 0 : low - pad, high + pad]; }
    const yTicks = log ? logTicks(low, high) : ticks(low, high, 6);
    const left = 14 + 7.2 * Math.max(3, ...yTicks.map(t => t[1].length)), right = width - 20, top = 8;
    const bottom = height - 38;
    let first = this.steps[0], last = this.steps[this.steps.length - 1];
    if (first === last) first -= 1, last += 1;
    this.x = s => left + (s - first) / (last - first) * (right - left);
    const scale = log ? Math.log : v => v;
    this.y = v => bottom - (scale(v) - scale(low)) / (scale(high) - scale(low)) * (bottom - top);
    for (const [v, text] of yTicks) {
      const y = this.y(v);
      this.svg.append(svg('line', {x1: left, x2: right, y1: y, y2: y, class: 'grid'}),
                      svg('text', {x: left - 7, y: y + 4, 'text-anchor': 'end'}, text));
    }
    let end = -Infinity;
    for (const [s, text] of ticks(first, last, Math.max(2, Math.min(8, (right - left) / 75)))) {
      const x = this.x(s), half = text.length * 3.7;
      if (!Number.isInteger(+s.toFixed(6)) || s < 0 || x - half < end + 8 || x + half > width) continue;
      end = x + half;
      this.svg.append(svg('line', {x1: x, x2: x, y1: bottom, y2: bottom + 4, class: 'axis'}),
                      svg('text', {x, y: bottom + 17, 'text-anchor': 'middle'}, text));
    }
    this.svg.append(svg('line', {x1: left, x2: right, y1: bottom, y2: bottom, class: 'axis'}),
                    svg('text', {x: (left + right) / 2, y: height - 4, 'text-anchor': 'middle'}, 'step'));
    for (const c of this.drawn) {
      this.curve(c, c.values, 'curve' + (c.smooth ? ' raw' : ''));
      if (c.smooth) this.curve(c, c.smooth, 'curve');
    }
    this.cursor = svg('g', {});
    this.svg.append(this.cursor);
    this.show(this.at);
  }
  curve(c, values, className) {
    let d = '', open = false;
    values.forEach((v, i) => {
      const lone = v !== null && !open && (i + 1 === values.length || values[i + 1] === null);
      if (lone) this.svg.append(svg('circle', {cx: this.x(c.steps[i]), cy: this.y(v), r: 3, fill: c.color}));
      else if (v !== null) d += `${open ? 'L' : 'M'}${this.x(c.steps[i]).toFixed(1)},${this.y(v).toFixed(1)}`;
      open = v !== null && !lone;
    });
    if (!d) return;
    const path = svg('path', {d, class: className});
    path.style.stroke = c.color;
    this.svg.append(path);
  }
  drawKey(curves) {
    this.key.replaceChildren();
    this.key.hidden = curves.length < 2;
    if (this.key.hidden) return;
    for (const c of curves) {
      const item = el('span');
      item.append(swatch(c.color), el('span', 'name', c.label));
      this.key.append(item);
    }
  }
  summary(curves) {
    return curves.map(c => {
      const finite = c.values.filter(v => v !== null);
      return `${c.label}, ${c.values.length} values, last ${figure(c.values[c.values.length - 1])}` +
        (finite.length ? `, lowest ${figure(finite.reduce((a, b) => Math.min(a, b)))}` : '');
    }).join('; ') || 'no values';
  }
  point(x) {
    if (!this.x) return;
    const [a, b] = [this.x(this.steps[0]), this.x(this.steps[this.steps.length - 1])];
    const [first, last] = [this.steps[0], this.steps[this.steps.length - 1]];
    this.show(nearest(this.steps, a === b ? first : first + (x - a) / (b - a) * (last - first)));
  }
  press(e) {
    const by = {ArrowRight: 1, ArrowLeft: -1, PageDown: -10, PageUp: 10}[e.key];
    const to = {Home: 0, End: this.steps.length - 1}[e.key];
    if (e.key === 'Escape') return this.show(null);
    if (!this.x || (by === undefined && to === undefined)) return;
    e.preventDefault();
    const next = to !== undefined ? to : this.at === null ? (by > 0 ? 0 : this.steps.length - 1) : this.at + by;
    this.show(Math.max(0, Math.min(this.steps.length - 1, next)));
    $('said').textContent = this.tip.textContent;
  }
  // The values at a step, in a box beside the cursor.
  show(at) {
    this.at = at !== null && this.x && at < this.steps.length ? at : null;
    this.tip.hidden = true;
    if (this.cursor) this.cursor.replaceChildren();
    if (this.at === null) return;
    const step = this.steps[this.at], x = this.x(step), rows = [];
    for (const c of this.drawn) {
      const i = nearest(c.steps, step), off = c.steps[i] - step;
      if (Math.abs(off) > (this.steps[this.steps.length - 1] - this.steps[0]) / 100) continue;
      const v = c.values[i], mean = c.smooth ? c.smooth[i] : null, row = el('div');
      const text = figure(v) + (this.unit ? ' ' + this.unit : '') + (mean === null ? '' : ` (mean ${figure(mean)})`);
      row.append(swatch(c.color), el('span', 'name', c.label + (off ? ` at ${whole(c.steps[i])}` : '')),
                 el('span', 'value', ' ' + text));
      rows.push(row);
      if (v === null) continue;
      const y = this.y(mean === null ? v : mean);
      this.cursor.append(svg('circle', {cx: this.x(c.steps[i]), cy: y, r: 3.5, fill: c.color}));
    }
    this.cursor.prepend(svg('line', {x1: x, x2: x, y1: 8, y2: 202, class: 'cursor'}));
    this.tip.replaceChildren(el('strong', '', `step ${whole(step)} `), ...rows);
    this.tip.hidden = false;
    const box = this.svg.getBoundingClientRect(), frame = this.element.getBoundingClientRect();
    const wide = this.tip.offsetWidth, room = frame.width - wide - 4, wanted = box.left - frame.left + x + 12;
    this.tip.style.left = Math.max(4, wanted > room ? wanted - wide - 24 : wanted) + 'px';
    this.tip.style.top = box.top - frame.top + 10 + 'px';
  }
  // The same numbers as text; made when it is opened.
  table() {
    const details = el('details'), scroll = el('div', 'scroll'), most = 200;
    details.append(el('summary', '', 'Values'), scroll);
    details.addEventListener('toggle', () => {
      if (!details.open || scroll.children.length) return;
      const table = el('table'), head = el('tr'), body = el('tbody'), top = el('thead');
      head.append(el('th', 'number', 'step'), ...this.curves.map(c => el('th', 'number', c.label)));
      const steps = [...new Set(this.curves.flatMap(c => c.steps))].sort((a, b) => a - b);
      const every = Math.ceil(steps.length / most), maps = this.curves.map(c => new Map(c.steps.map((s, i) => [s, i])));
      steps.filter((s, i) => (steps.length - 1 - i) % every === 0).forEach(s => {
        const row = el('tr');
        row.append(el('td', 'number', whole(s)));
        this.curves.forEach((c, i) => row.append(
          el('td', 'number', maps[i].has(s) ? figure(c.values[maps[i].get(s)]) : '')));
        body.append(row);
      });
      top.append(head);
      table.append(top, body);
      scroll.append(table);
      if (every > 1) scroll.append(el('p', 'note', `Every ${every}th step.`));
    });
    return details;
  }
}
)js";

}  // namespace ditharos::training
