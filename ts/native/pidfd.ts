import { constants } from 'node:os';
import { requireInteger } from './arguments.ts';
import { nativeBinding, type PidFdHandle } from './binding.ts';
import { NativeError, translated } from './native-error.ts';
import { startWatch, type Watch, type WatchOptions } from './readable.ts';

const maxPid = 0x7fff_ffff;

/** A signal's number; 0 stays 0. */
function signalNumber(signal: NodeJS.Signals | 0): number {
  if (signal === 0) return 0;
  const number = constants.signals[signal];
  if (number === undefined) {
    throw new NativeError('INVALID_ARGUMENT', `${String(signal)} is not a signal`);
  }
  return number;
}

/**
 * A process held by descriptor: unlike its pid, it is never another process, and it tells at once
 * when the process has ended, reaped or not.
 */
export class PidFd {
  readonly pid: number;
  readonly #handle: PidFdHandle;
  readonly #watches = new Set<Watch>();
  #closed = false;

  private constructor(pid: number, handle: PidFdHandle) {
    this.pid = pid;
    this.#handle = handle;
  }

  /**
   * Opens a running or unreaped process. The pid must be one that cannot have been reused: of a
   * child, or of the peer of a socket that is still open.
   * @throws NativeError `ESRCH` when there is no such process.
   */
  static open(pid: number): PidFd {
    requireInteger(pid, 'pid', { min: 1, max: maxPid });
    return translated(() => new PidFd(pid, nativeBinding().pidfdOpen(pid)));
  }

  /** Sends a signal; 0 only asks whether one could be sent. `ESRCH` once it has been reaped. */
  signal(signal: NodeJS.Signals | 0): void {
    this.#requireOpen();
    const number = signalNumber(signal);
    translated(() => nativeBinding().pidfdSignal(this.#handle, number));
  }

  /** Whether the process has ended. */
  get exited(): boolean {
    this.#requireOpen();
    return translated(() => nativeBinding().pidfdHasExited(this.#handle));
  }

  /** Calls back once, when the process has ended; soon, if it already has. */
  onExit(callback: () => void, options: WatchOptions = {}): Watch {
    this.#requireOpen();
    const watch = startWatch(
      () => {
        this.#watches.delete(watch);
        callback();
      },
      (deferred) => nativeBinding().watchPidFd(this.#handle, deferred, options.keepAlive ?? false),
    );
    this.#watches.add(watch);
    return watch;
  }

  /** Forgets the process and every callback. Closing twice is fine. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const watch of this.#watches) watch.cancel();
    this.#watches.clear();
    translated(() => nativeBinding().pidfdClose(this.#handle));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new NativeError('HANDLE_CLOSED', 'the process handle is closed');
  }
}

/**
 * Has the kernel send `signal` to this process when its parent dies; 0 takes that back. Give the
 * pid of the parent (passed on by it, in an argument): a parent that died before this call is then
 * always noticed. The kernel watches the parent's thread that started this process.
 * @throws NativeError `PARENT_DIED` when the parent is already another.
 */
export function setParentDeathSignal(
  signal: NodeJS.Signals | 0,
  options: { parentPid?: number } = {},
): void {
  const { parentPid } = options;
  if (parentPid !== undefined) requireInteger(parentPid, 'parentPid', { min: 1, max: maxPid });
  const number = signalNumber(signal);
  translated(() => nativeBinding().parentDeathSignal(number, parentPid ?? null));
}
