import { MlosError } from '../../protocol/errors.ts';
import type { Priority } from '../../protocol/priority.ts';
import type { TaskName } from '../../protocol/tasks/task.ts';
import { encodeFrame } from '../../smi/frame-encoding.ts';
import { readTaskEvent, readTaskResult, type TaskResult } from '../../smi/from-plugin.ts';
import { monotonicUs } from '../../smi/infer-message.ts';
import type { Clock, Timer } from './clock.ts';
import type { HostLimits } from './host-limits.ts';
import { type AbortNotice, cancelled, deadlineExceeded } from './job.ts';
import type { PluginProcess } from './plugin-process.ts';

/** A request of a task, its inputs and parameters checked. */
export interface TaskRequest {
  readonly modelId: string;
  readonly task: TaskName;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
  readonly priority?: Priority;
  /** What it says before its answer. Undefined: nobody listens. */
  readonly onEvent?: (event: Readonly<Record<string, unknown>>) => void;
  readonly signal?: AbortNotice;
}

export interface TaskLineEvents {
  /** Why the model cannot be asked, or null. */
  obstacle(modelId: string): MlosError | null;
  /** The plugin answered in the terms of the contract. */
  answered(): void;
  /** Nothing is under way. */
  idle(): void;
  kill(reason: string): void;
}

interface Entry {
  readonly request: TaskRequest;
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly resolve: (result: TaskResult) => void;
  readonly reject: (error: MlosError) => void;
  /** The id of its run_task; null: it waits for a process. */
  call: number | null;
  settled: boolean;
  timer: Timer | null;
  unlisten: () => void;
}

/**
 * The tasks of one plugin, side by side: the plugin begins each when it comes, and what of them runs
 * tensors waits in the model's own queue. What the process had when it died is answered with its death.
 */
export class TaskLine {
  readonly #limits: HostLimits;
  readonly #clock: Clock;
  readonly #events: TaskLineEvents;
  readonly #entries = new Set<Entry>();
  readonly #drained: { readonly modelId: string; readonly resolve: () => void }[] = [];
  #process: PluginProcess | null = null;

  constructor(options: { limits: HostLimits; clock: Clock; events: TaskLineEvents }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#events = options.events;
  }

  get empty(): boolean {
    return this.#entries.size === 0;
  }

  run(request: TaskRequest): Promise<TaskResult> {
    const { tasksUnderWay } = this.#limits;
    if (this.#entries.size >= tasksUnderWay) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#entries.size} tasks are under way in this plugin already; the limit is ${tasksUnderWay}.`,
      );
    }
    return new Promise((resolve, reject) => {
      const acceptedAt = this.#clock.now();
      const deadlineAt = acceptedAt + request.timeoutMs;
      const entry: Entry = {
        ...{ request, acceptedAt, deadlineAt, resolve, reject },
        call: null,
        settled: false,
        timer: null,
        unlisten: () => undefined,
      };
      this.#entries.add(entry);
      entry.timer = this.#clock.after(request.timeoutMs, () => {
        const late = deadlineExceeded(acceptedAt, this.#clock.now(), entry.call !== null);
        this.#giveUp(entry, late);
      });
      const { signal } = request;
      if (signal !== undefined) {
        const onAbort = () => this.#giveUp(entry, cancelled());
        signal.addEventListener('abort', onAbort);
        entry.unlisten = () => signal.removeEventListener('abort', onAbort);
      }
      if (this.#process !== null) this.#send(entry, this.#process);
    });
  }

  /** A process is ready for work. */
  attach(process: PluginProcess): void {
    this.#process = process;
    for (const entry of [...this.#entries]) this.#send(entry, process);
  }

  /** The process is dead: what it had begun gets `error`. */
  detach(error: MlosError): void {
    this.#process = null;
    for (const entry of [...this.#entries]) if (entry.call !== null) this.#end(entry, error);
  }

  /** Nobody will serve what waits. */
  rejectWaiting(error: MlosError): void {
    for (const entry of [...this.#entries]) if (entry.call === null) this.#end(entry, error);
  }

  /** Resolves when nothing of the model is under way. */
  drained(modelId: string): Promise<void> {
    if (!this.#has(modelId)) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push({ modelId, resolve }));
  }

  #has(modelId: string): boolean {
    return [...this.#entries].some(({ request }) => request.modelId === modelId);
  }

  #send(entry: Entry, process: PluginProcess): void {
    const { request } = entry;
    const obstacle = this.#events.obstacle(request.modelId);
    if (obstacle !== null) {
      this.#end(entry, obstacle);
      return;
    }
    const leftUs = Math.round((entry.deadlineAt - this.#clock.now()) * 1000);
    const params = {
      model_id: request.modelId,
      task: request.task,
      inputs: request.inputs,
      parameters: request.parameters,
      ...(request.priority === undefined ? {} : { priority: request.priority }),
      stream: request.onEvent !== undefined,
      deadline_us: monotonicUs() + leftUs,
    };
    entry.call = process.link.call(
      (id) => encodeFrame([id, 'run_task', params]),
      (error, result) => this.#onAnswer(entry, error, result),
      undefined,
      (event) => {
        const read = readTaskEvent(event);
        if (!entry.settled) request.onEvent?.(read);
      },
    );
  }

  #onAnswer(entry: Entry, error: MlosError | null, result: unknown): void {
    // Garbage throws here, while it is still under way: it then fails with its process.
    const read = error === null ? readTaskResult(result) : null;
    this.#events.answered();
    if (read !== null && !entry.settled) {
      entry.settled = true;
      entry.resolve(read);
    }
    this.#end(entry, error ?? cancelled());
  }

  /** Its caller is answered; the plugin is told, and the task stays until it says that it is over. */
  #giveUp(entry: Entry, error: MlosError): void {
    if (entry.settled) return;
    const process = this.#process;
    if (entry.call === null || process === null) {
      this.#end(entry, error);
      return;
    }
    entry.settled = true;
    entry.reject(error);
    process.link.request('cancel_task', { call: entry.call }, () => undefined);
    const { stuckRunMs } = this.#limits;
    entry.timer?.cancel();
    entry.timer = this.#clock.after(stuckRunMs, () => {
      this.#events.kill(`was still busy ${stuckRunMs} ms after a task was cancelled`);
    });
  }

  #end(entry: Entry, error: MlosError): void {
    this.#entries.delete(entry);
    entry.timer?.cancel();
    entry.unlisten();
    if (!entry.settled) {
      entry.settled = true;
      entry.reject(error);
    }
    for (const waiter of [...this.#drained]) {
      if (this.#has(waiter.modelId)) continue;
      this.#drained.splice(this.#drained.indexOf(waiter), 1);
      waiter.resolve();
    }
    if (this.empty) this.#events.idle();
  }
}
