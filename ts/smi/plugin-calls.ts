import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { TensorSpec } from '../protocol/tensor.ts';
import type { EngineSettingsWire, LoadedModel, ModelReference } from './contract.ts';
import { encodeFrame } from './frame-encoding.ts';
import { monotonicUs, readInferRequest, writeInferAnswer } from './infer-message.ts';
import type { Facts, PluginDefinition } from './plugin-definition.ts';
import { startEngine } from './start-engine.ts';

/*
 * From a method name to the author's handler, and from what that returns or throws to a frame.
 */
type Params = Readonly<Record<string, unknown>>;
type Handler = (definition: PluginDefinition, params: Params) => Promise<unknown> | unknown;

function text(params: Params, key: string): string {
  const value = params[key];
  if (typeof value === 'string') return value;
  throw new MlosError('INVALID_ARGUMENT', `${key}: expected a string.`);
}

function modelOf(params: Params): ModelReference {
  return {
    modelId: text(params, 'model_id'),
    path: text(params, 'path'),
    file: text(params, 'file'),
    task: typeof params['task'] === 'string' ? params['task'] : null,
    options: (params['options'] ?? {}) as Facts,
  };
}

async function load(definition: PluginDefinition, params: Params): Promise<LoadedModel> {
  const loaded = await definition.loadModel(modelOf(params));
  const { signature, metadata = {} } = loaded;
  checkSize('inputs', signature.inputs);
  checkSize('outputs', signature.outputs);
  return { ...loaded, metadata };
}

/** What the daemon would take for garbage is refused here, as a property of the model. */
function checkSize(what: string, specs: readonly TensorSpec[]): void {
  const { tensorsPerRequest, tensorNameLength } = limits;
  if (specs.length > tensorsPerRequest) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `The model has ${specs.length} ${what}; the limit is ${tensorsPerRequest}.`,
    );
  }
  const long = specs.find(({ name }) => name.length > tensorNameLength);
  if (long !== undefined) {
    throw new MlosError(
      'UNIMPLEMENTED',
      `The name of one of the model's ${what} has ${long.name.length} characters; the limit is ${tensorNameLength}.`,
    );
  }
}

async function initialize(definition: PluginDefinition, params: Params): Promise<void> {
  const hostId = text(params, 'host_id');
  const settings = params['engine'] as EngineSettingsWire | undefined;
  const wanted = definition.engine === true && settings !== undefined;
  await definition.initialize?.({ hostId, engine: wanted ? await startEngine(settings) : null });
}

const handlers: Readonly<Record<string, Handler>> = {
  initialize,
  cleanup: (d) => d.cleanup?.(),
  register_model: (d, p) => d.registerModel?.(modelOf(p)),
  unregister_model: (d, p) => d.unregisterModel?.(text(p, 'model_id')),
  load_model: load,
  unload_model: (d, p) => d.unloadModel?.(text(p, 'model_id')),
  allocate_resources: (d, p) => d.allocateResources?.(p),
  deallocate_resources: (d, p) => d.deallocateResources?.(p),
  get_model_info: (d, p) => d.getModelInfo?.(text(p, 'model_id')),
  health: (d) => ({ status: 'ok', ...d.health?.() }),
};

const failureCodes = {
  infer: 'INFERENCE_FAILED',
  run_task: 'INFERENCE_FAILED',
  load_model: 'MODEL_LOAD_FAILED',
  register_model: 'MODEL_LOAD_FAILED',
} as const;

/** What an author's code threw, as an answer. */
export function errorFrame(id: number, method: string, thrown: unknown): readonly Uint8Array[] {
  const code = Object.hasOwn(failureCodes, method)
    ? failureCodes[method as keyof typeof failureCodes]
    : 'INTERNAL';
  const error =
    thrown instanceof MlosError
      ? thrown
      : new MlosError(code, thrown instanceof Error ? thrown.message : String(thrown));
  const { details, message } = error.toWire();
  const bounded = message.slice(0, limits.reasonLength);
  return encodeFrame([id, { code: error.code, message: bounded, details: details ?? {} }, null]);
}

async function infer(definition: PluginDefinition, id: number, params: unknown) {
  const request = readInferRequest(params);
  const begun = monotonicUs();
  if (request.deadlineUs !== null && begun > request.deadlineUs) {
    throw new MlosError('DEADLINE_EXCEEDED', 'The deadline passed before the request was begun.');
  }
  if (definition.infer === undefined) {
    throw new MlosError('UNIMPLEMENTED', 'This plugin takes requests through channels only.');
  }
  const outputs = await definition.infer(request);
  const inferenceTimeUs = monotonicUs() - begun;
  return writeInferAnswer(id, { outputs, inferenceTimeUs });
}

/** Runs one call to its end; whatever happens, the result is a frame to send. */
export async function answerCall(
  definition: PluginDefinition,
  id: number,
  method: string,
  params: unknown,
): Promise<readonly Uint8Array[]> {
  try {
    if (method === 'infer') return await infer(definition, id, params);
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    if (handler === undefined) {
      throw new MlosError('UNKNOWN_METHOD', `This plugin knows no method ${method.slice(0, 64)}.`);
    }
    const result = await handler(definition, (params ?? {}) as Params);
    return encodeFrame([id, null, result ?? {}]);
  } catch (error) {
    return errorFrame(id, method, error);
  }
}
