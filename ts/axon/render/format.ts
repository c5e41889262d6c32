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

// Names and messages come from hubs: a terminal must not obey what stands in them.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const control = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text of strangers made safe for a terminal. */
export function printable(text: string): string {
  return text.replace(control, '\ufffd');
}
