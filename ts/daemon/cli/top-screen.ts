import type { EngineView, ModelView, WorkerView } from './engine-view.ts';
import { bytes, table } from './table.ts';

/** The least width that a screen is drawn for. */
const narrowest = 40;

/** Microseconds as people read them: `4.2µs`, `850µs`, `1.2ms`. */
export function microseconds(us: number): string {
  if (us < 10) return `${us.toFixed(1)}µs`;
  if (us < 1_000) return `${Math.round(us)}µs`;
  if (us < 10_000) return `${(us / 1_000).toFixed(1)}ms`;
  if (us < 1_000_000) return `${Math.round(us / 1_000)}ms`;
  return `${(us / 1e6).toFixed(1)}s`;
}

function count(value: number): string {
  if (value < 1_000) return String(Math.round(value * 10) / 10);
  return value < 1e6 ? `${(value / 1_000).toFixed(1)}k` : `${(value / 1e6).toFixed(1)}M`;
}

function coresText(cores: number | null): string {
  return cores === null ? '–' : cores.toFixed(2);
}

const verdicts: Readonly<Record<ModelView['batching']['verdict'], string>> = {
  off: 'off',
  fixed: 'fixed',
  pending: 'auto: measuring',
  gains: 'auto: gains',
  no_gain: 'auto: no gain',
  unfit: 'unfit',
};

function batchText({ batching, mean_batch }: ModelView): string {
  const mean = mean_batch === 0 ? '–' : mean_batch.toFixed(1);
  return batching.limit > 1
    ? `${mean}/${batching.limit} ${verdicts[batching.verdict]}`
    : `${mean} ${verdicts[batching.verdict]}`;
}

function times({ p50, p95, p99 }: ModelView['run_us'], isIdle: boolean): string {
  return isIdle ? '–' : [p50, p95, p99].map(microseconds).join(' ');
}

/** `0:0.98 1:0.97*`: CPU and cores of each worker; a star while it runs a batch. */
function workersText(workers: readonly WorkerView[]): string {
  return workers
    .map(({ cpu, cores, state }) => `${cpu}:${coresText(cores)}${state === 'idle' ? '' : '*'}`)
    .join(' ');
}

interface Column {
  readonly head: string;
  readonly cell: (model: ModelView) => string;
}

const isIdle = (model: ModelView) => model.requests_per_second === 0;

/** In their order on the screen. */
const columns = {
  model: { head: 'MODEL', cell: (model) => model.model_id },
  class: { head: 'CLASS', cell: (model) => model.priority },
  rate: { head: 'REQ/S', cell: (model) => count(model.requests_per_second) },
  errors: { head: 'ERR/S', cell: (model) => count(model.errors_per_second) },
  queued: { head: 'QUEUED', cell: (model) => String(model.queued) },
  batch: { head: 'BATCH', cell: batchText },
  channels: { head: 'CHANNELS', cell: (model) => String(model.channels) },
  queue: { head: 'QUEUE p50 p95 p99', cell: (model) => times(model.queue_us, isIdle(model)) },
  run: { head: 'RUN p50 p95 p99', cell: (model) => times(model.run_us, isIdle(model)) },
  workers: { head: 'CPU:CORES', cell: (model) => workersText(model.workers) },
} as const satisfies Record<string, Column>;

/** What a narrow screen does without, the first first. */
const dispensable = ['channels', 'class', 'batch', 'errors', 'workers', 'queue'] as const;

function modelTable(models: readonly ModelView[], width: number): string {
  const shown = new Map<string, Column>(Object.entries(columns));
  const sorted = [...models].sort((a, b) => b.requests_per_second - a.requests_per_second);
  const draw = () => {
    const list = [...shown.values()];
    return table(
      list.map(({ head }) => head),
      sorted.map((model) => list.map(({ cell }) => cell(model))),
    );
  };
  let text = draw();
  for (const name of dispensable) {
    if (text.split('\n').every((line) => line.length <= width)) break;
    shown.delete(name);
    text = draw();
  }
  return text;
}

/** The tables of one second, as lines; on a narrow screen without what matters least. */
export function topLines(view: EngineView, width = Number.POSITIVE_INFINITY): readonly string[] {
  const sections = [
    table(
      ['PLUGIN', 'PID', 'STATE', 'ENGINE', 'CORES', 'MEMORY'],
      view.processes.map((process) => [
        process.plugin_id,
        String(process.pid),
        process.state,
        process.engine ? 'yes' : 'no',
        coresText(process.cores),
        bytes(process.rss_bytes),
      ]),
    ),
    view.models.length === 0 ? 'No model is loaded in an engine.' : modelTable(view.models, width),
  ];
  if (view.processes.length === 0) return ['No plugin process runs.'];
  return sections.join('\n\n').split('\n');
}

/** What the whole system does, in one line. */
export function topTitle(view: EngineView, where: string): string {
  const sum = (pick: (model: ModelView) => number) =>
    view.models.reduce((total, model) => total + pick(model), 0);
  const cores = view.processes.reduce((total, process) => total + (process.cores ?? 0), 0);
  return (
    `mlos top  ${where}  ${count(sum((one) => one.requests_per_second))} requests/s  ` +
    `${sum((one) => one.queued)} queued  ${view.models.length} models  ${cores.toFixed(2)} cores`
  );
}

/** Lines cut to a screen, so that the terminal neither wraps nor scrolls. */
export function fitted(
  lines: readonly string[],
  screen: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const { rows } = screen;
  const width = Math.max(screen.columns, narrowest);
  const shown = lines.length > rows ? [...lines.slice(0, Math.max(0, rows - 1)), '…'] : lines;
  return shown.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
}
