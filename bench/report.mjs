import { duration, figure } from './stats.mjs';

/** The report as text. */
/** Rows that say model, payload and clients, each with a ratio to its baseline. */
const dataPlaneColumns = [
  ['', (row) => row.title ?? row.name],
  ['model', (row) => row.model],
  ['input', (row) => `${row.payload_bytes.toLocaleString('en-US')} B`],
  ['clients', (row) => String(row.concurrency)],
  ['p50', (row) => duration(row.p50)],
  ['p95', (row) => duration(row.p95)],
  ['p99', (row) => duration(row.p99)],
  ['req/s', (row) => Math.round(row.rps).toLocaleString('en-US')],
  ['p50 ×', (row) => row.ratio.toFixed(2)],
  ['of', (row) => (row.name === row.baseline ? '' : row.baseline)],
];

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

const memoryColumns = [
  ['', (row) => row.name],
  ['RSS', (row) => `${figure(row.rss_mb)} MB`],
  ['more', (row) => `${figure(row.more_mb)} MB`],
  ['of the weights', (row) => (Number.isNaN(row.weights) ? '' : `${row.weights.toFixed(2)} ×`)],
];

const downloadColumns = [
  ['', (row) => row.name],
  ['time', (row) => duration(row.p50)],
  ['MB/s', (row) => figure(row.mb_per_second)],
  ['peak RSS', (row) => (row.peak_mb === undefined ? '' : `${figure(row.peak_mb)} MB`)],
  ['time ×', (row) => row.ratio.toFixed(2)],
  ['of', (row) => row.baseline],
];

function columnsOf(id, [row]) {
  if (id === 'axon-download') return downloadColumns;
  if (id === 'idle') return idleColumns;
  if (id === 'memory') return memoryColumns;
  return row?.payload_bytes === undefined ? latencyColumns : dataPlaneColumns;
}

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
    parts.push(`${title}\n${table(columnsOf(id, rows), rows)}`);
  }
  const checks = run.questions.flatMap((question) => question.checks);
  parts.push(`Targets\n${checks.map(checkLine).join('\n')}`);
  if (run.warnings.length > 0) parts.push(`Warnings\n${run.warnings.join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}

/** One JSON object a line for every row that has latencies. */
export function reportLines(run) {
  const rows = run.questions.flatMap((question) =>
    question.rows
      .filter(({ p50 }) => p50 !== undefined)
      .map((row) => ({
        question: question.id,
        name: row.name,
        model: row.model ?? null,
        payload_bytes: row.payload_bytes ?? 0,
        concurrency: row.concurrency ?? row.clients ?? 1,
        p50_us: row.p50,
        p95_us: row.p95,
        p99_us: row.p99,
        rps: row.rps,
        baseline: row.baseline ?? null,
        ratio: row.ratio ?? row.times ?? null,
      })),
  );
  return rows.map((row) => JSON.stringify(row)).join('\n');
}
