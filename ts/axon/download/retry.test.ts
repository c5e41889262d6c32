import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noProgress } from '../render/progress.ts';
import type { DownloadOptions } from './options.ts';
import { Retryable, withRetries } from './retry.ts';
import { Slots } from './slots.ts';

function options(signal: AbortSignal, note: (text: string) => void): DownloadOptions {
  return {
    ...{ maxRetries: 3, retryWaitMs: 1, stallMs: 1000, connections: new Slots(1) },
    ranges: { from: 1, piece: 1 },
    ...{ progress: noProgress, note, signal },
    proxyFor: () => null,
  };
}

test('a connection that breaks because of an interruption is not tried again, nor is that said', async () => {
  const said: string[] = [];
  const abort = new AbortController();
  let tries = 0;
  const work = withRetries(
    options(abort.signal, (text) => said.push(text)),
    async () => {
      tries += 1;
      abort.abort();
      throw new Retryable('the host: aborted');
    },
  );
  await assert.rejects(work, { name: 'AbortError' });
  assert.deepEqual([tries, said], [1, []]);
});
