import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ManifestState } from '../../protocol/manifest.ts';
import type { HttpReply } from '../daemon/http-call.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import type { Place } from '../daemon/with-daemon.ts';
import { runningSumModel, runningSumState } from '../onnx-models.ts';

/** A package in a folder of its own, whose manifest declares states. */
export async function writePackage(
  place: Place,
  name: string,
  state: readonly ManifestState[] = runningSumState,
): Promise<string> {
  const path = join(place.folder, name);
  const model = runningSumModel();
  const sha256 = createHash('sha256').update(model).digest('hex');
  const file = { path: 'model.onnx', size: model.byteLength, sha256, verified_by: 'local' };
  await mkdir(path);
  await writeFile(join(path, 'model.onnx'), model);
  const manifest = {
    apiVersion: 'axon.mlos.io/v1',
    kind: 'Model',
    metadata: { name, namespace: 'seq', version: '1' },
    spec: {
      framework: { name: 'onnx' },
      format: { type: 'onnx', execution_format: 'onnx', files: [file] },
      state,
    },
  };
  await writeFile(join(path, 'manifest.yaml'), JSON.stringify(manifest));
  return path;
}

/** Registers such a package; its id. */
export async function registerSum(
  place: Place,
  daemon: DaemonProcess,
  name: string,
  engine: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const id = `seq/${name}@1`;
  const path = await writePackage(place, name);
  const reply = await daemon.http.post('/models/register', { model_id: id, path, engine });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return id;
}

/** One request over HTTP with a row of `value`s. */
export function step(
  daemon: DaemonProcess,
  id: string,
  value: number,
  sequence?: Readonly<Record<string, unknown>>,
): Promise<HttpReply> {
  const inputs = { x: [[value, value]] };
  const body = sequence === undefined ? { inputs } : { inputs, sequence };
  return daemon.http.post(`/models/${encodeURIComponent(id)}/inference`, body);
}
