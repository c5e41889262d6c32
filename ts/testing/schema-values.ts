import type { JsonSchema } from '../protocol/json-schema.ts';

/*
 * Values to try on a schema: around every bound that it states, of every other type, with every key
 * missing, wrong or too many. The first of a list fits; whether another does is for the checks to say.
 */
const anything: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 60,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1n,
  '',
  'x',
  'a\nb',
  '\ud800',
  [],
  [[]],
  {},
  new Uint8Array(3),
];

function strings({ minLength = 0, maxLength = 100, pattern }: JsonSchema): unknown[] {
  const lengths = [minLength - 1, minLength, maxLength, maxLength + 1].filter((n) => n >= 0);
  return [
    pattern === undefined ? 'a'.repeat(Math.max(minLength, 1)) : matching(pattern),
    ...lengths.flatMap((length) => ['a'.repeat(length), '😀'.repeat(length)]),
    'name@1.0',
    'A'.repeat(64),
  ];
}

/** A hash, or a time: what the patterns of the contract are about. */
function matching(pattern: string): string {
  const known = ['a'.repeat(64), '2024-05-06T07:08:09Z'];
  return known.find((text) => new RegExp(pattern, 'u').test(text)) ?? '';
}

function numbers({ minimum = -1e6, maximum = 1e6 }: JsonSchema): unknown[] {
  return [minimum, minimum - 1, minimum + 0.5, maximum, maximum + 1, maximum * 2, '1'];
}

function arrays({ items = {}, minItems = 0, maxItems = 5 }: JsonSchema): unknown[] {
  const [fitting, ...others] = schemaValues(items);
  const of = (length: number): unknown[] => new Array(Math.max(0, length)).fill(fitting);
  return [
    of(Math.max(minItems, 1)),
    ...[minItems, minItems - 1, maxItems, maxItems + 1].map(of),
    ...others.map((item) => [...of(minItems - 1), item]),
  ];
}

function objects(schema: JsonSchema): unknown[] {
  const { properties = {}, patternProperties = {} } = schema;
  const values = Object.entries(properties).map(
    ([key, inner]) => [key, schemaValues(inner)] as const,
  );
  const full = Object.fromEntries(values.map(([key, [fitting]]) => [key, fitting]));
  const list: unknown[] = [full, { ...full, strange: 1 }, { ...full, 'two\nlines': 1 }];
  for (const [key, choices] of values) {
    const { [key]: _, ...without } = full;
    list.push(without, ...choices.map((choice) => ({ ...full, [key]: choice })));
  }
  for (const inner of Object.values(patternProperties)) {
    for (const item of schemaValues(inner)) list.push({ key: item }, { 'two\nlines': item });
  }
  return list;
}

function own(schema: JsonSchema): unknown[] {
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(schemaValues);
  if (schema.const !== undefined) return [schema.const, `${schema.const}x`];
  if (schema.enum !== undefined) return [...schema.enum, 'strange'];
  switch (schema.type) {
    case 'object':
      return objects(schema);
    case 'array':
      return arrays(schema);
    case 'string':
      return strings(schema);
    case 'integer':
    case 'number':
      return numbers(schema);
    case 'boolean':
      return [true, false];
    default:
      return [null];
  }
}

export function schemaValues(schema: JsonSchema): unknown[] {
  return [...own(schema), ...anything];
}
