import assert from 'node:assert/strict';
import type { HttpReply } from './http-call.ts';
import type { DaemonProcess } from './start-daemon.ts';
import type { Place } from './with-daemon.ts';

/** Writes a model and registers it; the test fails where the daemon refuses. */
export async function registerModel(
  place: Place,
  daemon: DaemonProcess,
  options: {
    readonly id: string;
    readonly model: Uint8Array | string;
    readonly extension?: string;
    readonly params?: Readonly<Record<string, unknown>>;
  },
): Promise<string> {
  const { id, model, extension = 'onnx', params = {} } = options;
  const path = await place.file(`${encodeURIComponent(id)}.${extension}`, model);
  const reply = await daemon.http.post('/models/register', { model_id: id, path, ...params });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return path;
}

export function infer(
  daemon: DaemonProcess,
  id: string,
  inputs: Readonly<Record<string, unknown>>,
  rest: Readonly<Record<string, unknown>> = {},
): Promise<HttpReply> {
  return daemon.http.post(`/models/${encodeURIComponent(id)}/inference`, { inputs, ...rest });
}

/** `ok`, or the code of an answer. */
export function codeOf(reply: HttpReply): string {
  return reply.status === 200 ? 'ok' : `${reply.status} ${reply.body.code}`;
}
