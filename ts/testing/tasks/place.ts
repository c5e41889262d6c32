import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { registerModel } from '../daemon/models.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { makeFakePlugin } from '../fake-plugin/make.ts';

/** A daemon with the model f/tasks@1 of the fake plugin, which can do all tasks of it, or only one. */
export async function fakeTasks(
  t: TestContext,
  only = '',
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) {
  const place = await openPlace(t);
  await makeFakePlugin(join(place.folder, 'data/plugins/fake'));
  const daemon = await place.start({ args, env });
  const register = (id: string, model: string) => {
    const params = { execution_format: 'fake' };
    return registerModel(place, daemon, { id, model, extension: 'fake', params });
  };
  await register('f/tasks@1', only === '' ? 'tasks' : `tasks ${only}`);
  const path = '/models/f-tasks@1/inference';
  const ask = (body: object) => daemon.http.post(path, body);
  return { place, daemon, ask, register, url: `http://127.0.0.1:${daemon.httpPort}${path}` };
}
