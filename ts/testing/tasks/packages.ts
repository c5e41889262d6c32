import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { env, pipeline } from '@huggingface/transformers';
import type { HttpReply } from '../daemon/http-call.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { Place } from '../daemon/with-daemon.ts';

env.allowRemoteModels = false;

// biome-ignore lint/suspicious/noExplicitAny: each task has results of its own.
export type Anything = any;

/** A model in service, and the field's own library on the same files. */
export interface Packed {
  /** The task's result. */
  ask(body: object): Promise<Anything>;
  reply(body: object): Promise<HttpReply>;
  readonly path: string;
  reference(task: string): Promise<Anything>;
}

/** One daemon for the tests of a file; `write` makes a package in a folder and answers its model file. */
export function packages() {
  let place: Place;
  let daemon: DaemonProcess;
  before(async () => {
    place = new Place(await mkdtemp(join(tmpdir(), 'mlos-tasks-')));
    daemon = await place.start();
  });
  after(async () => {
    await place.clear();
    await rm(place.folder, { recursive: true, force: true });
  });
  const pack = async (
    name: string,
    write: (folder: string) => Promise<string>,
  ): Promise<Packed> => {
    const folder = join(place.folder, name);
    const path = await write(folder);
    const params = { model_id: `t/${name}@1`, path };
    const registered = await daemon.http.post('/models/register', params);
    assert.equal(registered.status, 200, JSON.stringify(registered.body));
    const endpoint = `/models/t-${name}@1/inference`;
    const reply = (body: object) => daemon.http.post(endpoint, body);
    const ask = async (body: object) => {
      const answer = await reply(body);
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.result;
    };
    const reference = async (task: string): Promise<Anything> =>
      pipeline(task as 'fill-mask', folder, { dtype: 'fp32', local_files_only: true });
    return { ask, reply, reference, path: endpoint };
  };
  return { pack, daemon: () => daemon };
}

/** Within 1e-6 of each other. */
export function near(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of actual.entries()) {
    assert.ok(
      Math.abs(value - (expected[index] ?? Number.NaN)) < 1e-6,
      `${index}: ${value}, ${expected[index]}`,
    );
  }
}

/** The same labels in the same order, with the same scores. */
export function sameLabels(found: readonly Anything[], expected: readonly Anything[]): void {
  assert.deepEqual(
    found.map(({ label }) => label),
    expected.map(({ label }) => label),
  );
  near(
    found.map(({ score }) => score),
    expected.map(({ score }) => score),
  );
}
