import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

/**
 * Traces in a folder of the daemon's own: JSON lists, whole after every write, so that a file can be read
 * while tracing goes on. Names come from clients, and are no more than names. Writes go one after the
 * other; what waits for them and what lies on the disk are bounded.
 */
const begin = '[\n';
const end = '\n]\n';
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
/** Files that this process began and goes on with when their name comes again; older ones begin anew. */
const rememberedFiles = 1_024;

interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  /** Where the list goes on: before its end. */
  at: number;
}

export class TraceFiles {
  readonly #folder: string;
  readonly #onFailed: (error: unknown) => void;
  #file: OpenFile | null = null;
  /** Where the lists of files that were closed go on. */
  readonly #ends = new Map<string, number>();
  #bytes: number | null = null;
  #pendingBytes = 0;
  #queue: Promise<void> = Promise.resolve();

  /** `onFailed`: the disk takes no more; told once for each write that failed. */
  constructor(folder: string, onFailed: (error: unknown) => void) {
    this.#folder = folder;
    this.#onFailed = onFailed;
  }

  /** False where too much waits already: the entries are left out. */
  append(name: string, entries: readonly string[]): boolean {
    const text = entries.join(',\n');
    const size = Buffer.byteLength(text);
    if (this.#pendingBytes + size > limits.tracePendingBytes) return false;
    this.#pendingBytes += size;
    this.#queue = this.#queue.then(async () => {
      try {
        await this.#write(name, text);
      } catch (error) {
        this.#onFailed(error);
      } finally {
        this.#pendingBytes -= size;
      }
    });
    return true;
  }

  /** Everything that was appended is written. Idempotent. */
  async close(): Promise<void> {
    this.#queue = this.#queue.then(() => this.#closeFile());
    await this.#queue;
  }

  async #write(name: string, text: string): Promise<void> {
    const file = this.#file?.name === name ? this.#file : await this.#open(name);
    const isFirst = file.at === begin.length;
    const bytes = Buffer.from(`${isFirst ? '' : ',\n'}${text}${end}`);
    if ((this.#bytes ?? 0) + bytes.byteLength > limits.traceBytes) {
      throw new MlosError(
        'STORAGE_FULL',
        `The traces in ${this.#folder} have reached ${limits.traceBytes} bytes; remove some.`,
      );
    }
    await file.handle.write(bytes, 0, bytes.byteLength, file.at);
    file.at += bytes.byteLength - end.length;
    this.#bytes = (this.#bytes ?? 0) + bytes.byteLength - end.length;
  }

  async #open(name: string): Promise<OpenFile> {
    await this.#closeFile();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const at = this.#ends.get(name);
    const truncate = at === undefined ? constants.O_TRUNC : 0;
    const handle = await open(join(this.#folder, name), flags | truncate, 0o600);
    this.#file = { name, handle, at: at ?? begin.length };
    if (at === undefined) await handle.write(begin + end.trimStart(), 0);
    this.#bytes = await sizeOf(this.#folder);
    return this.#file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    this.#file = null;
    const [oldest] = this.#ends.keys();
    if (this.#ends.size >= rememberedFiles && oldest !== undefined) this.#ends.delete(oldest);
    this.#ends.set(file.name, file.at);
    await file.handle.close();
  }
}

/** Bytes of all files of a folder. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
