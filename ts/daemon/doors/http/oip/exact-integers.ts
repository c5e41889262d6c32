/**
 * JSON numbers are doubles to JSON.parse, exact to 2^53; stock clients write INT64 and UINT64 as bare digits
 * to their ends. Where such an input holds a number that may have been rounded, the text is read once more
 * with its long integers as texts, which the reader of tensors takes digit by digit.
 */
type Fields = Readonly<Record<string, unknown>>;

/** 2^53 has 16 digits: what has fewer is exact. */
const exactDigits = 15;

function isWide(input: unknown): input is Fields {
  const datatype = (input as Fields | null)?.['datatype'];
  return datatype === 'INT64' || datatype === 'UINT64';
}

function mayBeRounded(data: unknown): boolean {
  if (Array.isArray(data)) return data.some(mayBeRounded);
  return typeof data === 'number' && Number.isInteger(data) && !Number.isSafeInteger(data);
}

/** `inputs` as they were parsed from `body`, those of 64-bit integers exact. */
export function exactInputs(inputs: readonly unknown[], body: Buffer): readonly unknown[] {
  if (!inputs.some((input) => isWide(input) && mayBeRounded(input['data']))) return inputs;
  const exact = JSON.parse(quoteLongIntegers(body.toString())) as { inputs: readonly Fields[] };
  return inputs.map((input, i) =>
    isWide(input) ? { ...input, data: exact.inputs[i]?.['data'] } : input,
  );
}

/** Valid JSON → the same with every integer of more than 15 digits as a text. */
export function quoteLongIntegers(text: string): string {
  // Between texts; a quote that is escaped ends none.
  const parts: string[] = [];
  let from = 0;
  while (from < text.length) {
    const start = text.indexOf('"', from);
    const end = start < 0 ? text.length : start;
    parts.push(text.slice(from, end).replace(/[-+.\deE]+/g, quoted));
    if (start < 0) break;
    from = textEnd(text, start);
    parts.push(text.slice(start, from));
  }
  return parts.join('');
}

function quoted(number: string): string {
  const isLongInteger = number.length > exactDigits && /^-?\d+$/.test(number);
  return isLongInteger ? `"${number}"` : number;
}

/** Behind the quote that ends the text at `start`. */
function textEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
