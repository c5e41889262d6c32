/** What the quickstart shows: steps with their times, and the picture itself. */
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

const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];

/** A picture in braille, two pixels to a dot: dark is a dot. Fits 80 columns at 320 pixels. */
export function braille({ width, height, channels, data }) {
  const isDark = (x, y) => {
    if (x >= width || y >= height) return false;
    const at = (y * width + x) * channels;
    return data[at] + data[at + 1] + data[at + 2] < 384;
  };
  const rows = [];
  for (let top = 0; top < height; top += 8) {
    let row = '';
    for (let left = 0; left < width; left += 4) {
      let cell = 0x2800;
      for (let dy = 0; dy < 4; dy++) {
        for (let dx = 0; dx < 2; dx++) {
          if (isDark(left + dx * 2, top + dy * 2)) cell |= dots[dy][dx];
        }
      }
      row += String.fromCodePoint(cell);
    }
    rows.push(row);
  }
  return rows.join('\n');
}
