import { limits } from '../../protocol/limits.ts';
import { largestPlainSize, TarFault, type TarHeader, text, utf8 } from './tar-header.ts';

/*
 * What stands before an entry and says more of it: POSIX extended headers and GNU's long names. Tools
 * differ in what they make of them, and that is how an archive shows one thing to who looks and gives
 * another to who unpacks. So an extension may only say what its header has no room for.
 */
export interface Extension {
  readonly path?: string;
  readonly size?: number;
}

/** Checks the records of an extended header ('x'), or of one for the whole archive ('g'). */
export function readPax(body: Buffer, isGlobal: boolean): Extension {
  const found = new Map<string, string>();
  for (const [key, value] of records(body)) {
    if (/sparse|realsize/i.test(key)) throw new TarFault('it holds a sparse entry', true);
    if (!ours.has(key)) continue;
    if (isGlobal) throw new TarFault(`it sets the ${key} of all entries at once`, true);
    if (found.has(key)) throw new TarFault(`an entry has its ${key} set twice`, true);
    found.set(key, value);
  }
  const [path, size] = [found.get('path'), found.get('size')];
  return {
    ...(path === undefined ? {} : { path }),
    ...(size === undefined ? {} : { size: decimal(size) }),
  };
}

/** Records that are looked at; other tools' own may hold any bytes. */
const ours: ReadonlySet<string> = new Set(['path', 'size']);

export function readLongName(body: Buffer): Extension {
  return { path: text(body) };
}

function decimal(value: string): number {
  const size = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw new TarFault('an entry has an impossible size', true);
}

function* records(body: Buffer): Generator<readonly [string, string]> {
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? '' : body.toString('latin1', at, space);
    const length = /^[1-9][0-9]{0,6}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    const equals = body.indexOf(0x3d, space);
    if (end > body.length || equals < 0 || equals >= end || body[end - 1] !== 0x0a)
      throw new TarFault('an extended header is malformed');
    const key = utf8(body.subarray(space + 1, equals));
    yield [key, ours.has(key) ? utf8(body.subarray(equals + 1, end - 1)) : ''];
    at = end;
  }
}

/** Name and size of an entry with what its extensions say, where they may say it. */
export function extended(header: TarHeader, { path, size }: Extension): TarHeader {
  if (path !== undefined && path !== header.name && fits(path))
    throw new TarFault(
      `an entry is called ${JSON.stringify(header.name)} and, by an extended header, ${JSON.stringify(path.slice(0, 100))}`,
      true,
    );
  if (size !== undefined && size !== header.size && size <= largestPlainSize)
    throw new TarFault(`an entry has two sizes, ${header.size} and ${size} bytes`, true);
  const name = path ?? header.name;
  if (name.includes('\0')) throw new TarFault('it has a name with a NUL in it', true);
  return { ...header, name, size: size ?? header.size };
}

/** Whether every writer would have put the name into the header itself. */
function fits(name: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII is meant
  return name.length <= 100 && /^[\u0000-\u007f]*$/.test(name);
}

export function assertExtensionSize(size: number): void {
  if (size > limits.tarExtensionBytes)
    throw new TarFault(`an extended header has more than ${limits.tarExtensionBytes} bytes`, true);
}
