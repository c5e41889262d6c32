import { requireInteger } from './arguments.ts';
import { nativeBinding } from './binding.ts';
import type { CpuTarget, CpuTopology, Scheduling } from './cpu-types.ts';
import { translated } from './native-error.ts';

export type * from './cpu-types.ts';

const maxId = 0x7fff_ffff;
const thisProcess: CpuTarget = { process: 0 };

function readTarget(target: CpuTarget): [isThread: boolean, id: number] {
  const isThread = 'thread' in target;
  const id = isThread ? target.thread : target.process;
  requireInteger(id, isThread ? 'thread' : 'process', { min: 0, max: maxId });
  return [isThread, id];
}

/** The host's processors, caches and memory nodes. `root` is a folder to read instead of `/`. */
export function cpuTopology(options: { root?: string } = {}): CpuTopology {
  return translated(() => nativeBinding().cpuTopology(options.root ?? ''));
}

/** The logical processors that the process's main thread may use; 0 is this process. */
export function getProcessAffinity(pid = 0): readonly number[] {
  return getAffinity({ process: pid });
}

/**
 * Confines every thread of the process to `cpus`. The kernel leaves out, without a word, those
 * that are offline or outside the cpuset: read the affinity again to see what became of it.
 * @throws NativeError `EINVAL` when none is left.
 */
export function setProcessAffinity(cpus: readonly number[], pid = 0): void {
  setAffinity(cpus, { process: pid });
}

/** The logical processors that a thread may use; 0 is the calling thread. */
export function getThreadAffinity(threadId = 0): readonly number[] {
  return getAffinity({ thread: threadId });
}

/** As setProcessAffinity, for one thread. */
export function setThreadAffinity(cpus: readonly number[], threadId = 0): void {
  setAffinity(cpus, { thread: threadId });
}

function getAffinity(target: CpuTarget): readonly number[] {
  const [isThread, id] = readTarget(target);
  return translated(() => nativeBinding().affinityRead(isThread, id));
}

function setAffinity(cpus: readonly number[], target: CpuTarget): void {
  const [isThread, id] = readTarget(target);
  for (const cpu of cpus) requireInteger(cpu, 'cpus', { min: 0, max: 65_535 });
  translated(() => nativeBinding().affinityWrite(isThread, id, cpus));
}

/** Null when the policy is one without a name here (deadline, ext). */
export function getScheduling(target: CpuTarget = thisProcess): Scheduling | null {
  const [isThread, id] = readTarget(target);
  return translated(() => nativeBinding().schedulingRead(isThread, id));
}

/** @throws NativeError `EPERM` for `fifo` and `rr` without the right to use them. */
export function setScheduling(
  { policy, priority }: Scheduling,
  target: CpuTarget = thisProcess,
): void {
  const [isThread, id] = readTarget(target);
  requireInteger(priority, 'priority', { min: 0, max: 99 });
  translated(() => nativeBinding().schedulingWrite(isThread, id, policy, priority));
}

/** -20 (most favourable) to 19. */
export function getNice(target: CpuTarget = thisProcess): number {
  const [isThread, id] = readTarget(target);
  return translated(() => nativeBinding().niceRead(isThread, id));
}

/** @throws NativeError `EACCES` when the value goes down without the right to do that. */
export function setNice(nice: number, target: CpuTarget = thisProcess): void {
  const [isThread, id] = readTarget(target);
  requireInteger(nice, 'nice', { min: -20, max: 19 });
  translated(() => nativeBinding().niceWrite(isThread, id, nice));
}

/** The kernel's number of the calling thread, as in /proc/<pid>/task. */
export function currentThreadId(): number {
  return translated(() => nativeBinding().currentThreadId());
}
