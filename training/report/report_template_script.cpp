#include <ditharos/training/report/report_template.h>

namespace ditharos::training {

const char* const report_script = R"js(
// --- the runs ---
const runs = data.runs, several = runs.length > 1;
const runColor = i => `var(--c${i % 8})`, binColor = (i, of) => `var(--b${of > 1 ? Math.round(i * 7 / (of - 1)) : 0})`;
$('title').textContent = several ? data.title : 'Run ' + data.title;
const newest = run => Math.max(-1, ...run.series.map(s => s.steps[s.steps.length - 1]));
const find = (list, name) => list.find(s => s.name === name);
const last = s => s && s.values.length ? s.values[s.values.length - 1] : undefined;
const thin = runs.some(r => [...r.series, ...r.timing].some(s => s.lines > s.steps.length));
$('about').textContent = 'The numbers of metrics.jsonl and timing.jsonl. Point at a curve, tap it, or go to it with ' +
  'Tab and the arrow keys to read its values.';
if (thin) $('about').textContent += ' Long curves are thinned: of neighbouring lines those with the lowest and the ' +
  'highest value are here; metrics.csv has all.';
function named(i) {
  const span = el('span', 'name', runs[i].name);
  return several ? [swatch(runColor(i)), span] : [span];
}
if (several) runs.forEach((run, i) => {
  const label = el('label'), box = el('input');
  box.type = 'checkbox';
  box.checked = true;
  box.addEventListener('change', () => {
    box.checked ? hiddenRuns.delete(i) : hiddenRuns.add(i);
    charts.forEach(c => c.draw());
  });
  label.append(box, ...named(i));
  $('runs').append(label);
});

// --- summary ---
function duration(seconds) {
  const s = Math.round(seconds), pad = n => String(n).padStart(2, '0');
  return s < 60 ? `${+seconds.toFixed(1)} s` : s < 3600 ? `${Math.floor(s / 60)}:${pad(s % 60)} min`
    : `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)} h`;
}
function lowest(series) {
  const finite = series ? series.values.map((v, i) => [v, series.steps[i]]).filter(p => p[0] !== null) : [];
  return finite.length ? finite.reduce((a, b) => b[0] < a[0] ? b : a) : null;
}
// Seconds of a thinned curve stand for those of all lines.
function trained(run) {
  const s = find(run.timing, 'seconds');
  const known = s ? s.values.filter(v => v !== null) : [];
  return known.length ? known.reduce((a, b) => a + b, 0) * s.lines / known.length : null;
}
const validation = runs.some(r => find(r.series, 'val_loss'));
const head = ['Run', 'Steps', 'Last loss', ...(validation ? ['Lowest validation loss'] : []), 'Samples a second',
              'Time in steps', 'Sessions'];
const summary = el('table'), summaryHead = el('thead'), summaryBody = el('tbody'), headRow = el('tr');
head.forEach((text, i) => headRow.append(el('th', i ? 'number' : '', text)));
summaryHead.append(headRow);
runs.forEach((run, i) => {
  const row = el('tr'), name = el('th'), loss = last(find(run.series, 'loss'));
  const val = lowest(find(run.series, 'val_loss'));
  const speed = last(find(run.timing, 'samples_per_second')), time = trained(run), line = el('label');
  line.append(...named(i));
  name.append(line);
  row.append(name, ...[
    newest(run) < 0 ? 'no line yet' : whole(newest(run)), loss === undefined ? '–' : figure(loss),
    ...(validation ? [val ? `${figure(val[0])} at ${whole(val[1])}` : '–'] : []),
    speed === undefined || speed === null ? '–' : figure(+speed.toPrecision(4)),
    time === null ? '–' : duration(time),
    run.session_count ? String(run.session_count) : '–'].map(text => el('td', 'number', text)));
  summaryBody.append(row);
});
summary.append(summaryHead, summaryBody);
$('summary').append(summary);

// --- curves ---
// Figures with a common first part of their name, such as loss_bins/0 to loss_bins/7, share a chart.
const titles = {loss: 'Loss', loss_bins: 'Loss by timestep bin, 0: noise', val_loss: 'Validation loss',
                val_loss_bins: 'Validation loss by timestep bin, 0: noise', grad_norm: 'Gradient norm',
                lr: 'Learning rate', samples_per_second: 'Speed'};
const units = {samples_per_second: 'samples/s'};
const order = ['loss', 'val_loss', 'loss_bins', 'val_loss_bins'], after = ['grad_norm', 'lr', 'samples_per_second'];
const rank = g => order.includes(g) ? order.indexOf(g) : after.includes(g) ? 1000 + after.indexOf(g) : 100;
const groups = new Map();  // name of a group -> run -> series
runs.forEach((run, i) => {
  const speed = run.timing.filter(s => s.name === 'samples_per_second');
  for (const s of [...run.series, ...speed]) {
    const group = s.name.split('/')[0];
    if (!groups.has(group)) groups.set(group, new Map());
    if (!groups.get(group).has(i)) groups.get(group).set(i, []);
    groups.get(group).get(i).push(s);
  }
});
const curve = (s, i, label, color) => ({label, color, run: i, steps: s.steps, values: s.values});
function addChart(group, note, curves) {
  const smooth = group !== 'lr' && !group.startsWith('val_');
  const chart = new Chart((titles[group] || group) + note, units[group], curves, smooth);
  $('charts').append(chart.element);
}
for (const group of [...groups.keys()].sort((a, b) => rank(a) - rank(b))) {
  const by = [...groups.get(group)];
  if (by.every(([, list]) => list.length === 1 && list[0].name === group)) {
    addChart(group, '', by.map(([i, list]) => curve(list[0], i, runs[i].name, runColor(i))));
  } else {
    for (const [i, list] of by)
      addChart(group, several ? ', ' + runs[i].name : '', list.map((s, k) =>
        curve(s, i, s.name === group ? group : s.name.slice(group.length + 1), binColor(k, list.length))));
  }
}
if (!groups.size) $('charts').replaceWith(el('p', '', several ? 'No run has a line yet.' : 'The run has no line yet.'));
const slider = $('smoothing');
slider.value = smoothing = Math.max(0, ...runs.flatMap(r => r.series.map(s => s.steps.length))) > fewest ? .8 : 0;
const showWeight = () => { $('weight').textContent = smoothing ? smoothing.toFixed(2) : 'off'; };
slider.addEventListener('input', () => { smoothing = +slider.value; showWeight(); charts.forEach(c => c.draw()); });
showWeight();
// At once: the observer of a chart's size calls later, and in a page that is only printed perhaps never.
charts.forEach(c => c.draw());

// --- samples ---
const sampleSteps = [...new Set(runs.flatMap(r => r.samples.map(s => s.step)))].sort((a, b) => a - b);
function addSamples() {
  const box = $('samples');
  if (!sampleSteps.length) return box.append(el('p', '', 'There are no sample grids.'));
  const bar = el('div', 'slider'), range = el('input'), out = el('output'), label = el('label', '', 'Step');
  const back = el('button', '', '◀'), next = el('button', '', '▶'), grids = el('div', 'grids');
  Object.assign(range, {type: 'range', min: 0, max: sampleSteps.length - 1, step: 1, id: 'sample-step'});
  range.value = sampleSteps.length - 1;
  label.htmlFor = 'sample-step';
  back.setAttribute('aria-label', 'The sample grid before');
  next.setAttribute('aria-label', 'The next sample grid');
  const figures = runs.map((run, i) => {
    const f = el('figure'), name = el('label'), image = el('img'), none = el('p', 'note', 'none yet at this step');
    name.append(...named(i));
    const caption = el('figcaption');
    caption.append(name, el('span', 'note', ''));
    f.append(caption, image, none);
    if (run.samples.length) grids.append(f);
    return {f, image, none, note: caption.lastChild, run};
  });
  const draw = () => {
    const step = sampleSteps[+range.value];
    out.textContent = whole(step);
    range.setAttribute('aria-valuetext', 'step ' + step);
    for (const {image, none, note, run} of figures) {
      const sample = run.samples.filter(s => s.step <= step).pop();
      image.hidden = !sample;
      none.hidden = !!sample;
      note.textContent = sample && sample.step !== step ? ` step ${whole(sample.step)}` : '';
      if (!sample) continue;
      image.src = 'data:image/png;base64,' + sample.png;
      image.width = sample.width;
      image.height = sample.height;
      image.alt = `Samples of ${run.name} at step ${sample.step}`;
    }
  };
  const move = by => { range.value = +range.value + by; draw(); };
  range.addEventListener('input', draw);
  back.addEventListener('click', () => move(-1));
  next.addEventListener('click', () => move(1));
  bar.append(label, back, range, next, out);
  box.append(bar, grids);
  const left = runs.reduce((n, r) => n + r.sample_count - r.samples.length, 0);
  if (left) box.append(el('p', 'note', `${whole(left)} more sample grids are in the folder samples/ of the run.`));
  draw();
}
addSamples();

// --- configuration and environment ---
// Rows {section, key, values}: a value for each run, undefined where it has none.
function fill(box, rows, heads, onlyDifferences) {
  const table = el('table'), top = el('thead'), body = el('tbody'), row = el('tr');
  row.append(el('th', '', ''), ...heads.map(h => { const th = el('th'); th.append(...h); return th; }));
  if (heads.length > 1) top.append(row);
  const differs = r => r.values.some(v => v !== r.values[0]), count = rows.filter(differs).length;
  const draw = only => {
    body.replaceChildren();
    let section = null;
    for (const r of rows.filter(r => !only || differs(r))) {
      if (r.section !== section && r.section) {
        const line = el('tr'), th = el('th', 'section', r.section);
        th.colSpan = heads.length + 1;
        line.append(th);
        body.append(line);
      }
      section = r.section;
      const line = el('tr', heads.length > 1 && differs(r) ? 'differs' : '');
      line.append(el('th', '', r.key));
      for (const v of r.values) {
        const td = el('td');
        td.append(v === undefined ? el('span', 'note', '–') : el('code', '', v));
        line.append(td);
      }
      body.append(line);
    }
  };
  if (heads.length > 1) {
    const label = el('label', '', ` only differences (${count} of ${rows.length})`), only = el('input');
    only.type = 'checkbox';
    only.checked = onlyDifferences && count > 0;
    label.prepend(only);
    only.addEventListener('change', () => draw(only.checked));
    box.append(label);
  }
  draw(onlyDifferences && heads.length > 1 && count > 0);
  table.append(top, body);
  const scroll = el('div', 'scroll');
  scroll.append(table);
  box.append(scroll);
}
// One row for each key, in the order of the first run that has it.
function merge(lists) {
  const rows = new Map();
  lists.forEach((list, i) => {
    for (const [section, key, value] of list) {
      const name = section + '\n' + key;
      if (!rows.has(name)) rows.set(name, {section, key, values: lists.map(() => undefined)});
      rows.get(name).values[i] = value;
    }
  });
  const sections = [...new Set([...rows.values()].map(r => r.section))];
  return [...rows.values()].sort((a, b) => sections.indexOf(a.section) - sections.indexOf(b.section));
}
const configured = merge(runs.map(r => r.configuration));
const heads = runs.map((r, i) => several ? named(i) : ['']);
if (configured.length) fill($('settings'), configured, heads, true);
else $('settings').append(el('p', '', several ? 'No run has a configuration.' : 'The run has no configuration.'));

// The newest session of each run, or all sessions of one run.
const words = {started: 'started', from_step: 'from step', command: 'command', cpu: 'CPU', cpu_features: 'CPU features',
               matrix_products: 'matrix products'};
const session = s => s.map(([key, value]) => ['', words[key] || key, value]);
if (runs.every(r => !r.sessions.length)) {
  $('machine').append(el('p', '', 'There is no env.txt.'));
} else if (several) {
  fill($('machine'), merge(runs.map(r => session(r.sessions[r.sessions.length - 1] || []))),
       runs.map((r, i) => named(i)), false);
} else {
  const list = runs[0].sessions, count = runs[0].session_count;
  fill($('machine'), merge(list.map(session)),
       list.map((s, i) => [i ? `session ${count - list.length + i + 1}` : 'session 1']), false);
}
</script>
</body>
</html>
)js";

}  // namespace ditharos::training
