import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain } from './explain-schema.ts';
import type { JsonSchema } from './json-schema.ts';

const schema: JsonSchema = {
  type: 'object',
  required: ['id'],
  additionalProperties: false,
  properties: {
    id: {
      type: 'string',
      minLength: 1,
      maxLength: 80,
      pattern: '^[a-z]+(@\\d+)?$',
      description: 'name@version, or the name alone.',
    },
    count: { type: 'integer', minimum: 1, maximum: 9 },
    ratio: { type: 'number', minimum: 0 },
    state: { type: 'string', enum: ['on', 'off'] },
    kind: { type: 'string', const: 'Model' },
    flag: { anyOf: [{ type: 'boolean' }, { type: 'string', const: 'true' }] },
    shape: {
      anyOf: [{ type: 'array', items: { type: 'integer', minimum: -1 } }, { type: 'null' }],
    },
    pair: { type: 'array', items: {}, minItems: 2, maxItems: 2 },
    inputs: { type: 'object', patternProperties: { '^.*$': { type: 'number' } } },
  },
};

const idWords =
  'a text of 1 to 80 characters that matches ^[a-z]+(@\\d+)?$ (name@version, or the name alone)';
const known = 'Known: id, count, ratio, state, kind, flag, shape, pair, inputs.';

const sentences: readonly (readonly [unknown, string | null])[] = [
  [{ id: 'a' }, null],
  [
    { id: 'a', shape: null, flag: 'true', inputs: { x: 1 }, pair: ['a', 1], count: undefined },
    null,
  ],
  [[1, 2], 'params is a list of 2, but must be an object.'],
  [null, 'params is null, but must be an object.'],
  [{}, `id is missing; it must be ${idWords}.`],
  [{ id: undefined }, `id is undefined, but must be ${idWords}.`],
  [{ id: '' }, `id is "", but must be ${idWords}.`],
  [{ id: 'x'.repeat(81) }, `id is "${'x'.repeat(60)}"… (81 characters), but must be ${idWords}.`],
  [{ id: 'a', cuont: 1 }, `cuont is not known. Did you mean "count"? ${known}`],
  [{ id: 'a', 'a b': 1 }, `["a b"] is not known. ${known}`],
  [{ id: 'a', count: 10 }, 'count is 10, but must be a whole number from 1 to 9.'],
  [{ id: 'a', count: '5' }, 'count is "5", but must be a whole number from 1 to 9.'],
  [{ id: 'a', count: 5n }, 'count is 5, but must be a whole number from 1 to 9.'],
  [{ id: 'a', ratio: Number.NaN }, 'ratio is NaN, but must be a number, at least 0.'],
  [{ id: 'a', state: 'no' }, 'state is "no", but must be one of on, off.'],
  [{ id: 'a', kind: {} }, 'kind is an object, but must be "Model".'],
  [{ id: 'a', flag: 'yes' }, 'flag is "yes", but must be true or false or "true".'],
  [{ id: 'a', shape: [3, -2] }, 'shape[1] is -2, but must be a whole number, at least -1.'],
  [{ id: 'a', shape: 3 }, 'shape is 3, but must be a list or null.'],
  [{ id: 'a', pair: [1] }, 'pair is a list of 1, but must be a list of 2 entries.'],
  [{ id: 'a', inputs: { x: 'b' } }, 'inputs.x is "b", but must be a number.'],
  [
    { id: 'a', inputs: { 'a"b': new Uint8Array(3) } },
    'inputs["a\\"b"] is 3 bytes, but must be a number.',
  ],
];

for (const [index, [value, sentence]] of sentences.entries()) {
  test(`says where, what came and what would be right, ${index}`, () => {
    assert.equal(explain(schema, value, 'params'), sentence);
  });
}

test('characters are code points, as the checks count them', () => {
  assert.equal(explain({ type: 'string', maxLength: 2 }, '😀😀', 'it'), null);
  assert.match(
    explain({ type: 'string', maxLength: 1 }, '😀😀', 'it') ?? '',
    /at most 1 characters/,
  );
});

test('a sentence stays short whatever came', () => {
  const long = 'k'.repeat(100_000);
  const sentence = explain(schema, { id: 'a', inputs: { [long]: long } }, 'it') ?? '';
  assert.ok(sentence.length < 400, sentence);
});
