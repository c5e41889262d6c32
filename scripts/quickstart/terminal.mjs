/** What the quickstart shows: steps with their times. */
const isTerminal = process.stderr.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code) => (text) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint('1');
export const dim = paint('2');
export const green = paint('32');

export function say(text = '') {
  process.stdout.write(`${text}\n`);
}

export function milliseconds(ms) {
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

/**
 * Runs one step, with its name while it runs and its time when it is done.
 * @template T
 * @param {string} title
 * @param {() => Promise<T>} body
 * @returns {Promise<{ value: T, ms: number }>}
 */
export async function step(title, body) {
  const started = performance.now();
  say(`${bold('▸')} ${title} …`);
  const value = await body();
  const ms = performance.now() - started;
  say(`${green('✓')} ${title} ${dim(`(${milliseconds(ms)})`)}`);
  return { value, ms };
}
