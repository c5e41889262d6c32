import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import { methodTable } from '../../../protocol/method-table.ts';
import { Router } from './router.ts';

const router = new Router();

function codeOf(run: () => unknown): MlosError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof MlosError);
    return error;
  }
  return assert.fail('nothing was thrown');
}

test('every spelling of a model id reaches its operation', () => {
  for (const raw of ['hf-bert@latest', 'hf%2Fbert%40latest', 'hf/bert@latest', 'hf/ms/resnet-50']) {
    assert.equal(router.match('GET', `/models/${raw}`).raw, raw);
    const infer = router.match('POST', `/models/${raw}/inference`);
    assert.deepEqual(
      [infer.spec.name, infer.variable, infer.raw],
      ['models.infer', 'model_id', raw],
    );
    assert.equal(router.match('POST', `/models/${raw}/load`).spec.name, 'models.load');
    assert.equal(router.match('DELETE', `/models/${raw}`).spec.name, 'models.unregister');
  }
});

test('a path without variables wins, aliases and HEAD work', () => {
  assert.equal(router.match('POST', '/models/register').spec.name, 'models.register');
  assert.equal(router.match('GET', '/health/ready').spec.name, 'health.ready');
  assert.equal(router.match('HEAD', '/health').spec.name, 'health.get');
});

test('unknown paths name the nearest, known ones the verbs they take', () => {
  const unknown = codeOf(() => router.match('GET', '/helth'));
  assert.equal(unknown.code, 'UNKNOWN_METHOD');
  assert.match(unknown.message, /Did you mean "\/health"/);
  const verb = codeOf(() => router.match('GET', '/models/hf/bert/inference'));
  assert.equal(verb.code, 'METHOD_NOT_ALLOWED');
  assert.deepEqual(verb.details?.['allow'], ['POST', 'OPTIONS']);
  const typo = codeOf(() => router.match('POST', '/models/hf/bert/inferense'));
  assert.match(typo.message, /Did you mean "\/models\/hf\/bert\/inference"/);
  for (const path of ['/models/', '/', '', '/models//', '//health', '/health/']) {
    assert.ok(codeOf(() => router.match('POST', path)).code.length > 0, path);
  }
});

test('docs/http.md has every path', () => {
  const root = new URL('../../../../', import.meta.url);
  const text = readFileSync(new URL('docs/http.md', root), 'utf8');
  for (const { name, http } of methodTable) {
    const aliases = 'aliases' in http ? http.aliases : [];
    for (const path of [http.path, ...aliases]) {
      assert.ok(text.includes(`\`${http.verb} ${path}\``), `${name}: ${http.verb} ${path}`);
    }
  }
});
