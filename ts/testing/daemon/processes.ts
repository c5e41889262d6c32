import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/*
 * What the kernel says of processes, read from /proc: counts that a test compares before and after.
 */
function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** True while the process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = read(`/proc/${pid}/stat`)?.replace(/^.*\) /s, '')[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/**
 * Running processes that have `text` in their environment. A daemon and all that it starts get a
 * TMPDIR of their own, so this finds what a daemon left behind, whoever its parent is by then.
 */
export function processesWithEnvironment(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(`/proc/${pid}/environ`)?.includes(text) === true && isAlive(pid));
}

/** The command line of a process, for people. */
export function commandOf(pid: number): string {
  return `${pid} ${read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim() ?? 'gone'}`;
}

/** What each open descriptor of a process is, in order. */
export function openDescriptorsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
}

export function residentBytesOf(pid: number): number {
  const pages = Number(read(`/proc/${pid}/statm`)?.split(' ')[1] ?? 0);
  return pages * 4_096;
}

/** Waits until `isSo`; false where it is not so within `withinMs`. */
export async function becomes(
  isSo: () => boolean | Promise<boolean>,
  withinMs: number,
): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (!(await isSo())) {
    if (performance.now() > end) return false;
    await delay(10);
  }
  return true;
}
