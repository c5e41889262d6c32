import type { Engine } from '../native/engine.ts';
import type { EngineSettingsWire } from './contract.ts';

/** The engine of this process. Its binding is loaded only where a plugin wants it. */
export async function startEngine(settings: EngineSettingsWire): Promise<Engine> {
  const { Engine } = await import('../native/engine.ts');
  return Engine.start(settings.control_fd, {
    spinUs: settings.spin_us,
    reservedCpus: settings.reserved_cpus,
    lockMemory: settings.lock_memory,
  });
}
