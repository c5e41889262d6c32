import Table from 'cli-table3';
import { printable } from './format.ts';
import type { Output } from './output.ts';

/** Columns without lines, as text. */
export function textTable(
  output: Output,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 2 },
    chars: Object.fromEntries(
      [
        'top',
        'top-mid',
        'top-left',
        'top-right',
        'bottom',
        'bottom-mid',
        'bottom-left',
        'bottom-right',
      ]
        .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'])
        .map((name) => [name, '']),
    ),
  });
  table.push(...rows.map((row) => row.map(printable)));
  return table
    .toString()
    .split('\n')
    .map((line, row) => (row === 0 ? output.paint('bold', line.trimEnd()) : line.trimEnd()));
}
