import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Signature } from '../protocol/tensor.ts';
import type { EngineEntry, TaskEntry } from './from-plugin-schemas.ts';

/*
 * The Standard Model Interface: what the daemon and a plugin process say to each other over the Unix
 * stream socket that the plugin finds at file descriptor 3. Frames as everywhere (ts/protocol/frame.ts).
 *
 *     plugin → daemon   [0, "hello", {smi_version, name, version, formats, …}]      first, once
 *     daemon → plugin   [id, method, params]
 *     plugin → daemon   [id, null, result]   or   [id, {code, message, details}, null]
 *
 * Requests are begun in the order they came and one at a time, unless the plugin declares a
 * concurrency; `health` is answered out of order. Unknown fields are ignored, unknown majors refused.
 * What comes from the plugin is untrusted: from-plugin.ts checks it before it is used.
 */
export const smiFileDescriptor = 3;

/*
 * A plugin whose hello says `engine: true` also finds a seqpacket socket at file descriptor 4, and
 * `initialize` carries `engine: {control_fd, spin_us, reserved_cpus, lock_memory}`. It starts the native
 * engine on that socket and puts models into it; the result of load_model then has `engine: {handle,
 * runner, measures}`, and requests for the model come through channels instead of `infer`.
 */
export const engineFileDescriptor = 4;

/*
 * A model that can do tasks says so in load_model's result: `tasks: [{name, facts}]`. `run_task` is begun at
 * once, whatever else is under way, and may say things before its answer:
 *
 *     daemon → plugin   [id, "run_task", {model_id, task, inputs, parameters, priority?, stream, deadline_us}]
 *     plugin → daemon   [id, "event", {…}]                             any number, where stream is true
 *     plugin → daemon   [id, null, {result, inference_time_us}]        or an error, as of every method
 *     daemon → plugin   [id, "cancel_task", {call}]                    `call`: the id of the run_task
 */

/** The `engine` of initialize. */
export interface EngineSettingsWire {
  readonly control_fd: number;
  /** The most microseconds that an idle worker spins before it sleeps. */
  readonly spin_us: number;
  /** CPUs kept for models of the realtime class. */
  readonly reserved_cpus: readonly number[];
  readonly lock_memory: boolean;
}

export const smiMethods = [
  'initialize',
  'cleanup',
  'register_model',
  'unregister_model',
  'load_model',
  'unload_model',
  'infer',
  'run_task',
  'cancel_task',
  'allocate_resources',
  'deallocate_resources',
  'get_model_info',
  'health',
] as const;

export type SmiMethod = (typeof smiMethods)[number];

/** A model as the daemon names it to a plugin. Paths are absolute. */
export interface ModelReference {
  readonly modelId: string;
  /** The model's folder. */
  readonly path: string;
  /** The file to load, in that folder. */
  readonly file: string;
  /** What the package says that the model is for, in the Hugging Face Hub's words; null: nothing. */
  readonly task: string | null;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface LoadedModel {
  readonly signature: Signature;
  /** Facts for `get_model_info` and for people: producer, opset, providers … */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Where it was put into the engine: requests for it come through channels. */
  readonly engine?: EngineEntry;
  /** What it can do beside running tensors; the first one is what it does when nobody says. */
  readonly tasks?: readonly TaskEntry[];
}

/** Thrown where a peer does not speak the contract; the link is unusable afterwards. */
export function violation(what: string): MlosError {
  return new MlosError('INVALID_FRAME', what.slice(0, limits.reasonLength));
}
