import { MlosError } from '../protocol/errors.ts';
import { priorities } from '../protocol/priority.ts';
import { isTaskName } from '../protocol/tasks/task.ts';
import { encodeFrame } from './frame-encoding.ts';
import { monotonicUs } from './infer-message.ts';
import { errorFrame } from './plugin-calls.ts';
import type { Facts, PluginDefinition, PluginTaskRequest } from './plugin-definition.ts';

type Send = (pieces: readonly Uint8Array[]) => void;

/** The tasks under way in one plugin: they run side by side, and can be cancelled. */
export class TaskCalls {
  readonly #definition: PluginDefinition;
  readonly #send: Send;
  readonly #onIdle: () => void;
  readonly #running = new Map<number, AbortController>();

  constructor(definition: PluginDefinition, send: Send, onIdle: () => void) {
    this.#definition = definition;
    this.#send = send;
    this.#onIdle = onIdle;
  }

  get idle(): boolean {
    return this.#running.size === 0;
  }

  take(id: number, method: 'run_task' | 'cancel_task', params: unknown): void {
    const facts = (params ?? {}) as Facts;
    if (method === 'run_task') {
      void this.#run(id, facts);
      return;
    }
    // One that is over is nothing to cancel: its answer is on its way.
    this.#running.get(facts['call'] as number)?.abort();
    this.#send(encodeFrame([id, null, {}]));
  }

  async #run(id: number, params: Facts): Promise<void> {
    const controller = new AbortController();
    this.#running.set(id, controller);
    const begun = monotonicUs();
    try {
      const run = this.#definition.runTask?.bind(this.#definition);
      if (run === undefined) throw new MlosError('UNIMPLEMENTED', 'This plugin knows no tasks.');
      const emit =
        params['stream'] === true
          ? (event: Facts) => {
              if (this.#running.has(id)) this.#send(encodeFrame([id, 'event', event]));
            }
          : () => undefined;
      const result = await run(requestOf(params, emit, controller.signal));
      const time = monotonicUs() - begun;
      this.#send(encodeFrame([id, null, { result, inference_time_us: time }]));
    } catch (error) {
      this.#send(errorFrame(id, 'run_task', controller.signal.aborted ? cancelled() : error));
    } finally {
      this.#running.delete(id);
      if (this.idle) this.#onIdle();
    }
  }
}

function cancelled(): MlosError {
  return new MlosError('CANCELLED', 'The request was cancelled by its caller.');
}

function requestOf(
  params: Facts,
  emit: (event: Facts) => void,
  signal: AbortSignal,
): PluginTaskRequest {
  const { model_id: modelId, task, inputs, parameters, deadline_us: deadlineUs } = params;
  const priority = priorities.find((one) => one === params['priority']) ?? null;
  if (typeof modelId !== 'string' || !isTaskName(task)) {
    throw new MlosError('INVALID_ARGUMENT', 'run_task: model_id or task is not what it must be.');
  }
  return {
    modelId,
    task,
    inputs: (inputs ?? {}) as Facts,
    parameters: (parameters ?? {}) as Facts,
    emit,
    signal,
    deadlineUs: typeof deadlineUs === 'number' ? deadlineUs : null,
    priority,
  };
}
