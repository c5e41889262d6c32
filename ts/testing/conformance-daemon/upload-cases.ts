import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ConformanceCase } from '../conformance/case.ts';
import { type Answer, done, type Params, refused } from './case-builders.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Of a model that is never whole here, so that every door begins with the same. */
const whole = Buffer.alloc(1000, 7);
const half = whole.subarray(0, 500);

export function manifestFor(
  files: readonly { readonly path: string; readonly data: Uint8Array }[],
): string {
  const listed = files.map(({ path, data }) => ({
    path,
    size: data.byteLength,
    sha256: sha256(data),
    verified_by: 'local',
  }));
  return JSON.stringify({
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: { name: 'sent', namespace: 'c', version: '1' },
    spec: {
      framework: { name: 'onnx' },
      format: { type: 'onnx', execution_format: 'onnx', files: listed },
    },
  });
}

const manifest = manifestFor([
  { path: 'model.onnx', data: whole },
  { path: 'copy/model.onnx', data: whole },
]);
const model_id = 'c/sent@1';
const upload_id = createHash('sha256').update(`${model_id}\n${manifest}`).digest('hex');
const nobody = '0'.repeat(64);

function chunk(data: Uint8Array, rest: Params = {}): Params {
  return {
    ...{ upload_id, sha256: sha256(whole), offset: 0, chunk_sha256: sha256(data), data },
    ...rest,
  };
}

const wants = (received: number) => (r: Answer) => {
  assert.deepEqual(r['missing'], [{ sha256: sha256(whole), size: 1000, received }]);
  assert.equal(r['missing_bytes'], 1000 - received);
  assert.equal(r['upload_id'], upload_id);
};

/** Uploads, from none to none. */
export function uploadCases(): ConformanceCase[] {
  const begin = (name: string, received: number) =>
    done(name, 'uploads.begin', { model_id, manifest }, wants(received));
  const put = (name: string, params: Params) =>
    done(name, 'uploads.put', params, (r) => {
      assert.deepEqual([r['received'], r['complete']], [500, false]);
    });
  const twins = [
    { path: 'a', data: whole },
    { path: 'a/b', data: half },
  ];
  return [
    done('no uploads', 'uploads.list', {}, (r) => assert.equal(r['total'], 0)),
    refused(
      'a manifest that is none',
      'uploads.begin',
      { model_id, manifest: '1' },
      'INVALID_MANIFEST',
    ),
    refused(
      'a file that is a folder, too',
      'uploads.begin',
      { model_id, manifest: manifestFor(twins) },
      'INVALID_MANIFEST',
    ),
    refused(
      'an upload of no model',
      'uploads.begin',
      { model_id: '../x', manifest },
      'INVALID_MODEL_ID',
    ),
    begin('begin: a content is wanted once', 0),
    refused(
      'a chunk that is not what it says',
      'uploads.put',
      chunk(half, { chunk_sha256: sha256(whole) }),
      'DATA_CORRUPTED',
    ),
    refused(
      'a chunk behind the end',
      'uploads.put',
      chunk(half, { offset: 1 }),
      'FAILED_PRECONDITION',
    ),
    refused('a chunk past the size', 'uploads.put', chunk(Buffer.alloc(1001)), 'INVALID_ARGUMENT'),
    refused('no chunk', 'uploads.put', chunk(new Uint8Array()), 'INVALID_ARGUMENT'),
    refused(
      'a chunk of another file',
      'uploads.put',
      chunk(half, { sha256: sha256(half) }),
      'INVALID_ARGUMENT',
    ),
    refused(
      'a chunk of no upload',
      'uploads.put',
      chunk(half, { upload_id: nobody }),
      'FAILED_PRECONDITION',
    ),
    refused(
      'an upload id that is none',
      'uploads.put',
      chunk(half, { upload_id: '../x' }),
      'INVALID_ARGUMENT',
    ),
    put('the first half', chunk(half)),
    put('the first half again', chunk(half)),
    begin('begin again says where to go on', 500),
    refused('finish what is not whole', 'uploads.finish', { upload_id }, 'FAILED_PRECONDITION'),
    refused('finish no upload', 'uploads.finish', { upload_id: nobody }, 'FAILED_PRECONDITION'),
    done('list', 'uploads.list', {}, (r) => {
      const [upload] = r['uploads'] as Answer[];
      assert.deepEqual(
        [upload?.['model_id'], upload?.['bytes'], upload?.['received']],
        [model_id, 1000, 500],
      );
    }),
    done('cancel', 'uploads.cancel', { upload_id }),
    refused('cancel again', 'uploads.cancel', { upload_id }, 'FAILED_PRECONDITION'),
    begin('begin after that: nothing is left of it', 0),
    done('cancel that, too', 'uploads.cancel', { upload_id }),
  ];
}
