import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../protocol/make-folder.ts';
import { AxonError, errnoOf } from '../axon-error.ts';

/*
 * One axon at a time per model. The lock is a file made with O_EXCL; it names its owner and is touched
 * while it is held.
 * 1. An owner of this pid namespace that is gone (or whose pid now belongs to another start time)
 *    leaves a lock that may be taken over at once.
 * 2. An owner of another namespace (a container on the same volume) is judged by the time of the last
 *    touch alone.
 * 3. Taking over is itself guarded by an O_EXCL file, so that two waiters cannot both remove: the
 *    second would remove the first one's fresh lock.
 */
const touchMs = 5_000;
const foreignStaleMs = 60_000;
const takeoverStaleMs = 10_000;
const pollMs = 200;

interface Owner {
  readonly token: string;
  readonly pid: number;
  readonly start: string;
  readonly namespace: string;
}

function processStart(pid: number): string | null {
  try {
    // Field 22 of /proc/<pid>/stat, counted after the command, which may hold spaces and brackets.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

function pidNamespace(): string {
  try {
    return `${fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fs.readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return 'unknown';
  }
}

function tryCreate(file: string, text: string): boolean {
  try {
    fs.writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw AxonError.from(error);
  }
}

function ageMs(file: string): number | null {
  try {
    return Date.now() - fs.statSync(file).mtimeMs;
  } catch {
    return null;
  }
}

function readOwner(file: string): Owner | null {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Owner;
  } catch {
    return null;
  }
}

/** Whether the lock's owner is certainly gone. A file that is just being written counts as alive. */
export function isStale(file: string): boolean {
  const age = ageMs(file);
  if (age === null) return false;
  const owner = readOwner(file);
  if (owner === null || owner.namespace !== pidNamespace()) return age > foreignStaleMs; // Rule 2
  return processStart(owner.pid) !== owner.start; // Rule 1
}

function removeStale(file: string): void {
  const guard = `${file}.takeover`;
  if (!tryCreate(guard, '')) {
    if ((ageMs(guard) ?? 0) > takeoverStaleMs) fs.rmSync(guard, { force: true });
    return;
  }
  try {
    if (isStale(file)) fs.rmSync(file, { force: true }); // Rule 3: judged again under the guard
  } finally {
    fs.rmSync(guard, { force: true });
  }
}

export interface Lock {
  /** Throws when the lock has been taken away, such as after a long suspension. */
  assertHeld(): void;
  release(): void;
}

export interface LockOptions {
  readonly waitMs: number;
  readonly onWait: () => void;
  readonly signal: AbortSignal;
}

export async function acquireLock(file: string, options: LockOptions): Promise<Lock> {
  makeFolder(path.dirname(file));
  const owner: Owner = {
    token: randomUUID(),
    pid: process.pid,
    start: processStart(process.pid) ?? '',
    namespace: pidNamespace(),
  };
  const until = Date.now() + options.waitMs;
  let told = false;
  while (!tryCreate(file, JSON.stringify(owner))) {
    if (isStale(file)) {
      removeStale(file);
      continue;
    }
    if (Date.now() > until) throw busy(file);
    if (!told) options.onWait();
    told = true;
    await sleep(pollMs, undefined, { signal: options.signal });
  }
  const held = () => readOwner(file)?.token === owner.token;
  const timer = setInterval(() => {
    const now = new Date();
    if (held()) fs.utimes(file, now, now, () => undefined);
  }, touchMs);
  timer.unref();
  return {
    assertHeld() {
      if (!held()) throw busy(file);
    },
    release() {
      clearInterval(timer);
      if (held()) fs.rmSync(file, { force: true });
    },
  };
}

function busy(file: string): AxonError {
  return new AxonError(
    'BUSY',
    `Another axon (pid ${readOwner(file)?.pid ?? 'unknown'}) works on this model. Wait for it, then try again.`,
  );
}
