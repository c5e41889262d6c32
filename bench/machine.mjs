import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';

/** The machine, and what Linux tells of a process there. */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    load_average: loadavg().map((load) => Math.round(load * 100) / 100),
  };
}

function numbersOf(path) {
  try {
    return readFileSync(path, 'utf8').trim().split(/\s+/).map(Number);
  } catch {
    return []; // Ended since it was listed.
  }
}

function entries(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process and all below it. */
export function processTree(pid) {
  const children = entries(`/proc/${pid}/task`).flatMap((task) =>
    numbersOf(`/proc/${pid}/task/${task}/children`).filter((child) => child > 0),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** CPU time of the processes so far, in µs: first field of schedstat, over all threads. */
export function cpuTimeUs(pids) {
  let ns = 0;
  for (const pid of pids) {
    for (const task of entries(`/proc/${pid}/task`)) {
      ns += numbersOf(`/proc/${pid}/task/${task}/schedstat`)[0] ?? 0;
    }
  }
  return ns / 1000;
}

/** Resident memory in MB (10^6 bytes), and how much of it is the process's own. */
export function memoryMb(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024) /
    1e6;
  return { rss: field('VmRSS'), anonymous: field('RssAnon') };
}

/** Adds `cpu_us`, the server's CPU time per request, to what `measure` gives. */
export async function withCpuTime(pid, measure) {
  const before = cpuTimeUs(processTree(pid));
  const result = await measure();
  const used = cpuTimeUs(processTree(pid)) - before;
  return { ...result, cpu_us: used / result.total };
}
