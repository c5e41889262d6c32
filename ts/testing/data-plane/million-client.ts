import { setTimeout as delay } from 'node:timers/promises';
import { type AttachedModel, type AttachedRequest, connect } from '../../client/client.ts';
import { MlosError } from '../../protocol/errors.ts';
import { factsOf, report } from './program.ts';
import { randomFrom } from './random.ts';

/*
 * One of the clients of million.test.ts: `requests` requests of random size, way, deadline and fate.
 * Reports as it goes, and once more when it is done; then waits for the word to leave.
 */
export interface MillionFacts {
  readonly socketPath: string;
  readonly scale: string;
  readonly slow: string;
  readonly requests: number;
  readonly seed: number;
}

export interface MillionReport {
  readonly done: number;
  readonly right: number;
  readonly wrong: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly isDone: boolean;
}

const facts = factsOf<MillionFacts>();
const random = randomFrom(facts.seed);
const below = (limit: number) => Math.floor(random() * limit);

const smallest = 16;
const largest = 262_144;
/** Requests take their elements from here, from a place of their own, and so do the answers. */
const places = 4_096;
const source = Float32Array.from({ length: largest + places }, (_, i) => (i * 7_919) % 1_000_003);
const expected = source.map((value) => 2 * value + 1);
const bytesOf = (array: Float32Array) =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength);

const state = {
  done: 0,
  right: 0,
  wrong: [] as string[],
  codes: {} as Record<string, number>,
  bytes: 0,
  isDone: false,
};

/** Elements of one request, 64 B to 1 MB: as many small ones as large ones on a scale of powers. */
function size(): number {
  return Math.floor(smallest * (largest / smallest) ** random());
}

function note(error: unknown): void {
  const code = error instanceof MlosError ? error.code : String(error);
  state.codes[code] = (state.codes[code] ?? 0) + 1;
}

function check(values: Float32Array, from: number, count: number): void {
  const right = bytesOf(expected.subarray(from, from + count));
  const isRight = values.length === count && bytesOf(values).equals(right);
  if (isRight) state.right += 1;
  else if (state.wrong.length < 20) state.wrong.push(`${count} elements from ${from}`);
  state.bytes += 8 * count;
}

interface Fate {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Most are waited for; some are given up at once, soon, or when they are late. */
function fate(): Fate {
  const dice = below(100);
  if (dice < 6) return { timeoutMs: 0.01 + 3 * random() ** 3 };
  if (dice >= 14) return {};
  const controller = new AbortController();
  if (dice < 8) queueMicrotask(() => controller.abort());
  else if (dice < 10) setImmediate(() => controller.abort());
  else setTimeout(() => controller.abort(), below(4));
  return { signal: controller.signal };
}

/** The one-call form. */
async function askOnce(model: AttachedModel, from: number, count: number): Promise<void> {
  const x = source.subarray(from, from + count);
  const { outputs } = await model.infer({ x }, fate());
  check(outputs['y']?.values as Float32Array, from, count);
}

/** A request that is written in place and asked up to three times. */
async function askInPlace(model: AttachedModel, count: number): Promise<void> {
  using request: AttachedRequest = await model.request({ x: [count] });
  for (let i = 1 + below(3); i > 0; i--) {
    const from = below(places);
    request.inputs['x']?.set(source.subarray(from, from + count) as never);
    const isLast = i === 1;
    const result = isLast && below(4) === 0 ? request.inferSync() : await request.infer(fate());
    try {
      check(result.outputs['y']?.values as Float32Array, from, count);
    } finally {
      result.release();
    }
    if (!isLast) state.done += 1;
  }
}

function askSync(model: AttachedModel, from: number, count: number): void {
  const x = source.subarray(from, from + count);
  const timeoutMs = below(20) === 0 ? 0.05 + random() : 60_000;
  check(model.inferSync({ x }, { timeoutMs }).outputs['y']?.values as Float32Array, from, count);
}

async function askSlow(model: AttachedModel): Promise<void> {
  const x = below(1_000_000);
  const { outputs } = await model.infer({ turns: 1 + below(4), x }, fate());
  if (outputs['y']?.values[0] === x) state.right += 1;
  else state.wrong.push(`slow ${x}`);
}

async function one(scale: AttachedModel, slow: AttachedModel): Promise<void> {
  const count = size();
  const from = below(places);
  const way = below(400);
  try {
    if (way === 0) await askSlow(slow);
    else if (way < 60) askSync(scale, from, count);
    else if (way < 250) await askOnce(scale, from, count);
    else await askInPlace(scale, count);
  } catch (error) {
    note(error);
  }
  state.done += 1;
}

const client = await connect({ socketPath: facts.socketPath });
const options = { inputBytes: 24 << 20, outputBytes: 24 << 20 };
const scale = await client.attach(facts.scale, options);
const slow = await client.attach(facts.slow);
let reported = 0;
while (state.done < facts.requests) {
  // From one at a time to a deep pipeline.
  const depth = below(3) === 0 ? 1 : 1 + below(32);
  await Promise.all(Array.from({ length: depth }, () => one(scale, slow)));
  if (state.done - reported < facts.requests / 200) continue;
  reported = state.done;
  report(state);
  // Reports go out, and what was aborted late comes in.
  await delay(0);
}
state.isDone = true;
report(state);
await new Promise((resolve) => process.once('message', resolve));
await client.close();
process.disconnect();
