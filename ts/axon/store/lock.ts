import { createHash, randomBytes, randomInt } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../../protocol/make-folder.ts';
import { AxonError, errnoOf } from '../axon-error.ts';

/*
 * One axon at a time per name, without the native addon and on file systems of several hosts. Whoever
 * wants the lock makes a ticket, an empty file whose name says who made it:
 *   <name>.<pid>.<start time>.<pid namespace>.<random>.lock
 * 1. First a look: somebody else's live ticket means to wait, without a ticket of one's own.
 * 2. Then one's own ticket, then a second look. Of two that made theirs at once at least one sees the
 *    other; who sees another takes the own ticket back and tries again after a random pause.
 * 3. A ticket of this pid namespace is dead when its process is gone, or its pid belongs to another.
 * 4. Another namespace (a container, another host on the same volume) cannot be asked. Owners touch
 *    their tickets; one that stood still while it was watched for a minute is dead. What is watched is
 *    change, not age: clocks of two hosts may differ.
 * 5. Dead tickets are removed by whoever sees them. Names never come back, so this takes nothing from
 *    anybody else: there is no moment at which a fresh lock could be mistaken for the dead one.
 */
const touchMs = 5_000;
const watchMs = 60_000;
const pollMs = 200;

interface Ticket {
  readonly file: string;
  readonly pid: number;
  readonly start: string;
  readonly space: string;
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

/** Names the pid namespace on this boot of this host; without /proc nobody else is of ours. */
function pidSpace(): string {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const name = `${boot} ${fs.readlinkSync('/proc/self/ns/pid')}`;
    return createHash('sha256').update(name).digest('hex').slice(0, 16);
  } catch {
    return `none-${randomBytes(8).toString('hex')}`;
  }
}

const ownSpace = pidSpace();
const pattern = /^(.+)\.(\d{1,10})\.(\d{1,20})\.([\w-]{1,40})\.[0-9a-f]{16}\.lock$/;

function ticketsOf(name: string): Ticket[] {
  const dir = path.dirname(name);
  let entries: string[];
  try {
    entries = fs.readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw AxonError.from(error);
  }
  return entries.flatMap((entry) => {
    const [, of, pid, start = '', space = ''] = pattern.exec(entry) ?? [];
    if (of !== path.basename(name)) return [];
    return [{ file: path.join(dir, entry), pid: Number(pid), start, space }];
  });
}

/** Remembers how the tickets of elsewhere looked, to see whether they still move (rule 4). */
class Watch {
  readonly #seen = new Map<string, { readonly mtime: number; readonly since: number }>();

  isDead({ file, pid, start, space }: Ticket): boolean {
    if (space === ownSpace) return processStart(pid) !== start; // Rule 3
    const mtime = fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (mtime === undefined) return true;
    const now = performance.now();
    const seen = this.#seen.get(file);
    if (seen?.mtime === mtime) return now - seen.since > watchMs;
    this.#seen.set(file, { mtime, since: now });
    return false;
  }
}

/** Tickets of the living; the others are cleared away. */
function living(name: string, isDead: (ticket: Ticket) => boolean): Ticket[] {
  return ticketsOf(name).filter((ticket) => {
    if (!isDead(ticket)) return true;
    fs.rmSync(ticket.file, { force: true }); // Rule 5
    return false;
  });
}

export interface Lock {
  /** Throws when the lock has been taken away, such as after a long suspension elsewhere. */
  assertHeld(): void;
  release(): void;
}

export interface LockOptions {
  readonly waitMs: number;
  readonly onWait: () => void;
  readonly signal: AbortSignal;
  /** What it is that one axon at a time works on, for the message; a model where nothing is said. */
  readonly about?: string;
}

/** `name` is a path; tickets lie beside each other in its folder. */
export async function acquireLock(name: string, options: LockOptions): Promise<Lock> {
  const { waitMs, onWait, signal, about = 'this model' } = options;
  makeFolder(path.dirname(name));
  const watch = new Watch();
  const until = performance.now() + waitMs;
  const isDead = (ticket: Ticket) => watch.isDead(ticket);
  for (let told = false; ; ) {
    signal.throwIfAborted();
    const [other] = living(name, isDead); // Rule 1
    if (other === undefined) {
      const file = makeTicket(name);
      if (living(name, isDead).every((ticket) => ticket.file === file)) return hold(file);
      fs.rmSync(file, { force: true }); // Rule 2
      await sleep(randomInt(5, pollMs), undefined, { signal });
      continue;
    }
    if (performance.now() >= until) throw busy(other.pid, about);
    if (!told) onWait();
    told = true;
    await sleep(pollMs, undefined, { signal });
  }
}

/** The lock if it is free; null while somebody holds it. */
export async function tryLock(name: string, signal: AbortSignal): Promise<Lock | null> {
  try {
    return await acquireLock(name, { waitMs: 0, onWait: () => undefined, signal });
  } catch (error) {
    if (error instanceof AxonError && error.code === 'BUSY') return null;
    throw error;
  }
}

function makeTicket(name: string): string {
  const start = processStart(process.pid) ?? '0';
  const random = randomBytes(8).toString('hex');
  const file = `${name}.${process.pid}.${start}.${ownSpace}.${random}.lock`;
  try {
    fs.writeFileSync(file, '', { flag: 'wx' });
  } catch (error) {
    throw AxonError.from(error);
  }
  return file;
}

function hold(file: string): Lock {
  const timer = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now, () => undefined); // A ticket that is gone is found by assertHeld.
  }, touchMs);
  timer.unref();
  return {
    assertHeld() {
      if (!fs.existsSync(file)) throw busy(null, '');
    },
    release() {
      clearInterval(timer);
      fs.rmSync(file, { force: true });
    },
  };
}

function busy(pid: number | null, about: string): AxonError {
  return new AxonError(
    'BUSY',
    pid === null
      ? 'Another axon took over while this one stood still. Try again.'
      : `Another axon (pid ${pid}) works on ${about}. Wait for it, then try again.`,
  );
}
