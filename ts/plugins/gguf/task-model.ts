import type { PluginTaskRequest, TaskEntry, TaskName } from '../../smi/serve.ts';

type Facts = Readonly<Record<string, unknown>>;

/** A loaded GGUF model: it does one task. */
export interface TaskModel {
  readonly task: TaskName;
  readonly entry: TaskEntry;
  run(request: PluginTaskRequest): Promise<Facts | readonly Facts[]>;
  close(): Promise<void>;
}
