import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { explain } from '../protocol/explain-schema.ts';
import { manifestSchema } from '../protocol/generated/manifest.ts';
import type { JsonSchema } from '../protocol/json-schema.ts';
import { ManifestSchema } from '../protocol/manifest-schema.ts';
import { findMethod, methodTable } from '../protocol/method-table.ts';
import { methodDeclarations } from '../protocol/methods/declarations.ts';
import { HelloSchema, LoadResultSchema } from '../smi/from-plugin-schemas.ts';
import { helloSchema, loadResultSchema } from '../smi/generated/from-plugin.ts';
import { schemaValues } from './schema-values.ts';

/*
 * Three readers of one schema, and they agree on every value: TypeBox, whose word counts; the check
 * generated from it; and explain(), which has a sentence exactly for what the check refuses.
 */
const declared: readonly (readonly [string, TSchema, JsonSchema, (value: unknown) => boolean])[] = [
  ...methodDeclarations.map(({ name, params }) => {
    const spec = findMethod(name);
    assert.ok(spec !== undefined, name);
    return [name, params, spec.params, spec.check] as const;
  }),
  ['manifest', ManifestSchema, manifestSchema.schema, manifestSchema.check],
  ['hello', HelloSchema, helloSchema.schema, helloSchema.check],
  ['load_model', LoadResultSchema, loadResultSchema.schema, loadResultSchema.check],
];

for (const [name, declaration, schema, check] of declared) {
  test(`${name}: TypeBox, the generated check and explain() agree`, () => {
    const truth = Compile(declaration);
    const outcomes = { accepted: 0, refused: 0 };
    for (const [index, value] of schemaValues(schema).entries()) {
      const isRight = truth.Check(value);
      outcomes[isRight ? 'accepted' : 'refused'] += 1;
      assert.equal(check(value), isRight, `check of value ${index}`);
      const sentence = explain(schema, value, 'the whole');
      if (isRight) assert.equal(sentence, null, `value ${index}`);
      else assert.match(sentence ?? '', /^[^\n]{1,900}\.$/, `value ${index}`);
    }
    assert.ok(outcomes.accepted > 0 && outcomes.refused > 10, JSON.stringify(outcomes));
  });
}

test('the table has the declared rows, in their order', () => {
  const facts = (row: {
    name: string;
    summary: string;
    errors: unknown;
    http: unknown;
    grpc: unknown;
  }) => [row.name, row.summary, row.errors, row.http, row.grpc];
  assert.deepEqual(methodTable.map(facts), methodDeclarations.map(facts));
});
