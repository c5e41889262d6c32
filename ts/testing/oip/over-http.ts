import { after, before, describe } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { openPlace, type Place } from '../daemon/with-daemon.ts';
import { addMultiplyModel, identityModel, matMulModel } from '../onnx-models.ts';
import { exchange, type OipReply } from './exchange.ts';

/** A real daemon with the models of these tests, asked over HTTP as clients of the protocol do. */
export interface OipOverHttp {
  readonly place: Place;
  readonly daemon: DaemonProcess;
  get(path: string): Promise<OipReply>;
  post(path: string, options?: Parameters<typeof exchange>[3]): Promise<OipReply>;
  infer(model: string, json: unknown): Promise<OipReply>;
}

/** The binary part of an answer. */
export function floats(reply: OipReply): number[] {
  return [...new Float32Array(new Uint8Array(reply.binary).buffer, 0, reply.binary.length / 4)];
}

const models = {
  'test/simple@1': identityModel('float32', [2, 4], { input: 'INPUT0', output: 'OUTPUT0' }),
  'test/vector@1': identityModel('float32', ['n']),
  'test/texts@1': identityModel('string', ['n']),
  'test/wide@1': identityModel('int64', ['n']),
  'test/half@1': identityModel('float16', ['n']),
  'test/pair@1': addMultiplyModel(),
  'test/linear@1': matMulModel(4, 6),
};

/** Defines the tests once for each HTTP adapter; `oip` may be used within them. */
export function overEachAdapter(title: string, define: (oip: OipOverHttp) => void): void {
  for (const adapter of ['auto', 'node']) {
    describe(`${title}, adapter ${adapter}`, () => {
      let place: Place;
      let daemon: DaemonProcess;
      const cleanUp: (() => unknown)[] = [];

      before(async () => {
        place = await openPlace({ after: (done) => cleanUp.push(done as () => unknown) });
        daemon = await place.start({ args: ['--set', `api.http.adapter=${adapter}`] });
        for (const [id, model] of Object.entries(models)) {
          await registerModel(place, daemon, { id, model });
        }
      });
      after(async () => {
        for (const done of cleanUp) await done();
      });

      const post: OipOverHttp['post'] = (path, options = {}) =>
        exchange(daemon.httpPort, 'POST', path, options);
      define({
        get place() {
          return place;
        },
        get daemon() {
          return daemon;
        },
        get: (path) => exchange(daemon.httpPort, 'GET', path),
        post,
        infer: (model, json) => post(`/v2/models/${model}/infer`, { body: JSON.stringify(json) }),
      });
    });
  }
}
