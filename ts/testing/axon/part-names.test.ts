import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { NameGuard } from '../../axon/package/names.ts';
import { type HubDouble, startHubDouble } from '../hub-double/hub-double.ts';
import { tinyOnnx } from '../hub-double/tiny-onnx.ts';
import { makeHome } from './run-axon.ts';

/* What axon makes while it downloads never has the name of a file that it downloads. */
const files = {
  'config.json': '{}',
  'x.onnx': tinyOnnx(),
  'x.onnx.part': Buffer.alloc(200_000, 3),
  'x.onnx.part.json': '{"mine":1}',
};

let double: HubDouble;
before(async () => {
  double = await startHubDouble({ repos: [{ id: 'acme/parts', files }] });
});
after(() => double.close());

test('files that are called as parts were: each arrives with its own bytes', async (t) => {
  const home = makeHome(t, double);
  // Only the model comes from there: the others end while it is under way.
  double.lie({ on: 'cdn', kind: 'slow' });
  const { status, stderr } = await home.axon('install', 'hf/acme/parts', '--all');
  assert.equal(status, 0, stderr);
  const dir = path.join(home.models, 'hf/acme/parts/latest');
  for (const [name, bytes] of Object.entries(files))
    assert.deepEqual(fs.readFileSync(path.join(dir, name)), Buffer.from(bytes), name);
  const verified = await home.axon('verify', 'hf/acme/parts');
  assert.equal(verified.status, 0, verified.stderr);
});

test('a source brings no name that begins as those of axon, wherever it lies', () => {
  for (const name of ['.axon-part-1', 'd/.AXON-part-1', '.axon-d/x.onnx'])
    assert.throws(() => new NameGuard('test').add(name, 1), {
      code: 'UNSAFE_PACKAGE',
      message: /begins with \.axon-, which axon keeps for itself/,
    });
  for (const name of ['x.onnx.part', '.axonrc', 'd.axon-1']) new NameGuard('test').add(name, 1);
});
