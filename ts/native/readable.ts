import { AsyncResource } from 'node:async_hooks';
import { requireFd } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import { translated } from './native-error.ts';

export interface WatchOptions {
  /** Keep the process running while the watch waits. Default false. */
  readonly keepAlive?: boolean;
}

/** A callback that waits for something to happen once. */
export interface Watch {
  /** After this the callback is not called. Cancelling twice, or too late, is fine. */
  cancel(): void;
}

/**
 * Calls `callback` once, when `fd` has something to read: an eventfd's count, a socket's bytes or
 * its peer's close. The descriptor may be closed meanwhile; the watch keeps its own duplicate.
 */
export function onReadable(fd: number, callback: () => void, options: WatchOptions = {}): Watch {
  requireFd(fd, 'fd');
  return startWatch(callback, (deferred) =>
    nativeBinding().watchReadable(fd, deferred, options.keepAlive ?? false),
  );
}

/** Starts a native watch whose callback runs in the caller's async context. */
export function startWatch(callback: () => void, start: (deferred: () => void) => number): Watch {
  let cancelled = false;
  const bound = AsyncResource.bind(callback);
  // What a native callback throws, Node drops with a warning; in a microtask it is an uncaught
  // exception like any other.
  const deferred = () =>
    queueMicrotask(() => {
      if (!cancelled) bound();
    });
  const id = translated(() => start(deferred));
  return {
    cancel() {
      if (cancelled) return;
      cancelled = true;
      translated(() => nativeBinding().watchCancel(id));
    },
  };
}
