import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.ts';

/** A registered model to run the cases on: one input, integers, of rank 2. */
export interface CaseModel {
  readonly modelId: string;
  readonly input: string;
  readonly output: string;
  /** A value that the model accepts. */
  readonly good: unknown;
}

export const serviceCases: readonly ConformanceCase[] = [
  {
    name: 'health',
    method: 'health.get',
    params: {},
    expect: { result: (result) => assert.equal(result['service'], 'mlos-core') },
  },
  { name: 'liveness', method: 'health.live', params: {}, expect: { result: () => undefined } },
  { name: 'readiness', method: 'health.ready', params: {}, expect: { result: () => undefined } },
  {
    name: 'models',
    method: 'models.list',
    params: {},
    expect: { result: (result) => assert.equal(result['status'], 'success') },
  },
  {
    name: 'plugins',
    method: 'plugins.list',
    params: {},
    expect: { result: (result) => assert.equal(result['status'], 'success') },
  },
  {
    name: 'channels',
    method: 'channels.list',
    params: {},
    expect: { result: (result) => assert.equal(result['total'], 0) },
  },
  {
    name: 'engines',
    method: 'stats.engine',
    params: {},
    expect: { result: (result) => assert.ok(Array.isArray(result['processes'])) },
  },
  {
    name: 'a log level that is none',
    method: 'logging.set',
    params: { level: 'loud' },
    expect: { code: 'INVALID_ARGUMENT' },
  },
  ...[0, -1, 1.5, 'x', 2 ** 53].flatMap((channel_id) =>
    ['channels.revoke', 'channels.activate'].map((method) => ({
      name: `${method} of ${channel_id}`,
      method,
      params: { channel_id },
      expect: { code: 'INVALID_ARGUMENT' as const },
    })),
  ),
  {
    name: 'attach with a class that is none',
    method: 'models.attach',
    params: { model_id: 'hf/double@latest', priority: 'urgent' },
    expect: { code: 'INVALID_ARGUMENT' },
  },
  {
    name: 'unknown parameter',
    method: 'models.list',
    params: { nonsense: 'x' },
    expect: { code: 'INVALID_ARGUMENT' },
  },
  {
    name: 'unknown model',
    method: 'models.get',
    params: { model_id: 'hf/no-such-model@latest' },
    expect: { code: 'MODEL_NOT_FOUND' },
  },
  {
    name: 'unknown plugin',
    method: 'plugins.get',
    params: { plugin_id: 'no-such-plugin' },
    expect: { code: 'PLUGIN_NOT_FOUND' },
  },
  {
    name: 'inference of an unknown model',
    method: 'models.infer',
    params: { model_id: 'hf/no-such-model@latest', inputs: { x: [1] } },
    expect: { code: 'MODEL_NOT_FOUND' },
  },
  {
    name: 'parameter of the wrong type',
    method: 'models.register',
    params: { model_id: 7 },
    expect: { code: 'INVALID_ARGUMENT' },
  },
];

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Inference, good and bad, on one model. */
export function inferenceCases(model: CaseModel): readonly ConformanceCase[] {
  const { modelId, input, output, good } = model;
  const infer = (
    name: string,
    inputs: Record<string, unknown>,
    expect: ConformanceCase['expect'],
  ): ConformanceCase => ({
    name,
    method: 'models.infer',
    params: { model_id: modelId, inputs },
    expect,
  });
  return [
    infer(
      'good input',
      { [input]: good },
      {
        result: (result) => {
          const outputs = result['outputs'] as Record<string, unknown>;
          assert.ok(Array.isArray(outputs[output]), 'the output is a flat list');
        },
      },
    ),
    infer('missing input', {}, { code: 'MISSING_INPUT' }),
    infer('wrong input name', { [input]: good, nonsense: [1] }, { code: 'UNKNOWN_INPUT' }),
    infer('wrong rank', { [input]: [[[1]]] }, { code: 'INVALID_SHAPE' }),
    infer('ragged list', { [input]: [[1, 2], [3]] }, { code: 'INVALID_SHAPE' }),
    infer('rank over the limit', { [input]: nested(20) }, { code: 'INVALID_SHAPE' }),
    infer(
      'wrong dtype',
      { [input]: { dtype: 'float32', shape: [1, 1], data: [1] } },
      { code: 'INVALID_DTYPE' },
    ),
    infer(
      'unknown dtype',
      { [input]: { dtype: 'int63', shape: [1, 1], data: [1] } },
      { code: 'INVALID_DTYPE' },
    ),
    infer('NaN in an integer', { [input]: [['NaN']] }, { code: 'INVALID_VALUE' }),
    infer('fraction in an integer', { [input]: [[1.5]] }, { code: 'INVALID_VALUE' }),
    infer(
      'negative dimension',
      { [input]: { shape: [-1, 1], data: [1] } },
      { code: 'INVALID_SHAPE' },
    ),
    {
      name: 'outputs left out',
      method: 'models.infer',
      params: { model_id: modelId, inputs: { [input]: good }, include_outputs: false },
      expect: { result: (result) => assert.equal(result['outputs'], undefined) },
    },
  ];
}
