import { setParentDeathSignal } from '../native/pidfd.ts';

/**
 * Asks the kernel to end this process when its daemon dies, which also works while a model runs and
 * the event loop stands still. Without the native library the socket's end does it, a little later.
 */
export function dieWithParent(): void {
  try {
    setParentDeathSignal('SIGKILL');
  } catch {
    // Not built here.
  }
}
