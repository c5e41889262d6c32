/*
 * How far the files are that come, several at once. Whoever fetches calls it; a terminal draws bars from
 * the calls, --json makes events of them.
 * 1. `plan` may be called again: what comes later is added to the total.
 * 2. A file that is tried anew keeps its handle: `from` says where it stands then, which may be before
 *    the byte it had reached. Bytes before `from` are there already and say nothing about the speed.
 * 3. Every handle is ended, in failure too; what is called on it afterwards has no effect.
 */
export interface Progress {
  /** Files of these sizes are about to come; null is one whose size shows when it comes. */
  plan(sizes: readonly (number | null)[]): void;
  /** `digest` is `sha256:<hex>` where the source states one. */
  file(name: string, bytes: number | null, digest?: string): FileProgress;
  /** Lets a line pass between the bars. */
  aside(write: () => void): void;
  /** No more comes: the bars go away. */
  stop(): void;
}

export interface FileProgress {
  /** Bytes come from here on; `of` is the size as far as it is known by now. */
  from(bytes: number, of: number | null): void;
  /** So many bytes of the file are here. */
  at(bytes: number): void;
  end(whole: boolean): void;
}

const noFile: FileProgress = { from: () => undefined, at: () => undefined, end: () => undefined };

export const noProgress: Progress = {
  plan: () => undefined,
  file: () => noFile,
  aside: (write) => write(),
  stop: () => undefined,
};
