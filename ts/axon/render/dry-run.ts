import type { InstallResult } from '../install/options.ts';
import { formatBytes, formatCount } from './format.ts';
import type { Output } from './output.ts';
import { textTable } from './table.ts';

/** What would come and how large, under which licence, what decided, what is left out and why. */
export function dryRunLines(result: InstallResult, output: Output): string[] {
  const { id, source, files, bytes, license, selection, path } = result;
  const pinned = source?.revision ? ` (${source.revision})` : '';
  const kind = selection === undefined ? 'the package ' : '';
  return [
    `${output.paint('bold', `Would install ${kind}${id}`)}${pinned}: ${formatCount(files.length, 'file')}, ${formatBytes(bytes)}`,
    `  licence   ${license ?? 'unknown'}`,
    ...(selection === undefined ? [] : [`  chosen    ${selection.rule}`]),
    ...packageLines(result),
    `  would be  ${path}`,
    ...(result.is_there
      ? ['  is there  already; --force replaces it, --as takes another name']
      : []),
    ...pickleLines(result),
    '',
    ...textTable(
      output,
      ['FILE', 'SIZE'],
      files.map((file) => [file.path, sizeOf(file.size)]),
    ),
    ...(selection === undefined ? [] : leftOutLines(selection, output)),
  ];
}

/** What the manifest of a package says is somebody's word. */
function packageLines({ format, source, claimed, may_need: need }: InstallResult): string[] {
  if (need === undefined) return [];
  const programs = need.allow_code;
  return [
    `  format    ${format}`,
    `  source    ${source?.hub} ${source?.id}`,
    ...(claimed ? [`  claims    to be ${claimed.hub} ${claimed.id}`] : []),
    ...(programs.length > 0 ? [`  programs  ${few(programs)}: with --allow-code only`] : []),
  ];
}

function pickleLines({ format, may_need: need }: InstallResult): string[] {
  const names = need?.allow_pickle ?? [];
  if (names.length === 0 && (need !== undefined || format !== 'pytorch')) return [];
  const which = names.length === 0 ? '' : `${few(names)}: `;
  return [
    `  pickle    ${which}looked into once it is here; refused if it could run code (--allow-pickle)`,
  ];
}

function few(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return names.slice(0, 3).join(', ') + more;
}

function sizeOf(size: number | null): string {
  return size === null ? 'unknown' : formatBytes(size);
}

function leftOutLines(
  { left_out: files, left_out_bytes: bytes }: NonNullable<InstallResult['selection']>,
  output: Output,
): string[] {
  if (files.length === 0) return ['', 'Nothing is left out.'];
  const reasons = new Map<string, { count: number; bytes: number; some: string[] }>();
  for (const { path, size, why } of files) {
    const row = reasons.get(why) ?? { count: 0, bytes: 0, some: [] };
    row.count += 1;
    row.bytes += size ?? 0;
    if (row.some.length < 2) row.some.push(path.slice(0, 60));
    reasons.set(why, row);
  }
  const rows = [...reasons].map(([why, row]) => [
    why,
    String(row.count),
    formatBytes(row.bytes),
    row.some.join(', ') + (row.count > row.some.length ? ', …' : ''),
  ]);
  return [
    '',
    output.paint('bold', `Left out: ${formatCount(files.length, 'file')}, ${formatBytes(bytes)}`),
    ...textTable(output, ['WHY', 'FILES', 'SIZE', 'SUCH AS'], rows),
  ];
}
