import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import { FileWindow } from './file-window.ts';

/** What a reader throws for bytes that are not what they should be. The caller names the file. */
export class FormatError extends Error {
  override readonly name: string = 'FormatError';
}

/**
 * Opens a file of a package for a reader; whatever is wrong with its bytes ends as one kind of error, which names
 * the file as the package does: where the package lies for the moment is nobody's concern.
 */
export function readFile<T>(
  root: string,
  name: string,
  what: string,
  read: (window: FileWindow) => T,
): T {
  const window = new FileWindow(path.join(root, name));
  try {
    return read(window);
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof RangeError)) throw error;
    throw new AxonError('INVALID_PACKAGE', `${name} is not a readable ${what}: ${error.message}.`, {
      cause: error,
    });
  } finally {
    window.close();
  }
}
