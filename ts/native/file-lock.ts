import { type FileLockHandle, nativeBinding } from './binding.ts';
import { translated } from './native-error.ts';

/**
 * An exclusive lock on a file, held by this process until release() or death: the kernel drops it
 * then, so it is never stale. The file is created when absent and stays when the lock goes.
 */
export class FileLock {
  readonly path: string;
  readonly #handle: FileLockHandle;

  private constructor(path: string, handle: FileLockHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws NativeError `EWOULDBLOCK` when it is held already, by whichever process. */
  static acquire(path: string): FileLock {
    return translated(() => new FileLock(path, nativeBinding().fileLockAcquire(path)));
  }

  /** Releasing twice is fine. */
  release(): void {
    translated(() => nativeBinding().fileLockRelease(this.#handle));
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
