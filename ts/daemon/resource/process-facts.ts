import { readdirSync, readFileSync } from 'node:fs';

/** Open descriptors of this process, from /proc. */
export function openDescriptors(): number {
  // The listing holds one descriptor open for itself.
  return readdirSync('/proc/self/fd').length - 1;
}

/** Resident bytes of another process, or null where it is gone. Page size: statm counts pages. */
export function residentBytes(pid: number): number | null {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  } catch {
    return null;
  }
}

/** The kernel's unit of CPU time in /proc: sysconf(_SC_CLK_TCK), which is 100 on every Linux. */
const ticksPerSecond = 100;

/**
 * CPU time, user and system, that another process (or one thread of it) has used, in seconds; null
 * where it is gone.
 */
export function cpuSeconds(pid: number, threadId?: number): number | null {
  const folder = threadId === undefined ? `/proc/${pid}` : `/proc/${pid}/task/${threadId}`;
  try {
    // The second field is a name in parentheses that may hold anything; the third follows the last one.
    const text = readFileSync(`${folder}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return null;
  }
}

/** Memory of the host in bytes, from /proc/meminfo. */
export function hostMemory(): { readonly total_bytes: number; readonly available_bytes: number } {
  const text = readFileSync('/proc/meminfo', 'latin1');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total_bytes: read('MemTotal'), available_bytes: read('MemAvailable') };
}
