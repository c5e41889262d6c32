import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import { type ModelInfo, oipName } from './models.ts';
import { modelParams, type OperationCalls } from './operations.ts';
import { oipFail } from './status.ts';
import { shown } from './tensors.ts';
import type { OipParameters } from './types.ts';

export interface RepositoryEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';
  readonly reason: string;
}

const states = {
  ready: 'READY',
  loading: 'LOADING',
  draining: 'UNLOADING',
  unloaded: 'UNAVAILABLE',
  failed: 'UNAVAILABLE',
} as const;

const reasons: Partial<Record<ModelInfo['status'], string>> = { unloaded: 'unloaded' };

/** The extension `model_repository`: the registry of models is the one repository there is. */
export class OipRepository {
  readonly #operations: OperationCalls;

  constructor(operations: OperationCalls) {
    this.#operations = operations;
  }

  async index(readyOnly: boolean, context: RequestContext): Promise<readonly RepositoryEntry[]> {
    const { models } = await this.#operations.call('models.list', {}, context);
    return models
      .filter(({ status }) => !readyOnly || status === 'ready')
      .map((info) => ({
        name: oipName(info.id),
        version: String(info.ordinal),
        state: states[info.status],
        reason: info.reason ?? reasons[info.status] ?? '',
      }));
  }

  /** Loads the highest version. Errors: those of models.load, UNIMPLEMENTED for files of a model. */
  async load(name: string, parameters: OipParameters, context: RequestContext): Promise<void> {
    for (const parameter of parameters.keys()) {
      if (parameter.startsWith('file:')) {
        throw new MlosError(
          'UNIMPLEMENTED',
          'Files of a model are not taken with its load; upload them (POST /uploads) or use axon.',
        );
      }
      if (parameter !== 'config')
        oipFail(`The parameter ${shown(parameter)} of load is not known.`);
    }
    const params = modelParams({ modelName: name, modelVersion: '' });
    const { model } = await this.#operations.call('models.get', params, context);
    checkConfig(parameters.get('config'), oipName(model.id));
    await this.#operations.call('models.load', params, context);
  }

  /** All versions of a name, as a client that knows no others means it; a whole id is that one. */
  async unload(name: string, context: RequestContext): Promise<void> {
    const params = modelParams({ modelName: name, modelVersion: '' });
    const named = await this.#operations.call('models.get', params, context);
    const { models } = await this.#operations.call('models.list', {}, context);
    const all = name.includes('@')
      ? [named.model]
      : models.filter(({ id }) => oipName(id) === name);
    for (const { id, status } of all) {
      if (status === 'ready' || status === 'loading') {
        await this.#operations.call('models.unload', { model_id: id }, context);
      }
    }
  }
}

/** A configuration that comes with a load may say what is so already; nothing else is set that way. */
function checkConfig(config: unknown, name: string): void {
  if (config === undefined) return;
  let value: unknown;
  try {
    value = typeof config === 'string' ? JSON.parse(config) : null;
  } catch (cause) {
    throw new MlosError('INVALID_ARGUMENT', 'The parameter config is not JSON.', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    oipFail('The parameter config must be a JSON object, as text.');
  }
  for (const [key, entry] of Object.entries(value)) {
    if (key === 'name' && (entry === name || entry === '')) continue;
    oipFail(
      `A load cannot change ${shown(key)} of a model. Register it with the options of its engine (models.register).`,
    );
  }
}
