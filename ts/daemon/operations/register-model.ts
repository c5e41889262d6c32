import { isDeepStrictEqual } from 'node:util';
import { MlosError } from '../../protocol/errors.ts';
import type { Params } from '../../protocol/method-table.ts';
import type { HeldModel } from '../lifecycle/lifecycle.ts';
import { choosePlugin } from '../plugin/choose.ts';
import { requirePackages } from '../plugin/plugin-packages.ts';
import type { ModelEngineOptions, ModelRecord } from '../registry/model-record.ts';
import { canonicalModelId, type ModelRegistry } from '../registry/model-registry.ts';
import { fileDigest, readPackage } from '../registry/package.ts';
import type { PluginCatalog } from '../registry/plugin-catalog.ts';
import { assertSamePackage } from '../registry/same-package.ts';
import { onlineCpus } from '../resource/devices.ts';
import type { TrustedKeys } from '../security/trusted-keys.ts';
import { inferenceEndpoint } from './inference-endpoint.ts';
import { type ModelRooms, modelInfo } from './model-info.ts';
import type { Operation } from './operation.ts';
import { assertNoStep, resolvePipeline } from './pipelines.ts';

export interface RegisterDeps extends ModelRooms {
  readonly registry: ModelRegistry;
  readonly catalog: PluginCatalog;
  readonly defaultIsolation: 'plugin' | 'model';
  /** Whose signature a package needs; null where it needs none. */
  readonly trusted: TrustedKeys | null;
}

function givenPath(params: Params<'models.register'>): string {
  const path = params.path ?? params.model_path;
  if (path === undefined || (params.path && params.model_path)) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      'Give the path of the package folder or model file as "path" (and not "model_path" too).',
    );
  }
  return path;
}

/** Errors: INVALID_ARGUMENT where options contradict each other or name CPUs that this host has not. */
function engineOptions(given: Params<'models.register'>['engine'] = {}): ModelEngineOptions {
  const { cpus, ...rest } = given;
  if (given.batching === 'fixed' && given.max_batch === undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      'engine.batching is "fixed", so engine.max_batch must say how many requests run together.',
    );
  }
  if (cpus === undefined) return rest;
  const online = onlineCpus();
  const missing = cpus.find((cpu) => !online.includes(cpu));
  if (missing !== undefined) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `engine.cpus has ${missing}, but this host's CPUs are ${online.join(', ')}.`,
      { details: { cpus: online } },
    );
  }
  return { ...rest, cpus: [...new Set(cpus)].sort((a, b) => a - b) };
}

/** What is to be registered; its ordinal is given when it is put. */
type Unnumbered = Omit<ModelRecord, 'ordinal'>;

async function makeRecord(
  deps: RegisterDeps,
  id: string,
  params: Params<'models.register'>,
): Promise<Unnumbered> {
  if (params.manifest_sha256 !== undefined) {
    await assertSamePackage(givenPath(params), params.manifest_path, params.manifest_sha256);
  }
  const found = await readPackage({
    path: givenPath(params),
    manifestPath: params.manifest_path,
    executionFormat: params.execution_format,
    ...(deps.trusted === null ? {} : { signed: { keys: deps.trusted, id } }),
  });
  const { descriptor, reason } = choosePlugin(
    deps.catalog.list().map((entry) => entry.descriptor),
    found.executionFormat,
    params.plugin_id === undefined
      ? undefined
      : deps.catalog.resolve(params.plugin_id).descriptor.id,
  );
  await requirePackages(descriptor, found.packages);
  const digest = await fileDigest(`${found.folder}/${found.file}`);
  if (found.promisedDigest !== null && found.promisedDigest !== digest) {
    throw new MlosError(
      'DATA_CORRUPTED',
      `${found.folder}/${found.file} has sha256 ${digest}, but its manifest says ${found.promisedDigest}. Install it again.`,
      { details: { expected: found.promisedDigest, received: digest } },
    );
  }
  const isolation = params.isolation ?? deps.defaultIsolation;
  const draft = { id, pluginId: descriptor.id, isolation };
  const { pipeline } = found;
  return {
    ...draft,
    name: params.name ?? found.name ?? id,
    pluginChoice: reason,
    framework: params.framework ?? found.framework,
    executionFormat: found.executionFormat,
    path: found.folder,
    file: found.file,
    digest,
    description: params.description ?? found.description,
    manifestPath: found.manifestPath,
    engine: engineOptions(params.engine),
    ...(found.state.length === 0 ? {} : { state: found.state }),
    ...(pipeline === null ? {} : { pipeline: resolvePipeline(deps.registry, draft, pipeline) }),
    ...(found.task === null ? {} : { declaredTask: found.task }),
    signature: null,
    failure: null,
    registeredAt: new Date().toISOString(),
  };
}

/** The same model at the same place under the same plugin: nothing that is loaded has to go. */
function isSame(a: Unnumbered, b: Unnumbered): boolean {
  return (
    a.digest === b.digest &&
    a.path === b.path &&
    a.file === b.file &&
    a.pluginId === b.pluginId &&
    a.isolation === b.isolation &&
    a.declaredTask === b.declaredTask &&
    isDeepStrictEqual(a.engine, b.engine) &&
    isDeepStrictEqual(a.state, b.state) &&
    isDeepStrictEqual(a.pipeline, b.pipeline)
  );
}

/**
 * Registers, then loads. What fails to load stays registered as `failed` with the reason, and the
 * answer is the error: nobody is told that all is well.
 */
export function registerModelOperation(deps: RegisterDeps): Operation<'models.register'> {
  async function register(
    id: string,
    params: Params<'models.register'>,
    held: HeldModel,
  ): Promise<ModelRecord> {
    const record = await makeRecord(deps, id, params);
    const before = deps.registry.find(id);
    const same = before !== undefined && isSame(before, record);
    if (!same && before !== undefined) assertNoStep(deps, id, 'unload', false);
    if (!same) await held.unload();
    const ordinal = deps.registry.ordinalFor(id, record.digest);
    const learnt = same
      ? {
          signature: before.signature,
          ...(before.tasks === undefined ? {} : { tasks: before.tasks }),
        }
      : {};
    deps.registry.put({ ...record, ordinal, ...learnt });
    if (params.load !== false) await held.load();
    return deps.registry.resolve(id);
  }

  return async (params) => {
    const id = canonicalModelId(params.model_id);
    const record = await deps.lifecycle.change(id, (held) => register(id, params, held));
    return {
      status: 'success',
      model_id: id,
      plugin_id: record.pluginId,
      message:
        record.manifestPath === null
          ? 'Model registered successfully'
          : 'Model registered successfully from Axon package (MPF)',
      axon_manifest: record.manifestPath,
      inference_endpoint: inferenceEndpoint(id),
      model: modelInfo(record, deps),
    };
  };
}
