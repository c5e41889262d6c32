import { setTimeout as delay } from 'node:timers/promises';
import { type DaemonLine, openLine, question } from './call.ts';
import { type EngineView, engineView } from './engine-view.ts';
import type { CommonOptions } from './options.ts';
import { print, printJson } from './report.ts';
import { fitted, topLines, topTitle } from './top-screen.ts';

const periodMs = 1_000;

/** What a terminal is told: another screen and no cursor; home; clear to the end of line, of screen. */
const screen = {
  enter: '\u001b[?1049h\u001b[?25l',
  leave: '\u001b[?25h\u001b[?1049l',
  home: '\u001b[H',
  endLine: '\u001b[K',
  endScreen: '\u001b[J',
  bold: '\u001b[1m',
  plain: '\u001b[0m',
} as const;

/** Views of one period each, until `ended`. */
async function* views(line: DaemonLine, ended: AbortSignal): AsyncGenerator<EngineView> {
  const read = () => line.call('stats.engine', {}, question);
  let before = await read();
  while (!ended.aborted) {
    await delay(periodMs, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return;
    const now = await read();
    yield engineView(before, now);
    before = now;
  }
}

/** Aborts at the first Ctrl-C, SIGTERM, or q. */
function untilAsked(): { readonly signal: AbortSignal; readonly stop: () => void } {
  const ended = new AbortController();
  const end = () => ended.abort();
  const onKey = (key: Buffer) => {
    if (key[0] === 0x71 || key[0] === 0x03) end();
  };
  const { stdin } = process;
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  if (stdin.isTTY) {
    stdin.setRawMode(true);
    stdin.on('data', onKey);
  }
  return {
    signal: ended.signal,
    stop: () => {
      process.off('SIGINT', end);
      process.off('SIGTERM', end);
      if (!stdin.isTTY) return;
      stdin.setRawMode(false);
      stdin.off('data', onKey);
      stdin.pause();
    },
  };
}

function draw(view: EngineView, where: string): void {
  const { columns = 80, rows = 24 } = process.stdout;
  const [title = '', ...lines] = fitted([topTitle(view, where), '', ...topLines(view, columns)], {
    columns,
    rows: rows - 1,
  });
  const text = [`${screen.bold}${title}${screen.plain}`, ...lines]
    .map((line) => `${line}${screen.endLine}\n`)
    .join('');
  process.stdout.write(`${screen.home}${text}${screen.endScreen}`);
}

function printPlain(view: EngineView, where: string): void {
  print([topTitle(view, where), '', ...topLines(view), ''].join('\n'));
}

/**
 * Queues, batches, times and cores of each second. On a terminal a live screen until q or Ctrl-C;
 * elsewhere plain text, or one JSON value a second. `--once`: one second, then the end.
 */
export async function top(
  options: CommonOptions & { readonly json?: boolean; readonly once?: boolean },
): Promise<number> {
  const line = await openLine(options);
  const asked = untilAsked();
  const isScreen = process.stdout.isTTY && options.json !== true && options.once !== true;
  if (isScreen) process.stdout.write(screen.enter);
  try {
    for await (const view of views(line, asked.signal)) {
      if (options.json === true) {
        if (options.once === true) printJson(view);
        else print(JSON.stringify(view));
      } else if (isScreen) draw(view, line.where);
      else printPlain(view, line.where);
      if (options.once === true) break;
    }
  } finally {
    if (isScreen) process.stdout.write(screen.leave);
    asked.stop();
    await line.close();
  }
  return 0;
}
