import type { AttachedModel } from '../../../client/attached/attached-model.ts';
import type { InferInput } from '../../../client/tensor-wire.ts';
import type { EngineModelOptions } from '../../../native/engine.ts';
import { MlosError } from '../../../protocol/errors.ts';
import { type Priority, priorities } from '../../../protocol/priority.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import {
  joinRows,
  sameOutputs,
  splitRows,
  type TokenRows,
  takesRows,
  type Values,
} from './ragged-rows.ts';
import { type RunOptions, timeoutOf } from './run-options.ts';

/*
 * The engine joins requests whose tensors are alike. Texts hardly ever are: here those that wait are filled up to
 * one length and run together. Whether a model answers the same then is not assumed but tried, with the first
 * two texts of different lengths that come at the same time: one with int8 activations, for example, does not.
 */
export type Outputs = Readonly<Record<string, Values>>;

/** A call that waits for its run, or runs with others. */
class Waiting {
  readonly call: TokenRows;
  readonly options: RunOptions;
  readonly outputs: Promise<Outputs>;
  /** Called once its caller is gone. */
  onGone: (() => void) | null = null;
  #resolve: (outputs: Outputs) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(call: TokenRows, options: RunOptions) {
    this.call = call;
    this.options = options;
    this.outputs = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    options.signal.addEventListener('abort', this.#giveUp);
  }

  /** Ends with what `outputs` becomes. */
  end(outputs: Promise<Outputs>): Promise<void> {
    return outputs.then(this.#resolve, this.#reject).finally(() => {
      this.options.signal.removeEventListener('abort', this.#giveUp);
    });
  }

  readonly #giveUp = () => {
    this.#reject(new MlosError('CANCELLED', 'The request was cancelled by its caller.'));
    this.onGone?.();
  };
}

/** Rows, and tokens with those that fill up, of one run. */
const mostRows = 16;
const mostTokens = 4_096;
/** How much longer the longest may be than the shortest: what is filled up costs as much as what is read. */
const mostStretch = 1.25;

type Answer = 'unknown' | 'trying' | 'yes' | 'no';

/** The texts of one model that are read at the same time. */
export class RaggedBatches {
  readonly #model: AttachedModel;
  readonly #filler: bigint;
  readonly #atOnce: number;
  readonly #mostWaiting: number;
  readonly #priority: Priority;
  readonly #waiting: Waiting[] = [];
  #joins: Answer;
  #running = 0;
  /** One that runs alone while it is not known whether texts can be joined. */
  #other: { readonly call: TokenRows; readonly outputs: Promise<Outputs> } | null = null;

  /** `filler`: the token of the model's padding. */
  constructor(model: AttachedModel, engine: EngineModelOptions, filler: bigint) {
    this.#model = model;
    this.#filler = filler;
    // One more is prepared while these run.
    this.#atOnce = engine.instances + 1;
    this.#mostWaiting = engine.maxQueue;
    this.#priority = engine.priority;
    this.#joins = engine.batching !== 'off' && takesRows(model.signature) ? 'unknown' : 'no';
  }

  /** Whether to ask `run` at all. */
  get mayJoin(): boolean {
    return this.#joins !== 'no';
  }

  /** The model's outputs for some rows. Errors: TOO_MANY_REQUESTS, CANCELLED, those of a run. */
  run(call: TokenRows, options: RunOptions): Promise<Outputs> {
    if (this.#joins !== 'yes') return this.#runAndTry(call, options);
    if (this.#waiting.length >= this.#mostWaiting) {
      const { modelId } = this.#model;
      const message = `${modelId}: ${this.#waiting.length} requests wait already, as many as may.`;
      return Promise.reject(new MlosError('TOO_MANY_REQUESTS', message));
    }
    const waiting = new Waiting(call, options);
    waiting.onGone = () => {
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
    this.#waiting.push(waiting);
    this.#goOn();
    return waiting.outputs;
  }

  async #runAndTry(call: TokenRows, options: RunOptions): Promise<Outputs> {
    const outputs = this.#alone(call, options);
    const other = this.#other;
    if (this.#joins !== 'unknown') return outputs;
    if (other === null) {
      const mine = { call, outputs };
      this.#other = mine;
      const forget = () => {
        if (this.#other === mine) this.#other = null;
      };
      outputs.then(forget, forget);
    } else if (other.call.tokens !== call.tokens) {
      this.#joins = 'trying';
      this.#try([other.call, call], [other.outputs, outputs]).then(
        (is) => {
          this.#joins = is ? 'yes' : 'no';
        },
        // A run that failed or was given up says nothing; the next two will.
        () => {
          this.#joins = 'unknown';
        },
      );
    }
    return outputs;
  }

  async #try(calls: readonly TokenRows[], alone: readonly Promise<Outputs>[]): Promise<boolean> {
    const never = new AbortController().signal;
    const [together, ...each] = await Promise.all([
      this.#together(calls, { signal: never, deadlineUs: null, priority: null }),
      ...alone,
    ]);
    return each.every((outputs, at) => sameOutputs(outputs, together[at] ?? {}));
  }

  async #alone(call: TokenRows, options: RunOptions): Promise<Outputs> {
    return (await this.#together([call], options))[0] as Outputs;
  }

  async #together(calls: readonly TokenRows[], options: RunOptions): Promise<Outputs[]> {
    const { signal, priority } = options;
    const inputs: Record<string, InferInput> = joinRows(calls, this.#filler);
    const { outputs } = await this.#model.infer(inputs, {
      ...{ signal, ...timeoutOf(options) },
      ...(priority === null ? {} : { priority }),
    });
    return splitRows(outputs as Readonly<Record<string, Tensor>>, calls, this.#model.signature);
  }

  #classOf({ priority }: RunOptions): Priority {
    return priority ?? this.#priority;
  }

  #goOn(): void {
    while (this.#running < this.#atOnce && this.#waiting.length > 0) {
      this.#running += 1;
      const batch = this.#take();
      this.#runBatch(batch).finally(() => {
        this.#running -= 1;
        this.#goOn();
      });
    }
  }

  /** The most urgent one that came first, and those of its class that are most like it in length. */
  #take(): Waiting[] {
    const rank = ({ options }: Waiting) => priorities.indexOf(this.#classOf(options));
    const first = this.#waiting.reduce((best, one) => (rank(one) < rank(best) ? one : best));
    const distance = ({ call }: Waiting) => Math.abs(call.tokens - first.call.tokens);
    const alike = this.#waiting
      .filter((one) => rank(one) === rank(first))
      .sort((one, other) => distance(one) - distance(other));
    const batch: Waiting[] = [];
    for (const one of alike) {
      if (!fits([...batch, one])) break;
      batch.push(one);
    }
    if (batch.length === 0) batch.push(first);
    for (const one of batch) this.#waiting.splice(this.#waiting.indexOf(one), 1);
    return batch;
  }

  async #runBatch(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    if (batch.length === 1) {
      await first.end(this.#alone(first.call, first.options));
      return;
    }
    const gone = new AbortController();
    let left = batch.length;
    for (const one of batch) {
      one.onGone = () => {
        left -= 1;
        if (left === 0) gone.abort();
      };
    }
    // Whose deadline passes is told so by the one who set it.
    const options = { signal: gone.signal, deadlineUs: null, priority: first.options.priority };
    const calls = batch.map(({ call }) => call);
    try {
      const outputs = await this.#together(calls, options);
      for (const [at, one] of batch.entries()) one.end(Promise.resolve(outputs[at] as Outputs));
    } catch {
      // Whose fault it was shows when each runs alone.
      await Promise.all(batch.map((one) => one.end(this.#alone(one.call, one.options))));
    }
  }
}

function fits(batch: readonly Waiting[]): boolean {
  const lengths = batch.map(({ call }) => call.tokens);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const rows = batch.reduce((sum, { call }) => sum + call.rows, 0);
  return rows <= mostRows && rows * longest <= mostTokens && longest <= shortest * mostStretch + 1;
}
