import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from '../../daemon/dispatcher.ts';
import type { RequestContext } from '../../daemon/request-context.ts';
import { MlosError } from '../../protocol/errors.ts';
import { findMethod } from '../../protocol/method-table.ts';
import { Tensor } from '../../protocol/tensor.ts';
import { tensorFromInput } from '../../protocol/tensor-input.ts';

/**
 * Stands in for the daemon behind the doors: one model `hf/double@latest` that doubles `x`
 * (int64[-1,-1]). Inputs that the fake itself reads: `sleep_ms` answers later, `bytes` answers with a
 * tensor of that size, `echo` answers with the parameters.
 */
export const fakeModel = { modelId: 'hf/double@latest', input: 'x', output: 'y', good: [[1, 2]] };

type Bag = Record<string, unknown>;

const health = {
  ...{ status: 'healthy', service: 'mlos-core', version: '0', apis: [], timestamp: 1_700_000_000 },
  ...{ http_adapter: null, pid: 1, runners: {} },
};

export class FakeDispatcher implements Dispatcher {
  /** Calls whose caller went away before the answer. */
  aborted = 0;
  calls = 0;
  /** Under way now, and the most there ever were. */
  active = 0;
  activeMost = 0;

  call(method: string, params: unknown, context: RequestContext): unknown {
    this.calls += 1;
    if (findMethod(method) === undefined) {
      throw new MlosError('UNKNOWN_METHOD', `There is no method ${JSON.stringify(method)}.`);
    }
    if (typeof params !== 'object' || params === null || Array.isArray(params)) {
      throw new MlosError('INVALID_ARGUMENT', 'The parameters must be an object.');
    }
    return this.#run(method, params as Bag, context);
  }

  #run(method: string, params: Bag, context: RequestContext): unknown {
    switch (method) {
      case 'health.get':
        return health;
      case 'health.live':
        return { live: true };
      case 'health.ready':
        return { ready: false, reasons: ['The fake is never ready.'] };
      case 'models.list':
        if ('nonsense' in params) throw new MlosError('INVALID_ARGUMENT', 'Unknown: nonsense.');
        return { status: 'success', models: [], total: 0 };
      case 'channels.list':
        return { status: 'success', channels: [], total: 0 };
      case 'stats.engine':
        return { status: 'success', time_bounds_us: [], batch_bounds: [], processes: [] };
      case 'plugins.list':
        return { status: 'success', plugins: [], total: 0 };
      case 'plugins.get':
        throw new MlosError('PLUGIN_NOT_FOUND', 'There is no such plugin.');
      case 'models.get':
        return { status: 'success', model: { id: knownModel(params) } };
      case 'models.infer':
        return this.#infer(params, context);
      default:
        throw new MlosError('INVALID_ARGUMENT', `The fake does not do ${method}.`);
    }
  }

  async #infer(params: Bag, context: RequestContext): Promise<unknown> {
    this.active += 1;
    this.activeMost = Math.max(this.activeMost, this.active);
    try {
      const inputs = (params['inputs'] ?? {}) as Bag;
      const sleepMs = params['sleep_ms'] ?? inputs['sleep_ms'];
      if (sleepMs !== undefined) await this.#sleep(Number(sleepMs), context);
      if (params['echo'] !== undefined) return { status: 'success', params };
      const bytes = params['bytes'] ?? inputs['bytes'];
      if (bytes !== undefined) return answerOf(zeros(Number(bytes)));
      const model_id = knownModel(params);
      return { model_id, ...answerOf(double(params), params['include_outputs'] !== false) };
    } finally {
      this.active -= 1;
    }
  }

  async #sleep(ms: number, context: RequestContext): Promise<void> {
    await delay(ms, undefined, { signal: context.signal }).catch(() => {
      this.aborted += 1;
      throw new MlosError('CANCELLED', 'The caller went away.');
    });
  }
}

function knownModel(params: Bag): string {
  const id = String(params['model_id']);
  if (!['hf/double@latest', 'hf-double@latest', 'hf/double'].includes(id)) {
    throw new MlosError('MODEL_NOT_FOUND', `There is no model ${JSON.stringify(id)}.`);
  }
  return fakeModel.modelId;
}

function double(params: Bag): Tensor {
  const inputs = (params['inputs'] ?? {}) as Bag;
  const { x, sleep_ms: _, ...rest } = inputs;
  const strange = Object.keys(rest)[0];
  if (strange !== undefined) throw new MlosError('UNKNOWN_INPUT', `There is no input ${strange}.`);
  if (x === undefined) throw new MlosError('MISSING_INPUT', 'Input "x" is missing.');
  const tensor = tensorFromInput({ name: 'x', dtype: 'int64', shape: [-1, -1] }, x);
  const numbers = new BigInt64Array(new Uint8Array(tensor.data as Uint8Array).buffer);
  const doubled = numbers.map((number) => number * 2n);
  return new Tensor('int64', tensor.shape, new Uint8Array(doubled.buffer));
}

function zeros(bytes: number): Tensor {
  return new Tensor('uint8', [bytes], new Uint8Array(bytes));
}

function answerOf(tensor: Tensor, withOutputs = true): Bag {
  const facts = {
    ...{ status: 'success', message: 'done', inference_time_us: 1, queue_time_us: 0 },
    ...{ model_id: fakeModel.modelId, model_version: '0', plugin_id: 'fake', output_size: 8 },
  };
  if (!withOutputs) return facts;
  return {
    ...facts,
    outputs: { y: tensor },
    output_shapes: { y: [...tensor.shape] },
    output_dtypes: { y: tensor.dtype },
  };
}
