import { cpuTopology } from '../../native/cpu.ts';
import type { Result } from '../../protocol/method-table.ts';
import { hostMemory } from './process-facts.ts';

/**
 * CPUs, memory and GPUs of this host. GPUs are probed in a child process: a bad driver kills the
 * probe, not the daemon.
 */
export async function readDevices(): Promise<Result<'devices.list'>> {
  const { probeGpus } = await import('../../native/gpu.ts');
  return { cpu: cpuTopology(), gpus: await probeGpus(), memory: hostMemory() };
}

/** Numbers of the logical CPUs that are online, ascending. */
export function onlineCpus(): readonly number[] {
  return cpuTopology().online;
}
