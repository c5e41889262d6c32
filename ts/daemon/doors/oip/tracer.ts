import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { oipName } from './models.ts';
import { TraceFiles } from './trace-file.ts';
import {
  changedTrace,
  type TraceChanges,
  type TraceSettings,
  type TraceSettingsWire,
  traceDefaults,
  traceSettingsWire,
} from './trace-settings.ts';

/** A tensor of a traced request, its elements as texts. */
export interface TracedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: () => string;
}

export interface TracedAnswer {
  readonly modelVersion: string;
  readonly requestId: string;
  readonly queueUs: number;
  readonly runUs: number;
  readonly inputs: readonly TracedTensor[];
  readonly outputs: readonly TracedTensor[];
}

/** Settings of everything ('') or of one model, and where its counting stands. */
class Scope {
  own: Partial<TraceSettings> = {};
  seen = 0;
  /** Traces in the present file, and how many files there were before it. */
  written = 0;
  files = 0;
}

/** Decides which requests are traced and writes what they took. Off, it costs one comparison a request. */
export class Tracer {
  readonly #logger: Logger;
  readonly #files: TraceFiles;
  readonly #global = new Scope();
  readonly #models = new Map<string, Scope>();
  #isOff = true;
  #nextId = 1;
  #leftOut = 0;

  constructor(folder: string, logger: Logger) {
    this.#logger = logger;
    this.#files = new TraceFiles(folder, (error) => this.#stop(error));
  }

  /** Of one model, or of all that have none of their own (empty name). */
  settings(model: string): TraceSettingsWire {
    return traceSettingsWire(this.#resolved(this.#models.get(model) ?? this.#global));
  }

  /** Errors: INVALID_ARGUMENT, and nothing is changed; TOO_MANY_REQUESTS. */
  update(model: string, changes: TraceChanges): TraceSettingsWire {
    const known = model === '' ? this.#global : this.#models.get(model);
    const own = changedTrace(known?.own ?? {}, changes);
    const scope = known ?? this.#newScope(model);
    scope.own = own;
    scope.seen = 0;
    const scopes = [this.#global, ...this.#models.values()];
    this.#isOff = scopes.every((one) => !isOn(this.#resolved(one)));
    return this.settings(model);
  }

  /** A trace of this request where it is its turn, else null. */
  begin(modelName: string): Trace | null {
    if (this.#isOff) return null;
    const model = modelName.includes('@') ? oipName(modelName) : modelName;
    const scope = this.#models.get(model) ?? this.#global;
    const settings = this.#resolved(scope);
    if (!isOn(settings) || settings.count === 0) return null;
    scope.seen += 1;
    if ((scope.seen - 1) % settings.rate !== 0) return null;
    if (settings.count !== null) this.#countDown(scope, settings.count);
    return new Trace(model, settings, (trace, answer) => this.#write(scope, trace, answer));
  }

  async close(): Promise<void> {
    await this.#files.close();
  }

  #resolved(scope: Scope): TraceSettings {
    return { ...traceDefaults, ...this.#global.own, ...scope.own };
  }

  #newScope(model: string): Scope {
    if (this.#models.size >= limits.tracedModels) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${limits.tracedModels} models have trace settings of their own, which is the limit.`,
      );
    }
    const scope = new Scope();
    this.#models.set(model, scope);
    return scope;
  }

  /** Where the count stands, also when it is the one for all. */
  #countDown(scope: Scope, count: number): void {
    const owner = scope.own.count === undefined ? this.#global : scope;
    owner.own = { ...owner.own, count: count - 1 };
  }

  #write(scope: Scope, trace: Trace, answer: TracedAnswer): void {
    const { file, logFrequency } = trace.settings;
    if (logFrequency > 0 && scope.written >= logFrequency) {
      scope.files += 1;
      scope.written = 0;
    }
    scope.written += 1;
    const name = logFrequency > 0 ? `${file}.${scope.files}` : file;
    const entries = traceEntries(this.#nextId, trace, answer);
    this.#nextId += 1;
    if (!this.#files.append(name, entries)) {
      this.#leftOut += 1;
      this.#logger.warn({ left_out: this.#leftOut }, 'a trace was left out: the disk is too slow');
    }
  }

  /** Whatever is asked for, a disk that takes no more gets no more. */
  #stop(error: unknown): void {
    this.#isOff = true;
    const off = { timestamps: false, tensors: false };
    for (const scope of [this.#global, ...this.#models.values()]) {
      scope.own = { ...scope.own, ...off };
    }
    this.#logger.error({ err: error }, 'tracing is switched off: a trace could not be written');
  }
}

function isOn({ timestamps, tensors }: TraceSettings): boolean {
  return timestamps || tensors;
}

/** One request that is traced. */
export class Trace {
  readonly model: string;
  readonly settings: TraceSettings;
  readonly startedNs = process.hrtime.bigint();
  readonly #write: (trace: Trace, answer: TracedAnswer) => void;

  constructor(
    model: string,
    settings: TraceSettings,
    write: (trace: Trace, answer: TracedAnswer) => void,
  ) {
    this.model = model;
    this.settings = settings;
    this.#write = write;
  }

  end(answer: TracedAnswer): void {
    this.#write(this, answer);
  }
}

/** The times in between are the durations that the engine measured, laid from the start on. */
function traceEntries(id: number, trace: Trace, answer: TracedAnswer): string[] {
  const entries: unknown[] = [
    {
      id,
      model_name: trace.model,
      model_version: Number(answer.modelVersion),
      request_id: answer.requestId,
    },
  ];
  if (trace.settings.timestamps) {
    const endNs = Number(process.hrtime.bigint());
    const startNs = Number(trace.startedNs);
    const runNs = Math.min(startNs + answer.queueUs * 1000, endNs);
    const ranNs = Math.min(runNs + answer.runUs * 1000, endNs);
    const timestamps = [
      { name: 'REQUEST_START', ns: startNs },
      { name: 'QUEUE_START', ns: startNs },
      { name: 'COMPUTE_START', ns: Math.round(runNs) },
      { name: 'COMPUTE_END', ns: Math.round(ranNs) },
      { name: 'REQUEST_END', ns: endNs },
    ];
    entries.push({ id, timestamps });
  }
  if (trace.settings.tensors) {
    const add = (activity: string, tensors: readonly TracedTensor[]) => {
      for (const { name, datatype, shape, data } of tensors) {
        const tensor = { name, data: data(), shape: shape.join(','), dtype: datatype };
        entries.push({ id, activity, tensor });
      }
    };
    add('TENSOR_QUEUE_INPUT', answer.inputs);
    add('TENSOR_BACKEND_OUTPUT', answer.outputs);
  }
  return entries.map((entry) => JSON.stringify(entry));
}
