import { AxonError } from '../../axon-error.ts';
import { FileWindow } from './file-window.ts';

/** What a reader throws for bytes that are not what they should be. The caller names the file. */
export class FormatError extends Error {
  override readonly name: string = 'FormatError';
}

/** Opens a file for a reader; whatever is wrong with its bytes ends as one kind of error. */
export function readFile<T>(file: string, what: string, read: (window: FileWindow) => T): T {
  const window = new FileWindow(file);
  try {
    return read(window);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
    throw new AxonError('INVALID_PACKAGE', `${file} is not a readable ${what}: ${error.message}.`, {
      cause: error,
    });
  } finally {
    window.close();
  }
}
