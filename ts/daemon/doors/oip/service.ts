import type { Logger } from 'pino';
import { MlosError } from '../../../protocol/errors.ts';
import { productVersion } from '../../../protocol/version.ts';
import type { Dispatcher } from '../../dispatcher.ts';
import type { RequestContext } from '../../request-context.ts';
import { OipGeneration } from './generation.ts';
import { OipInference } from './inference.ts';
import { OipLogging } from './log-settings.ts';
import {
  type ModelConfig,
  type ModelDefaults,
  type ModelInfo,
  type ModelMetadata,
  modelConfig,
  modelMetadata,
  oipName,
} from './models.ts';
import { modelParams, OperationCalls } from './operations.ts';
import { OipRepository } from './repository.ts';
import type { SharedMemory } from './shared-memory.ts';
import { type ModelStatistics, modelStatistics, type RequestTimesByModel } from './statistics.ts';
import type { TraceChanges, TraceSettingsWire } from './trace-settings.ts';
import { Tracer } from './tracer.ts';
import type { OipModelRef } from './types.ts';

export interface OipServiceOptions {
  readonly dispatcher: Dispatcher;
  readonly sharedMemory: SharedMemory;
  /** What holds of a model that does not say. */
  readonly defaults: ModelDefaults;
  /** What inferences through the daemon took beside waiting and running. */
  readonly times: RequestTimesByModel;
  readonly logger: Logger;
  /** Where traces go. */
  readonly traceFolder: string;
}

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** Extensions that always work; shared memory is announced where it is on. */
const extensions = [
  'classification',
  'sequence',
  'model_repository',
  'model_repository(unload_dependents)',
  'schedule_policy',
  'model_configuration',
  'binary_tensor_data',
  'parameters',
  'statistics',
  'trace',
  'logging',
] as const;

/**
 * The Open Inference Protocol on top of the method table: one method for each of its calls, in neutral
 * objects. Knows no transport. Throws or rejects with MlosError only; `status.ts` says what that is in
 * each of its forms.
 */
export class OipService {
  readonly inference: OipInference;
  readonly generation: OipGeneration;
  readonly repository: OipRepository;
  readonly sharedMemory: SharedMemory;
  readonly logging: OipLogging;
  readonly #tracer: Tracer;
  readonly #operations: OperationCalls;
  readonly #defaults: ModelDefaults;
  readonly #times: RequestTimesByModel;

  constructor(options: OipServiceOptions) {
    const { dispatcher, sharedMemory, defaults, logger, traceFolder } = options;
    this.#operations = new OperationCalls(dispatcher);
    this.#tracer = new Tracer(traceFolder, logger);
    this.inference = new OipInference(this.#operations, sharedMemory, this.#tracer);
    this.generation = new OipGeneration(this.#operations);
    this.logging = new OipLogging(this.#operations);
    this.repository = new OipRepository(this.#operations);
    this.sharedMemory = sharedMemory;
    this.#defaults = defaults;
    this.#times = options.times;
  }

  serverMetadata(): ServerMetadata {
    const more = this.sharedMemory.enabled ? ['system_shared_memory'] : [];
    return { name: 'mlos', version: productVersion, extensions: [...extensions, ...more] };
  }

  async serverLive(context: RequestContext): Promise<boolean> {
    return (await this.#operations.call('health.live', {}, context)).live;
  }

  async serverReady(context: RequestContext): Promise<boolean> {
    return (await this.#operations.call('health.ready', {}, context)).ready;
  }

  /** Whether it is loaded. A model that is not is loaded by its first request. */
  async modelReady(ref: OipModelRef, context: RequestContext): Promise<boolean> {
    const { model } = await this.#operations.call('models.get', modelParams(ref), context);
    return model.status === 'ready';
  }

  async modelMetadata(ref: OipModelRef, context: RequestContext): Promise<ModelMetadata> {
    const model = await this.#described(ref, context);
    const name = oipName(model.id);
    const { models } = await this.#operations.call('models.list', {}, context);
    const versions = models.filter(({ id }) => oipName(id) === name).map(({ ordinal }) => ordinal);
    versions.sort((a, b) => a - b);
    return modelMetadata(ref.modelName, model, versions.map(String));
  }

  async modelConfig(ref: OipModelRef, context: RequestContext): Promise<ModelConfig> {
    const model = await this.#described(ref, context);
    return modelConfig(ref.modelName, model, this.#defaults);
  }

  /** Of one model (all its versions where none is named), or of all that are loaded (null). */
  async statistics(
    ref: OipModelRef | null,
    context: RequestContext,
  ): Promise<readonly ModelStatistics[]> {
    const named =
      ref === null
        ? null
        : (await this.#operations.call('models.get', modelParams(ref), context)).model;
    const { models } = await this.#operations.call('models.list', {}, context);
    const { processes } = await this.#operations.call('stats.engine', {}, context);
    const engines = new Map(
      processes.flatMap((process) => process.models.map((row) => [row.model_id, row] as const)),
    );
    const isWanted = ({ id, status }: ModelInfo) => {
      if (named === null) return status === 'ready';
      const isExact = ref?.modelVersion !== '' || ref.modelName.includes('@');
      return isExact ? id === named.id : oipName(id) === oipName(named.id);
    };
    return models
      .filter(isWanted)
      .map((info) =>
        modelStatistics(info, engines.get(info.id), this.#times.get(info.id, info.ordinal)),
      );
  }

  /** Of one model, or (empty name) of all. Errors: MODEL_NOT_FOUND. */
  async traceSettings(modelName: string, context: RequestContext): Promise<TraceSettingsWire> {
    return this.#tracer.settings(await this.#tracedName(modelName, context));
  }

  /** Errors: MODEL_NOT_FOUND, INVALID_ARGUMENT. */
  async updateTrace(
    modelName: string,
    changes: TraceChanges,
    context: RequestContext,
  ): Promise<TraceSettingsWire> {
    return this.#tracer.update(await this.#tracedName(modelName, context), changes);
  }

  /** What was traced is on the disk, and no region is open. */
  close(): Promise<void> {
    this.sharedMemory.close();
    return this.#tracer.close();
  }

  /** None: no GPU memory is shared. Asking for the state and letting go of all works nevertheless. */
  cudaRegions(): readonly [] {
    return [];
  }

  registerCuda(): never {
    throw new MlosError(
      'UNIMPLEMENTED',
      'CUDA memory is not shared here. Send the tensors as binary data, or use system shared memory.',
    );
  }

  async #tracedName(modelName: string, context: RequestContext): Promise<string> {
    if (modelName === '') return '';
    const params = modelParams({ modelName, modelVersion: '' });
    return oipName((await this.#operations.call('models.get', params, context)).model.id);
  }

  /** With its signature, which a model that was never loaded does not have yet. */
  async #described(ref: OipModelRef, context: RequestContext): Promise<ModelInfo> {
    const params = modelParams(ref);
    const { model } = await this.#operations.call('models.get', params, context);
    if (model.signature !== null) return model;
    return (await this.#operations.call('models.load', params, context)).model;
  }
}
