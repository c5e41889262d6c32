const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, as hubs and disks count: 1234567 → `1.2 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? 'B'}`;
}

/** How many of what: `1 file`, `3 files`. The word takes a plain s. */
export function formatCount(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

// Names and messages come from hubs: a terminal must not obey what stands in them.
const control = /(?!\n)[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text of strangers made safe for a terminal. */
export function printable(text: string): string {
  return text.replace(control, '\ufffd');
}
