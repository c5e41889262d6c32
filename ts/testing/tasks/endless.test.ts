import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDescriptorsOf, residentBytesOf } from '../daemon/processes.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { writeTinyDecoder } from './tiny-decoder.ts';

/*
 * Guards: with a real model, through every API: a text without an end stops when its client leaves, streamed or not,
 * and nothing of it stays; a prompt that is too long is refused by name, and the next request is served.
 */
const watchdog = { timeout: 180_000 };
const id = 't/talk@1';
/** Takes the model some minutes. */
const tokens = 100_000;
const rounds = 8;

const chatTemplate =
  "{% for message in messages %}{{ 'the ' + message['content'] + ' ' }}{% endfor %}";
const tokenizer = {
  ...{ tokenizer_class: 'BertTokenizer', model_max_length: tokens * 2, do_lower_case: true },
  ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]' },
  ...{ sep_token: '[SEP]', mask_token: '[MASK]', chat_template: chatTemplate },
};

async function start(t: TestContext) {
  const place = await openPlace(t);
  const daemon = await place.start();
  const files = { 'tokenizer_config.json': tokenizer };
  const path = await writeTinyDecoder(join(place.folder, 'talk'), { context: tokens * 2, files });
  const { status, body } = await daemon.http.post('/models/register', { model_id: id, path });
  assert.equal(status, 200, JSON.stringify(body));
  const post = (at: string, asked: object, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${daemon.httpPort}${at}`, {
      method: 'POST',
      headers: 'accept' in asked ? { accept: String(asked.accept) } : {},
      body: JSON.stringify({ ...asked, accept: undefined }),
      ...(signal === undefined ? {} : { signal }),
    });
  return { daemon, post };
}

interface Api {
  readonly path: string;
  ask(prompt: string, max: number): object;
}

const messages = (content: string) => [{ role: 'user', content }];
/** The end of a text is never said, so that only its length ends it. */
const never = 4;
const bias = { [never]: -100 };
const list = [{ token: never, bias: -100 }];
const events = { accept: 'text/event-stream' };

const apis: readonly Api[] = [
  {
    path: '/v1/chat/completions',
    ask: (prompt, max_tokens) => ({
      ...{ model: id, messages: messages(prompt), max_tokens, logit_bias: bias, stream: true },
    }),
  },
  {
    path: '/v1/completions',
    ask: (prompt, max_tokens) => ({ model: id, prompt, max_tokens, logit_bias: bias }),
  },
  {
    path: '/v1/responses',
    ask: (input, max_output_tokens) => ({
      ...{ model: id, input, max_output_tokens, logit_bias: bias, stream: true },
    }),
  },
  {
    path: '/api/chat',
    ask: (prompt, num_predict) => ({
      ...{ model: id, messages: messages(prompt), options: { num_predict } },
    }),
  },
  {
    path: '/api/generate',
    ask: (prompt, num_predict) => ({ model: id, prompt, options: { num_predict }, stream: false }),
  },
  {
    path: '/models/t-talk@1/inference',
    ask: (input, max_tokens) => ({ input, max_tokens, logit_bias: list, ...events }),
  },
  {
    path: '/v2/models/t/talk/generate_stream',
    ask: (text_input, max_tokens) => ({ text_input, max_tokens, logit_bias: list }),
  },
];

test('who leaves a text without an end stops it, and nothing stays', watchdog, async (t) => {
  const { daemon, post } = await start(t);
  const [plugin = 0] = daemon.plugins();
  const leave = async ({ path, ask }: Api) => {
    const controller = new AbortController();
    const asked = ask('the cat sat', tokens);
    const isStream =
      !JSON.stringify(asked).includes('"stream":false') && path !== '/v1/completions';
    const call = post(path, asked, controller.signal);
    if (isStream) {
      const reply = await call;
      assert.equal(reply.status, 200, path);
      const reader = reply.body?.getReader();
      for (let pieces = 0; pieces < 5; pieces += 1) await reader?.read();
      controller.abort();
    } else {
      setTimeout(() => controller.abort(), 100);
      await assert.rejects(call, { name: 'AbortError' });
    }
  };
  const round = async () => {
    for (const api of apis) await leave(api);
    // It waits for what is under way, which would be minutes.
    const { body } = await daemon.http.post('/models/t-talk@1/unload');
    assert.equal(body.status, 'success', JSON.stringify(body));
    const { status, body: loaded } = await daemon.http.post('/models/t-talk@1/load');
    assert.equal(status, 200, JSON.stringify(loaded));
  };
  await round();
  const measure = () => ({
    daemon: openDescriptorsOf(daemon.pid).length,
    plugin: openDescriptorsOf(plugin).length,
  });
  const before = measure();
  const resident = residentBytesOf(plugin) + residentBytesOf(daemon.pid);
  for (let turn = 0; turn < rounds; turn += 1) await round();
  const after = measure();
  assert.equal(after.plugin, before.plugin);
  // Connections that the client keeps open come and go.
  assert.ok(after.daemon <= before.daemon + apis.length, JSON.stringify({ before, after }));
  const grown = residentBytesOf(plugin) + residentBytesOf(daemon.pid) - resident;
  t.diagnostic(`${(grown / 1e6).toFixed(1)} MB more after ${rounds * apis.length} texts`);
  assert.ok(grown < 150e6, `${grown} bytes stayed`);
  assert.deepEqual(daemon.plugins(), [plugin], 'one process wrote all of it');

  // Nobody writes any more.
  const cpu = async () => (await daemon.http.get('/stats/engine')).body.processes[0].cpu_seconds;
  const used = await cpu();
  await sleep(500);
  assert.ok((await cpu()) - used < 0.25, 'the plugin works for nobody');
});

test('a prompt of 10 MB is refused by name, and the next one is served', watchdog, async (t) => {
  const { daemon, post } = await start(t);
  const [plugin = 0] = daemon.plugins();
  const long = 'cat '.repeat(2.5e6);
  // Less than what the daemon refuses at once, and more than a tokenizer reads at once.
  const medium = 'cat '.repeat(300_000);
  for (const { path, ask } of apis) {
    for (const prompt of [long, medium]) {
      const reply = await post(path, ask(prompt, 4));
      const text = await reply.text();
      assert.equal(reply.status, 413, `${path}: ${text.slice(0, 300)}`);
      assert.match(text, /\d+ characters/, path);
    }
    const served = await post(path, ask('the cat', 4));
    const text = await served.text();
    assert.equal(served.status, 200, `${path}: ${text}`);
  }
  assert.deepEqual(daemon.plugins(), [plugin], 'it was never restarted');
});
