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

/** Memory of the host in bytes, from /proc/meminfo. */
export function hostMemory(): { readonly total_bytes: number; readonly available_bytes: number } {
  const text = readFileSync('/proc/meminfo', 'latin1');
  const read = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { total_bytes: read('MemTotal'), available_bytes: read('MemAvailable') };
}
