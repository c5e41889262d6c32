import assert from 'node:assert/strict';
import type { ErrorCode } from '../../protocol/error-codes.ts';
import type { ConformanceCase } from '../conformance/case.ts';
import { type Answer, done, gives, type Params, refused } from './case-builders.ts';
import { dtypesHere, oddNames, samples } from './world.ts';

/*
 * Inference in all forms, good and bad, on the models of `world.ts`, each registered as `c/<name>`.
 */
const formInputs = [1, 2, 3];

export function inferenceCases(): ConformanceCase[] {
  const infer = (model: string, params: Params) => ({ model_id: `c/${model}@latest`, ...params });
  const ok = (name: string, model: string, params: Params, expected: Answer) =>
    done(name, 'models.infer', infer(model, params), gives(expected));
  const bad = (name: string, model: string, inputs: Params, code: ErrorCode, rest: Params = {}) =>
    refused(name, 'models.infer', infer(model, { inputs, ...rest }), code);
  const y = formInputs;
  const six = [1, 2, 3, 4, 5, 6];
  return [
    ok('named inputs', 'vector', { inputs: { x: y } }, { y }),
    ok('inputs at the top level', 'vector', { x: y }, { y }),
    ok('the earlier {"input": […]}', 'vector', { input: y }, { y }),
    ok('input inside inputs', 'vector', { inputs: { input: y } }, { y }),
    ok('explicit', 'vector', { inputs: { x: { dtype: 'float32', shape: [3], data: y } } }, { y }),
    ok('explicit without a dtype', 'vector', { inputs: { x: { shape: [3], data: y } } }, { y }),
    ok('only data', 'vector', { inputs: { x: { data: y } } }, { y }),
    ok(
      'nested',
      'float32',
      {
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      { y: six },
    ),
    ok('flat for two dimensions', 'float32', { x: six }, { y: six }),
    ok('flat for four dimensions', 'image', { x: Array(60).fill(0.5) }, { y: Array(60).fill(0.5) }),
    ok('a scalar', 'scalar', { x: 0.5 }, { y: [0.5] }),
    ok('a scalar in a list', 'scalar', { x: { shape: [], data: [0.5] } }, { y: [0.5] }),
    ok('an empty dimension', 'float32', { x: { shape: [0, 3], data: [] } }, { y: [] }),
    ok('an empty list', 'vector', { x: [] }, { y: [] }),
    ok(
      'words for what JSON lacks',
      'vector',
      { x: ['NaN', 'Infinity', '-Infinity'] },
      {
        y: ['NaN', 'Infinity', '-Infinity'],
      },
    ),
    ...dtypesHere.map((dtype) =>
      done(
        `every value of ${dtype}`,
        'models.infer',
        infer(dtype, { inputs: { x: { dtype, shape: [2, 3], data: samples[dtype] } } }),
        (r) => {
          assert.deepEqual(r['output_dtypes'], { y: dtype });
          assert.deepEqual(r['output_shapes'], { y: [2, 3] });
        },
      ),
    ),
    ok('int64 stays exact', 'int64', { x: samples.int64 }, { y: samples.int64 }),
    ok(
      'two inputs, two outputs',
      'add-multiply',
      { a: [1, 2], b: [3, 4] },
      {
        sum: [4, 6],
        product: [3, 8],
      },
    ),
    ok(
      'chosen outputs',
      'add-multiply',
      { a: [1], b: [3], outputs: ['product'] },
      { product: [3] },
    ),
    done(
      'outputs left out',
      'models.infer',
      infer('add-multiply', { a: [1], b: [3], include_outputs: false }),
      (r) => {
        assert.equal(r['outputs'], undefined);
        assert.equal(r['output_size'], 8);
      },
    ),
    done(
      'the same as text',
      'models.infer',
      infer('vector', { x: y, include_outputs: 'false' }),
      (r) => assert.equal(r['outputs'], undefined),
    ),
    ok(
      'mask and types filled in',
      'bert',
      { input_ids: [[101, 7592, 102]] },
      {
        logits: [102, 7593, 103],
      },
    ),
    ok(
      'a mask given',
      'bert',
      { input_ids: [[5, 5]], attention_mask: [[1, 0]] },
      { logits: [6, 5] },
    ),
    ok('one sentence, flat', 'bert', { input_ids: [5, 6, 7] }, { logits: [6, 7, 8] }),
    ...oddNames.map((name, index) =>
      ok(
        `an input named ${name}`,
        `odd-${index}`,
        { inputs: entry(name, [1]) },
        entry(`${name}!`, [1]),
      ),
    ),
    ok(
      'earlier options are let through',
      'vector',
      { x: y, batch_size: 1, max_length: 128 },
      { y },
    ),

    bad('no inputs', 'vector', {}, 'MISSING_INPUT'),
    bad('a missing input', 'add-multiply', { a: [1] }, 'MISSING_INPUT'),
    bad('a misspelt input', 'bert', { inputs_id: [[1]] }, 'UNKNOWN_INPUT'),
    bad('one input too many', 'vector', { x: [1], z: [1] }, 'UNKNOWN_INPUT'),
    bad('an unknown output', 'vector', { x: [1] }, 'UNKNOWN_INPUT', { outputs: ['z'] }),
    bad('an input twice', 'vector', { x: [1] }, 'INVALID_ARGUMENT', { x: [2] }),
    bad('a rank too many', 'vector', { x: [[1]] }, 'INVALID_SHAPE'),
    bad('a rank too few', 'fixed', { x: { shape: [4], data: [1, 2, 3, 4] } }, 'INVALID_SHAPE'),
    bad(
      'a wrong dimension',
      'fixed',
      {
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
      'INVALID_SHAPE',
    ),
    bad('too few elements', 'fixed', { x: [1, 2, 3] }, 'INVALID_SHAPE'),
    bad('elements that fill no row', 'float32', { x: [1, 2, 3, 4] }, 'INVALID_SHAPE'),
    bad('a shape that lies', 'vector', { x: { shape: [4], data: [1] } }, 'INVALID_SHAPE'),
    bad('a huge shape', 'vector', { x: { shape: [2 ** 50], data: [1] } }, 'INVALID_SHAPE'),
    bad(
      'a shape that overflows',
      'float32',
      { x: { shape: [2 ** 31, 3], data: [] } },
      'INVALID_SHAPE',
    ),
    bad('a negative dimension', 'vector', { x: { shape: [-1], data: [1] } }, 'INVALID_SHAPE'),
    bad('a fraction as dimension', 'vector', { x: { shape: [0.5], data: [1] } }, 'INVALID_SHAPE'),
    bad('a shape that is no list', 'vector', { x: { shape: 3, data: [1] } }, 'INVALID_SHAPE'),
    bad(
      'a ragged list',
      'float32',
      {
        x: [
          [1, 2, 3],
          [4, 5],
        ],
      },
      'INVALID_SHAPE',
    ),
    bad('lists and numbers mixed', 'float32', { x: [[1, 2, 3], 4] }, 'INVALID_SHAPE'),
    bad('a list among numbers', 'vector', { x: [1, [2]] }, 'INVALID_VALUE'),
    bad(
      'another dtype',
      'vector',
      { x: { dtype: 'int64', shape: [1], data: [1] } },
      'INVALID_DTYPE',
    ),
    bad(
      'no dtype at all',
      'vector',
      { x: { dtype: 'float128', shape: [1], data: [1] } },
      'INVALID_DTYPE',
    ),
    bad('dtype as number', 'vector', { x: { dtype: 1, shape: [1], data: [1] } }, 'INVALID_DTYPE'),
    bad('an unknown key', 'vector', { x: { dims: [1], data: [1] } }, 'INVALID_ARGUMENT'),
    bad('no data', 'vector', { x: { shape: [1] } }, 'INVALID_ARGUMENT'),
    bad('null as input', 'vector', { x: null }, 'INVALID_VALUE'),
    bad('null in a list', 'vector', { x: [1, null] }, 'INVALID_VALUE'),
    bad('text in numbers', 'vector', { x: ['1'] }, 'INVALID_VALUE'),
    bad('a boolean in numbers', 'vector', { x: [true] }, 'INVALID_VALUE'),
    bad('NaN in integers', 'fixed', { x: [1, 2, 3, 'NaN'] }, 'INVALID_VALUE'),
    bad('a fraction in integers', 'fixed', { x: [1, 2, 3, 0.5] }, 'INVALID_VALUE'),
    bad('2^53 as a number', 'fixed', { x: [1, 2, 3, 2 ** 53] }, 'INVALID_VALUE'),
    bad('2^63 as text', 'fixed', { x: [1, 2, 3, '9223372036854775808'] }, 'INVALID_VALUE'),
    bad('256 in uint8', 'uint8', { x: [256, 0, 0] }, 'INVALID_VALUE'),
    bad('-1 in uint64', 'uint64', { x: [-1, 0, 0] }, 'INVALID_VALUE'),
    bad('2 in bool', 'bool', { x: [2, 0, 0] }, 'INVALID_VALUE'),
    bad('1e39 in float32', 'vector', { x: [1e39] }, 'INVALID_VALUE'),
    bad('70000 in float16', 'float16', { x: [70_000, 0, 0] }, 'INVALID_VALUE'),
    bad('a number in strings', 'string', { x: ['a', 'b', 1] }, 'INVALID_VALUE'),
    bad('a deadline of 0', 'vector', { x: [1] }, 'INVALID_ARGUMENT', { timeout_ms: 0 }),
    bad('a deadline of text', 'vector', { x: [1] }, 'INVALID_ARGUMENT', { timeout_ms: 'soon' }),
    bad('outputs as text', 'vector', { x: [1] }, 'INVALID_ARGUMENT', { outputs: 'y' }),
    refused(
      'inputs as a list',
      'models.infer',
      infer('vector', { inputs: [1] }),
      'INVALID_ARGUMENT',
    ),
    refused('inputs null', 'models.infer', infer('vector', { inputs: null }), 'INVALID_ARGUMENT'),
    refused(
      'text for a tensor model',
      'models.infer',
      infer('bert', { input: 'hello' }),
      'UNIMPLEMENTED',
    ),
    refused('a prompt', 'models.infer', infer('bert', { prompt: 'hello' }), 'UNIMPLEMENTED'),
    refused(
      'text for one input',
      'models.infer',
      infer('vector', { input: 'hello' }),
      'UNIMPLEMENTED',
    ),
    bad('what fails when it runs', 'failing', { x: [1, 2] }, 'INFERENCE_FAILED'),
    ok(
      'the same model with what fits',
      'failing',
      { x: [1, 2, 3, 4, 5, 6, 7] },
      {
        y: [1, 2, 3, 4, 5, 6, 7],
      },
    ),
  ];
}

/** One entry whose name may be `__proto__`. */
function entry(name: string, value: unknown): Answer {
  return Object.fromEntries([[name, value]]);
}
