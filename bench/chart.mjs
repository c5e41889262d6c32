import { machineLine } from './report.mjs';
import { duration, figure } from './stats.mjs';
import { decades, element, line, linearScale, logScale, steps, text } from './svg.mjs';
import { targets } from './targets.mjs';

/** One picture of a run: a panel for each thing to compare, a row for each way. */
const width = 940;
const left = 292;
const right = 760;
const rowHeight = 24;
const colours = { bare: '#7b8494', socket: '#2563eb', http: '#c2570c' };
const ink = '#1f2937';
const soft = '#5b6472';
const grid = '#e3e7ed';

/** Title above, axis below, rows between; `drawRow` gives what stands in a row. */
function panel({ title, axis, ticks, scale, rows, drawRow }) {
  const top = 46;
  const bottom = top + rows.length * rowHeight + 4;
  const parts = [text(24, 22, title, { 'font-size': 15, 'font-weight': 600, fill: ink })];
  for (const { at, label } of ticks) {
    parts.push(line(scale(at), top - 8, scale(at), bottom, { stroke: grid }));
    parts.push(
      text(scale(at), bottom + 16, label, { 'text-anchor': 'middle', 'font-size': 11, fill: soft }),
    );
  }
  parts.push(line(left, bottom, right, bottom, { stroke: soft }));
  parts.push(
    text((left + right) / 2, bottom + 33, axis, {
      'text-anchor': 'middle',
      'font-size': 12,
      fill: soft,
    }),
  );
  rows.forEach((row, i) => {
    const y = top + i * rowHeight + rowHeight / 2;
    parts.push(
      text(left - 14, y + 4, row.label, { 'text-anchor': 'end', 'font-size': 12.5, fill: ink }),
    );
    parts.push(...drawRow(row, y));
  });
  return { height: bottom + 58, svg: parts.join('\n') };
}

function valueLabel(y, value) {
  return text(width - 24, y + 4, value, { 'text-anchor': 'end', 'font-size': 12, fill: ink });
}

/** Dot at p50, stroke at p95, ring at p99; a diamond where the design target lies. */
function latencyPanel(title, rows) {
  const all = rows.flatMap(({ p50, p99, target_us: target }) => [p50, p99, target ?? p50]);
  const powers = decades(all);
  const scale = logScale(powers[0], powers.at(-1), left, right);
  return panel({
    title,
    axis: 'time for one request, log scale',
    ticks: powers.map((at) => ({ at, label: tickLabel(at) })),
    scale,
    rows,
    drawRow: ({ p50, p95, p99, target_us: target, colour }, y) => [
      line(scale(p50), y, scale(p99), y, { stroke: colour, 'stroke-width': 2.5, opacity: 0.45 }),
      line(scale(p95), y - 5, scale(p95), y + 5, { stroke: colour, 'stroke-width': 2 }),
      element('circle', {
        cx: scale(p99),
        cy: y,
        r: 3.5,
        fill: '#ffffff',
        stroke: colour,
        'stroke-width': 1.8,
      }),
      element('circle', { cx: scale(p50), cy: y, r: 5.5, fill: colour }),
      target === undefined ? '' : diamond(scale(target), y),
      valueLabel(y, `${duration(p50)}  ·  p99 ${duration(p99)}`),
    ],
  });
}

function tickLabel(us) {
  if (us >= 1e6) return `${us / 1e6} s`;
  return us >= 1000 ? `${us / 1000} ms` : `${us} µs`;
}

function diamond(x, y) {
  const points = `${x},${y - 7} ${x + 6},${y} ${x},${y + 7} ${x - 6},${y}`;
  return element('polygon', { points, fill: '#ffffff', stroke: '#0f766e', 'stroke-width': 2 });
}

function barPanel(title, rows, limit) {
  const ticks = steps(Math.max(...rows.map(({ rps }) => rps)));
  const scale = linearScale(0, ticks.at(-1), left, right);
  return panel({
    title,
    axis: 'requests per second',
    ticks: ticks.map((at) => ({ at, label: at.toLocaleString('en-US') })),
    scale,
    rows,
    drawRow: ({ rps, colour, isLimited }, y) => [
      element('rect', {
        x: left,
        y: y - 8,
        width: scale(rps) - left,
        height: 16,
        rx: 2,
        fill: colour,
      }),
      isLimited === true ? diamond(scale(limit), y) : '',
      valueLabel(y, Math.round(rps).toLocaleString('en-US')),
    ],
  });
}

/** Dots: on a log scale the length of a bar says nothing. */
function throughputPanel(title, rows) {
  const powers = decades(rows.flatMap(({ rps, target }) => [rps, target ?? rps]));
  const scale = logScale(powers[0], powers.at(-1), left, right);
  return panel({
    title,
    axis: 'requests per second, log scale',
    ticks: powers.map((at) => ({ at, label: at.toLocaleString('en-US') })),
    scale,
    rows,
    drawRow: ({ rps, target, colour }, y) => [
      line(left, y, scale(rps), y, { stroke: colour, opacity: 0.3, 'stroke-dasharray': '2 3' }),
      element('circle', { cx: scale(rps), cy: y, r: 5.5, fill: colour }),
      target === undefined ? '' : diamond(scale(target), y),
      valueLabel(y, figure(rps)),
    ],
  });
}

function healthPanels(http, socket) {
  const [bareMany, oursMany, bareOne, oursOne] = http.rows;
  const [echo, ours, library] = socket.rows;
  return [
    barPanel(
      'Health over HTTP, 16 connections',
      [
        { ...bareMany, label: 'bare uWebSockets.js, “ok”', colour: colours.bare },
        { ...oursMany, label: 'GET /health', colour: colours.http, isLimited: true },
      ],
      bareMany.rps * targets.healthHttpShare,
    ),
    latencyPanel('Health, one client', [
      { ...bareOne, label: 'HTTP: bare uWebSockets.js', colour: colours.bare },
      { ...oursOne, label: 'HTTP: GET /health', colour: colours.http },
      { ...echo, label: 'Unix socket: bare echo', colour: colours.bare },
      { ...ours, label: 'Unix socket: health.get', colour: colours.socket },
      { ...library, label: 'the same, Node client library', colour: colours.socket },
    ]),
  ];
}

function inferencePanels({ rows }) {
  const keys = ['bare', 'socket', 'http'];
  const wanted = {
    socket: targets.inferencesPerSecond.socket,
    http: targets.inferencesPerSecond.http,
  };
  const models = [...new Set(rows.map(({ model }) => model))];
  const panels = [];
  for (const model of models) {
    const one = rows.filter((row) => row.model === model && row.clients === 1);
    panels.push(
      latencyPanel(
        `Inference, one client, model ${model}`,
        one.map((row, i) => ({ ...row, label: row.way, colour: colours[keys[i]] })),
      ),
    );
  }
  const small = rows.filter((row) => row.model === models[0]);
  panels.push(
    throughputPanel(
      'Inferences per second, small model',
      small.map((row, i) => ({
        ...row,
        label: `${row.way}, ${row.clients === 1 ? '1 client' : `${row.clients} clients`}`,
        colour: colours[keys[i % 3]],
        target: row.clients === 1 ? undefined : wanted[keys[i % 3]],
      })),
    ),
  );
  return panels;
}

function legend(y) {
  const note = (x, content) => text(x, y + 4, content, { 'font-size': 12, fill: soft });
  return [
    element('circle', { cx: 30, cy: y, r: 5.5, fill: soft }),
    note(42, 'p50'),
    line(82, y - 5, 82, y + 5, { stroke: soft, 'stroke-width': 2 }),
    note(90, 'p95'),
    element('circle', {
      cx: 130,
      cy: y,
      r: 3.5,
      fill: '#ffffff',
      stroke: soft,
      'stroke-width': 1.8,
    }),
    note(140, 'p99'),
    diamond(184, y),
    note(196, 'design target'),
    note(310, 'grey: the baseline · orange: HTTP · blue: Unix socket'),
  ].join('\n');
}

/** The SVG of a run; '' where it holds nothing that is drawn. */
export function chart(run) {
  const of = (id) => run.questions.find((question) => question.id === id);
  const panels = [];
  if (of('health-http')) panels.push(...healthPanels(of('health-http'), of('health-socket')));
  if (of('inference')) panels.push(...inferencePanels(of('inference')));
  if (panels.length === 0) return '';
  const parts = [
    text(24, 34, 'MLOS: what a request costs', { 'font-size': 20, 'font-weight': 700, fill: ink }),
    text(24, 56, machineLine(run), { 'font-size': 12, fill: soft }),
    legend(80),
  ];
  let y = 104;
  for (const { svg, height } of panels) {
    parts.push(element('g', { transform: `translate(0,${y})` }, ['\n', svg, '\n']));
    y += height;
  }
  const size = { width, height: y, viewBox: `0 0 ${width} ${y}` };
  const font = "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif";
  const background = element('rect', { width, height: y, fill: '#ffffff' });
  return `${element('svg', { xmlns: 'http://www.w3.org/2000/svg', ...size, 'font-family': font }, [
    '\n',
    background,
    '\n',
    parts.join('\n'),
    '\n',
  ])}\n`;
}
