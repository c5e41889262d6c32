import { duration, figure } from './stats.mjs';
import { decades, element, line, linearScale, logScale, steps, text } from './svg.mjs';

/** The parts of the picture: a panel for each thing to compare, a row for each way. */
export const width = 940;
const left = 292;
const right = 760;
const rowHeight = 24;
export const colours = { bare: '#7b8494', socket: '#2563eb', http: '#c2570c', attached: '#0f766e' };
export const ink = '#1f2937';
export const soft = '#5b6472';
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
export function latencyPanel(title, rows) {
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

export function diamond(x, y) {
  const points = `${x},${y - 7} ${x + 6},${y} ${x},${y + 7} ${x - 6},${y}`;
  return element('polygon', { points, fill: '#ffffff', stroke: '#0f766e', 'stroke-width': 2 });
}

export function barPanel(title, rows, limit) {
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
export function throughputPanel(title, rows) {
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
