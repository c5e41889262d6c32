import { availableParallelism } from 'node:os';
import type { Config } from './config/config.ts';
import type { EngineSettings } from './plugin/engine/engine-settings.ts';

/** How the engines are to run. */
export function engineSettings(config: Config): EngineSettings {
  return {
    // On one core whoever spins keeps the other side from running.
    spinUs: availableParallelism() > 1 ? config.get('engine.spin_us') : 0,
    reservedCpus: config.get('cpu.reserved_cores'),
    lockMemory: config.get('memory.lock'),
    hugePages: config.get('memory.huge_pages'),
  };
}

/** How models are run that say nothing of it. */
export function modelDefaults(config: Config) {
  return {
    priority: config.get('inference.priority'),
    instances: config.get('inference.instances'),
    intra_op_threads: config.get('inference.intra_op_threads'),
    batching: config.get('inference.batching'),
    max_batch: config.get('inference.max_batch'),
    max_delay_us: config.get('inference.max_delay_us'),
    max_queue: config.get('inference.max_queue'),
    max_sequences: config.get('inference.max_sequences'),
    max_state_bytes: config.get('inference.max_state_bytes'),
    sequence_idle_ms: config.get('inference.sequence_idle_ms'),
  };
}
