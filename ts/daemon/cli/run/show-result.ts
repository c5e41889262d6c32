import { table } from '../table.ts';

/** A task's result for people: what it says, best first, without braces. */
type Fields = Readonly<Record<string, unknown>>;

/** Numbers of a vector that are shown; `--json` has all. */
const shownNumbers = 6;

function score(value: unknown): string {
  return typeof value === 'number' ? value.toFixed(4) : '';
}

function rows(list: readonly unknown[], read: (row: Fields) => readonly string[]): string {
  if (list.length === 0) return '(nothing)';
  const lines = list.map((row) => read(row as Fields));
  const [head = [], ...rest] = lines;
  return table(head, rest);
}

function place({ start, end }: Fields): string {
  return typeof start === 'number' ? `${start}–${end ?? ''}` : '';
}

function boxOf({ box }: Fields): string {
  const { xmin, ymin, xmax, ymax } = (box ?? {}) as Fields;
  return `${xmin},${ymin} – ${xmax},${ymax}`;
}

function vector(values: readonly unknown[]): string {
  if (Array.isArray(values[0])) {
    return `${values.length} vectors of ${values[0].length} numbers (--json has them)`;
  }
  const shown = values.slice(0, shownNumbers).map((value) => Number(value).toFixed(4));
  const more = values.length > shownNumbers ? ' … (--json has all)' : '';
  return `${values.length} numbers: ${shown.join(' ')}${more}`;
}

/** How a list of each name is shown. */
const lists: Readonly<Record<string, (row: Fields, documents: readonly unknown[]) => string[]>> = {
  labels: (row) => [score(row['score']), String(row['label'])],
  entities: (row) => [score(row['score']), String(row['label']), String(row['text']), place(row)],
  candidates: (row) => [score(row['score']), String(row['token_text']), String(row['text'])],
  answers: (row) => [score(row['score']), String(row['text']), place(row)],
  ranking: (row, documents) => [
    score(row['score']),
    String(row['index']),
    String(documents[Number(row['index'])] ?? ''),
  ],
  objects: (row) => [score(row['score']), String(row['label']), boxOf(row)],
  segments: (row) => [score(row['score']), String(row['label'] ?? row['text']), place(row)],
};

function isTimed({ start }: Fields): boolean {
  return typeof start === 'number';
}

/** In seconds. */
function timeOf({ start, end }: Fields): string {
  const seconds = (value: unknown) => (typeof value === 'number' ? value.toFixed(2) : '');
  return `${seconds(start)}–${seconds(end)}`;
}

function one(result: Fields, documents: readonly unknown[]): string {
  const { text, embedding, segments } = result;
  if (Array.isArray(segments) && segments.some(isTimed)) {
    return rows(segments, (row) => [timeOf(row), String(row['text']).trim()]);
  }
  if (typeof text === 'string') return text;
  if (Array.isArray(embedding)) return vector(embedding);
  for (const [name, read] of Object.entries(lists)) {
    const list = result[name];
    if (Array.isArray(list)) return rows(list, (row) => read(row, documents));
  }
  return JSON.stringify(result, null, 2);
}

/** `request` has the documents that a ranking is of. */
export function resultText(result: unknown, request: Fields): string {
  const { documents } = request;
  const texts = Array.isArray(documents) ? documents : [];
  if (!Array.isArray(result)) return one((result ?? {}) as Fields, texts);
  return result.map((item) => one(item as Fields, texts)).join('\n\n');
}
