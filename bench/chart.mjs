import {
  barPanel,
  colours,
  diamond,
  ink,
  latencyPanel,
  soft,
  throughputPanel,
  width,
} from './panels.mjs';
import { machineLine } from './report.mjs';
import { element, line, text } from './svg.mjs';
import { targets } from './targets.mjs';
import { titles } from './ways.mjs';

/** One picture of a run. */
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

function colourOf(name) {
  if (name.startsWith('attached')) return colours.attached;
  if (name.startsWith('socket')) return colours.socket;
  return name.startsWith('http') ? colours.http : colours.bare;
}

const sizeText = (bytes) =>
  bytes >= 1024 ** 2 ? `${Math.round(bytes / 1024 ** 2)} MB` : `${Math.round(bytes / 1024)} KB`;

/** A panel for each model and payload with one client, then one of requests per second. */
function dataPlanePanels({ rows }) {
  const groups = new Map();
  for (const row of rows.filter(({ concurrency }) => concurrency === 1)) {
    const key = `${row.model}, input of ${row.payload_bytes < 1024 ? `${row.payload_bytes} B` : sizeText(row.payload_bytes)}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const latencies = [...groups].map(([key, group]) =>
    latencyPanel(
      `One client, model ${key}`,
      group.map((row) => ({ ...row, label: titles[row.name], colour: colourOf(row.name) })),
    ),
  );
  const many = rows.filter(({ model, concurrency }) => model === 'tiny' && concurrency > 1);
  if (many.length === 0) return latencies;
  const title = 'Tiny model, answers per second';
  const labelled = many.map((row) => ({
    ...row,
    label: `${titles[row.name]}, ${row.concurrency} clients`,
    colour: colourOf(row.name),
  }));
  return [...latencies, throughputPanel(title, labelled)];
}

function throughputOf({ title, rows }) {
  return throughputPanel(
    title,
    rows.map((row) => ({
      ...row,
      label: row.model === undefined ? row.name : `${row.name}, ${row.model}`,
      colour: colourOf(row.name.startsWith('batching') ? 'attached' : row.name),
    })),
  );
}

function latencyOf({ title, rows }) {
  return latencyPanel(
    title,
    rows.map((row) => ({ ...row, label: row.name, colour: colourOf(row.name) })),
  );
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
    note(310, 'grey: the baseline · green: attached · blue: Unix socket · orange: HTTP'),
  ].join('\n');
}

/** The SVG of a run; '' where it holds nothing that is drawn. */
export function chart(run) {
  const of = (id) => run.questions.find((question) => question.id === id);
  const panels = [];
  if (of('health-http')) panels.push(...healthPanels(of('health-http'), of('health-socket')));
  if (of('data-plane')) panels.push(...dataPlanePanels(of('data-plane')));
  if (of('pipelined')) panels.push(throughputOf(of('pipelined')));
  if (of('batching')) panels.push(throughputOf(of('batching')));
  if (of('asleep')) panels.push(latencyOf(of('asleep')));
  if (of('urgent')) panels.push(latencyOf(of('urgent')));
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
