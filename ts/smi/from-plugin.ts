import { MlosError } from '../protocol/errors.ts';
import { explain } from '../protocol/explain-schema.ts';
import type { CheckedSchema } from '../protocol/json-schema.ts';
import { limits } from '../protocol/limits.ts';
import { encodeMsgpack } from '../protocol/msgpack.ts';
import type { Signature } from '../protocol/tensor.ts';
import { smiVersion } from '../protocol/version.ts';
import { violation } from './contract.ts';
import type {
  EngineEntry,
  Hello,
  LoadResult,
  TaskEntry,
  TaskResult,
} from './from-plugin-schemas.ts';
import { helloSchema, loadResultSchema, taskResultSchema } from './generated/from-plugin.ts';
import { smiLimits } from './smi-limits.ts';

/* The daemon's checks of what a plugin says. */
export type { EngineEntry, Hello, TaskEntry, TaskResult } from './from-plugin-schemas.ts';

function checked({ schema, check }: CheckedSchema, value: unknown, what: string): unknown {
  if (check(value)) return value;
  throw violation(`${what}: ${explain(schema, value, 'the whole') ?? 'it breaks the contract.'}`);
}

/** Reads `[0, "hello", {…}]`. The version is looked at first: another major may look different. */
export function readHello(message: unknown): Hello {
  if (!Array.isArray(message) || message[0] !== 0 || message[1] !== 'hello') {
    throw violation('the first frame is not [0, "hello", {…}]');
  }
  const facts: unknown = message[2];
  const version = (facts as { smi_version?: unknown } | null)?.smi_version;
  const [major] = Array.isArray(version) ? version : [];
  if (Number.isSafeInteger(major) && major !== smiVersion[0]) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `it speaks SMI ${String(version)}, this daemon speaks SMI ${smiVersion.join('.')}`,
    );
  }
  return checked(helloSchema, facts, 'hello') as Hello;
}

/** True where free-form values from a plugin are small enough to keep. */
function isSmall(value: unknown): boolean {
  return encodeMsgpack(value).byteLength <= smiLimits.factsBytes;
}

/** What a plugin says of a model that it has loaded. `engine`: null where it answers `infer` itself. */
export interface LoadAnswer {
  readonly signature: Signature;
  readonly metadata: Record<string, unknown>;
  readonly engine: EngineEntry | null;
  readonly tasks: readonly TaskEntry[];
}

/** Reads the result of load_model. */
export function readLoadResult(value: unknown): LoadAnswer {
  const result = checked(loadResultSchema, value, 'load_model') as LoadResult;
  const { signature, metadata = {}, engine = null, tasks = [] } = result;
  for (const specs of [signature.inputs, signature.outputs]) {
    const names = new Set(specs.map(({ name }) => name));
    if (names.size !== specs.length) throw violation('load_model: two tensors have one name');
    const odd = specs.find(({ shape, dims }) => dims && dims.length !== shape?.length);
    if (odd) throw violation(`load_model: ${odd.name}: dims and shape differ in length`);
  }
  if (!isSmall(metadata)) throw violation('load_model: the metadata are too large');
  if (!isSmall(tasks)) throw violation('load_model: what is said of the tasks is too large');
  if (new Set(tasks.map(({ name }) => name)).size !== tasks.length) {
    throw violation('load_model: a task stands there twice');
  }
  return { signature: signature as Signature, metadata, engine, tasks };
}

/** Reads the result of run_task; what is in it is the task's matter. */
export function readTaskResult(value: unknown): TaskResult {
  return checked(taskResultSchema, value, 'run_task') as TaskResult;
}

/** Reads an event of run_task. */
export function readTaskEvent(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw violation('run_task: an event is no map');
}

/** Reads the error of an answer; bounded, and of the closed list of codes. */
export function readError(value: unknown): MlosError {
  const error = MlosError.fromWire(value);
  const { details } = error;
  return new MlosError(
    error.code,
    error.message.slice(0, limits.reasonLength),
    details !== undefined && isSmall(details) ? { details } : {},
  );
}
