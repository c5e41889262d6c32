import type { Result } from '../../protocol/method-table.ts';
import { hostMemory } from './process-facts.ts';

/**
 * CPUs, memory and GPUs of this host. GPUs are probed in a child process: a bad driver kills the
 * probe, not the daemon. The native addon is loaded here only, at the first question.
 */
export async function readDevices(): Promise<Result<'devices.list'>> {
  const [{ cpuTopology }, { probeGpus }] = await Promise.all([
    import('../../native/cpu.ts'),
    import('../../native/gpu.ts'),
  ]);
  return { cpu: cpuTopology(), gpus: await probeGpus(), memory: hostMemory() };
}
