import { isPriority, type Priority } from '../../../native/channel-layout.ts';
import type { Signature } from '../../../protocol/tensor.ts';
import { violation } from '../../../smi/contract.ts';
import type { EngineEntry, LoadAnswer } from '../../../smi/from-plugin.ts';
import type { HostModel } from '../host-jobs.ts';
import type { HostEngine } from './host-engine.ts';

/** A model as one process's engine has it. After a restart it is another one with the same id. */
export interface EngineModel {
  readonly engine: HostEngine;
  readonly modelId: string;
  readonly handle: number;
  readonly entry: EngineEntry;
  readonly signature: Signature;
  /** Class of the daemon's own requests: the model's. */
  readonly priority: Priority;
}

/** Null where the plugin runs the model itself. Throws where it has no engine to have put it into. */
export function engineModel(
  engine: HostEngine | null,
  model: HostModel,
  { engine: entry, signature }: LoadAnswer,
): EngineModel | null {
  if (entry === null) return null;
  if (engine === null) throw violation('load_model: an engine that hello did not promise');
  const asked = model.options?.['priority'] ?? model.engineOptions?.['priority'];
  const priority = isPriority(asked) ? asked : 'normal';
  return { engine, modelId: model.modelId, handle: entry.handle, entry, signature, priority };
}
