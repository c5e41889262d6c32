import { AxonError, errnoOf } from '../axon-error.ts';
import { metadataName } from './layout.ts';

/** What is in the models folder and cannot be read: there may be models in it, or not. */
export interface Unreadable {
  readonly path: string;
  readonly error: AxonError;
}

export type OnUnreadable = (found: Unreadable) => void;

export function warnOfUnreadable(output: { warn(text: string): void }): OnUnreadable {
  return ({ path, error }) => output.warn(`${path} cannot be read: ${error.message}`);
}

/** What is said of a folder of files that are a model's no longer. */
export function strayText(dir: string): string {
  return `${dir} holds files but no ${metadataName}, so it is no installed model. \`axon install\` of the model takes its place; else remove it.`;
}

/** Whether the file system kept back something that is there. */
export function isKeptBack(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && errnoOf(error) !== 'ENOENT';
}

/** What `read` gives; where the file system keeps it back, that is told, and `none` stands for it. */
export function unlessKeptBack<T>(
  path: string,
  none: T,
  onUnreadable: OnUnreadable | undefined,
  read: () => T,
): T {
  try {
    return read();
  } catch (error) {
    if (onUnreadable === undefined || !isKeptBack(error)) throw error;
    onUnreadable({ path, error: AxonError.from(error) });
    return none;
  }
}
