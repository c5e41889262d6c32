import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import type { Signature } from '../../protocol/tensor.ts';
import type { PluginHost } from '../plugin/host.ts';
import type { ModelEngineOptions, ModelRecord, ModelTask } from '../registry/model-record.ts';
import { fileDigest } from '../registry/package.ts';
import type { PluginCatalog } from '../registry/plugin-catalog.ts';
import type { HostPool } from './host-pool.ts';

/** A model that can be run now. */
export interface ReadyModel {
  readonly record: ModelRecord;
  readonly host: PluginHost;
  readonly signature: Signature;
  readonly tasks: readonly ModelTask[];
}

/** Brings a registered model into a plugin process and out of it. */
export class ModelLoader {
  readonly #catalog: PluginCatalog;
  readonly #pool: HostPool;
  readonly #engine: Required<Omit<ModelEngineOptions, 'cpus'>>;

  constructor(options: {
    readonly catalog: PluginCatalog;
    readonly pool: HostPool;
    /** How models are run that say nothing of it. `intra_op_threads` 0: the runtime's own default. */
    readonly engine: Required<Omit<ModelEngineOptions, 'cpus'>>;
  }) {
    this.#catalog = options.catalog;
    this.#pool = options.pool;
    this.#engine = options.engine;
  }

  async load(record: ModelRecord): Promise<ReadyModel> {
    const { descriptor } = this.#catalog.resolve(record.pluginId);
    const verify = () => verifyFile(record);
    await verify();
    const host = this.#pool.hostFor(descriptor, record.isolation === 'model' ? record.id : null);
    const { intra_op_threads: threads, ...options } = { ...this.#engine, ...record.engine };
    const { state, pipeline } = record;
    const engineOptions = {
      ...options,
      ...(state === undefined ? {} : { state }),
      ...(pipeline === undefined ? {} : { pipeline }),
    };
    const { signature, tasks } = await host.load({
      modelId: record.id,
      path: record.path,
      file: join(record.path, record.file),
      ...(record.declaredTask === undefined ? {} : { task: record.declaredTask }),
      options: threads > 0 ? { intra_op_threads: threads } : {},
      engineOptions,
      verify,
    });
    const needsEngine = state !== undefined || pipeline !== undefined;
    if (needsEngine && host.engineModel(record.id) === null) {
      await host.unload(record.id);
      throw new MlosError(
        'UNIMPLEMENTED',
        `${record.id} ${state === undefined ? 'is a pipeline' : 'keeps states from request to request'}, but the plugin ${record.pluginId} runs models itself, without an engine.`,
      );
    }
    return { record: { ...record, signature, tasks, failure: null }, host, signature, tasks };
  }

  async unload({ record, host }: ReadyModel): Promise<void> {
    await host.unload(record.id);
    if (record.isolation === 'model') {
      await this.#pool.stopIsolated(record.pluginId, record.id);
    }
  }
}

/** The file is the one that was registered. Errors: DATA_CORRUPTED, MODEL_LOAD_FAILED (unreadable). */
async function verifyFile(record: ModelRecord): Promise<void> {
  const file = join(record.path, record.file);
  const digest = await fileDigest(file).catch((thrown: unknown) => {
    throw new MlosError('MODEL_LOAD_FAILED', MlosError.from(thrown).message, { cause: thrown });
  });
  if (digest === record.digest) return;
  throw new MlosError(
    'DATA_CORRUPTED',
    `${file} is not the file that was registered as ${record.id}: sha256 ${digest}, expected ${record.digest}. Register it again if the change is meant.`,
    { details: { expected: record.digest, received: digest } },
  );
}
