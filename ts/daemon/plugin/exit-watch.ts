import { PidFd } from '../../native/pidfd.ts';

/**
 * Notices the death of a process through a pidfd, sooner than Node does and however it came about.
 * Returns what stops the watch. Without the native library, the socket's end and Node's own `exit`
 * are what is left.
 */
export function watchExit(pid: number | undefined, onExit: () => void): () => void {
  if (pid === undefined) return () => undefined;
  try {
    const pidfd = PidFd.open(pid);
    pidfd.onExit(onExit);
    return () => pidfd.close();
  } catch {
    return () => undefined;
  }
}
