import { setTimeout as delay } from 'node:timers/promises';
import { type AttachedModel, type Client, connect } from '../../client/client.ts';
import type { InferInput } from '../../client/tensor-wire.ts';
import { MlosError } from '../../protocol/errors.ts';
import { HttpCaller } from '../daemon/http-call.ts';
import { tableRows } from './models.ts';
import { factsOf, report } from './program.ts';
import { randomFrom } from './random.ts';

/*
 * An honest client that asks without end and checks every element of every answer. Ends, with its
 * last report, when it is told so.
 */
export interface SteadyFacts {
  readonly way: 'attached' | 'socket' | 'http';
  readonly socketPath: string;
  readonly httpPort: number;
  /** Ids by what the model does (models.ts); those that are left out are not asked. */
  readonly models: Readonly<Partial<Record<'scale' | 'rows' | 'gather' | 'text' | 'slow', string>>>;
  readonly seed: number;
  readonly maxElements: number;
  /** Between two requests. */
  readonly pauseMs: number;
}

export interface SteadyReport {
  readonly answered: number;
  /** Of answers that were wrong: what was, of the first few. */
  readonly wrong: readonly string[];
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  /** When the latest right answer came, on CLOCK_MONOTONIC. */
  readonly lastAnswerNs: number;
  readonly isLast: boolean;
}

type Kind = keyof SteadyFacts['models'];
type Values = Float32Array | BigInt64Array | readonly string[];
interface Question {
  readonly kind: Kind;
  /** Beside `x`. */
  readonly more: Readonly<Record<string, InferInput>>;
  readonly shape: readonly number[];
  readonly x: Values;
  readonly y: readonly (number | string)[];
}

const facts = factsOf<SteadyFacts>();
const random = randomFrom(facts.seed);
const nowNs = () => Number(process.hrtime.bigint());
const state = {
  answered: 0,
  wrong: [] as string[],
  errors: {} as Record<string, number>,
  lastAnswerNs: 0,
  isLast: false,
};
let isOver = false;

const below = (limit: number) => Math.floor(random() * limit);

/** The hostile client of the tests looks for values from here on in what it is answered. */
const honestFrom = 1_000_000;

function question(kind: Kind): Question {
  const n = kind === 'rows' ? 64 * (1 + below(4)) : 1 + below(facts.maxElements);
  const shape = kind === 'rows' ? [n / 64, 64] : kind === 'slow' ? [] : [n];
  const more = {};
  if (kind === 'gather') {
    const x = BigInt64Array.from({ length: n }, () => BigInt(below(tableRows)));
    return { kind, more, shape, x, y: Array.from(x, (i) => 100 + Number(i)) };
  }
  if (kind === 'text') {
    const x = Array.from({ length: 1 + (n % 50) }, (_, i) => `${'ü'.repeat(below(9))}${i}-${n}`);
    return { kind, more, shape: [x.length], x, y: x };
  }
  if (kind === 'slow') {
    const x = Float32Array.of(n);
    return { kind, more: { turns: 3 }, shape, x, y: [n] };
  }
  const x = Float32Array.from({ length: n }, () => honestFrom + below(100_000));
  return { kind, more, shape, x, y: Array.from(x, (value) => 2 * value + 1) };
}

function check({ kind, y, shape }: Question, values: ArrayLike<number | bigint | string>): void {
  state.answered += 1;
  state.lastAnswerNs = nowNs();
  const at = y.findIndex((value, i) => value !== values[i]);
  if (at < 0 && values.length === y.length) return;
  const what = `${kind} ${shape.join('x')}: [${at}] is ${values[at]} for ${y[at]} of ${values.length}`;
  if (state.wrong.length < 20) state.wrong.push(what);
}

/** A copy, because a view is of shared memory that is released. */
function elements(values: unknown): (number | bigint | string)[] {
  return Array.from(values as ArrayLike<number | bigint | string>);
}

type Ask = (question: Question) => Promise<ArrayLike<number | bigint | string>>;

async function attachedAsk(client: Client): Promise<Ask> {
  const models = new Map<Kind, AttachedModel>();
  for (const [kind, id] of Object.entries(facts.models)) {
    models.set(kind as Kind, await client.attach(id));
  }
  return async ({ kind, more, shape, x }) => {
    const model = models.get(kind) as AttachedModel;
    if (kind === 'text' || kind === 'slow' || random() < 0.5) {
      const { outputs } = await model.infer({ ...more, x: { shape, data: x } });
      return elements(kind === 'text' ? outputs['y']?.data : outputs['y']?.values);
    }
    const request = await model.request({ x: shape });
    try {
      request.inputs['x']?.set(x as never);
      const result = await request.infer();
      const values = elements(result.outputs['y']?.values);
      result.release();
      return values;
    } finally {
      request.close();
    }
  };
}

function socketAsk(client: Client): Ask {
  return async ({ kind, more, shape, x }) => {
    const inputs = { ...more, x: { shape, data: x } };
    const { outputs } = await client.infer(facts.models[kind] as string, inputs);
    return elements(kind === 'text' ? outputs['y']?.data : outputs['y']?.values);
  };
}

function httpAsk(caller: HttpCaller): Ask {
  return async ({ kind, more, shape, x }) => {
    const data = Array.from(x as ArrayLike<number | bigint | string>, (value) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    const path = `/models/${encodeURIComponent(facts.models[kind] as string)}/inference`;
    const { status, body } = await caller.post(path, { inputs: { ...more, x: { shape, data } } });
    if (status !== 200) throw new MlosError(body.code, body.message);
    return body.outputs.y.flat();
  };
}

async function work(ask: Ask): Promise<void> {
  const kinds = Object.keys(facts.models) as Kind[];
  while (!isOver) {
    const next = question(kinds[below(kinds.length)] as Kind);
    try {
      check(next, await ask(next));
    } catch (error) {
      const code = error instanceof MlosError ? error.code : String(error);
      state.errors[code] = (state.errors[code] ?? 0) + 1;
      if (!(error instanceof MlosError) && state.wrong.length < 20) state.wrong.push(code);
    }
    if (facts.pauseMs > 0) await delay(facts.pauseMs);
  }
}

process.on('message', () => {
  isOver = true;
});
const reporter = setInterval(() => report(state), 50);
const client = await connect({ socketPath: facts.socketPath });
const caller = new HttpCaller(facts.httpPort);
const asks = {
  attached: () => attachedAsk(client),
  socket: () => socketAsk(client),
  http: () => httpAsk(caller),
};
await work(await asks[facts.way]());
clearInterval(reporter);
await client.close();
caller.close();
report({ ...state, isLast: true });
process.disconnect();
