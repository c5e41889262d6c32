import { duration, figure } from './stats.mjs';

/** The report as text. */
const latencyColumns = [
  ['', (row) => row.name],
  ['p50', (row) => duration(row.p50)],
  ['p95', (row) => duration(row.p95)],
  ['p99', (row) => duration(row.p99)],
  ['req/s', (row) => Math.round(row.rps).toLocaleString('en-US')],
  ['server CPU', (row) => duration(row.cpu_us)],
  ['× baseline', (row) => (row.of === undefined ? '' : `${row.times.toFixed(2)} (${row.of})`)],
  ['design target', (row) => duration(row.target_us)],
];

const idleColumns = [
  ['', (row) => row.name],
  ['CPU', (row) => `${row.cpu_percent.toFixed(2)} %`],
  ['daemon RSS', (row) => `${figure(row.rss_mb)} MB`],
  ['of it anonymous', (row) => `${figure(row.anonymous_mb)} MB`],
  ['plugins RSS', (row) => `${figure(row.plugins_rss_mb)} MB`],
];

function table(columns, rows) {
  const cells = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, of]) => of(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  return cells
    .map((line) =>
      line
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

function checkLine({ what, value, atLeast, atMost, unit, kept }) {
  const limit = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  const space = unit === '' || unit === '%' ? '' : ' ';
  return `${kept ? '✓' : '✗'} ${what}: ${figure(value)}${space}${unit} (${limit}${space}${unit})`;
}

export function machineLine({ machine, started_at: startedAt }) {
  const { cpu, cores, memory_gib: memory, kernel, node } = machine;
  return `${cpu}, ${cores} cores, ${memory} GiB · Linux ${kernel} · Node ${node} · ${startedAt.slice(0, 10)}`;
}

export function reportText(run) {
  const parts = [machineLine(run), run.method.join('\n')];
  for (const { id, title, rows } of run.questions) {
    parts.push(`${title}\n${table(id === 'idle' ? idleColumns : latencyColumns, rows)}`);
  }
  const checks = run.questions.flatMap((question) => question.checks);
  parts.push(`Targets\n${checks.map(checkLine).join('\n')}`);
  if (run.warnings.length > 0) parts.push(`Warnings\n${run.warnings.join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}
