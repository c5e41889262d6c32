import { PassThrough } from 'node:stream';
import { type Context, makeContext } from '../../axon/context.ts';
import { Output } from '../../axon/render/output.ts';
import { noProgress } from '../../axon/render/progress.ts';
import { Settings } from '../../axon/settings/settings.ts';

/** What a command gets, for tests of what lies below the commands. */
export async function testContext(home: string, more: NodeJS.ProcessEnv): Promise<Context> {
  const env = { HOME: home, AXON_HOME: home, ...more };
  const stream = new PassThrough() as unknown as NodeJS.WriteStream;
  return makeContext({
    env,
    cwd: home,
    stdin: new PassThrough(),
    settings: await Settings.load(env),
    output: new Output({
      json: false,
      quiet: true,
      env,
      stdout: stream,
      stderr: stream,
      progress: noProgress,
    }),
    signal: new AbortController().signal,
  });
}
