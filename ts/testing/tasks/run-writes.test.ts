import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GenerationEvent } from '../../client/client.ts';
import { Conversation } from '../../daemon/cli/run/conversation.ts';
import { runMlos } from '../daemon/run-mlos.ts';
import { openPlace } from '../daemon/with-daemon.ts';
import { tinyContext, writeTinyDecoder } from './tiny-decoder.ts';

/*
 * Guards: what a real model writes comes in pieces whose texts together are its answer, to `mlos run` and to every
 * client; a model with a chat template is talked to.
 */
const watchdog = { timeout: 120_000 };

const names = {
  ...{ tokenizer_class: 'BertTokenizer', model_max_length: tinyContext, do_lower_case: true },
  ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]' },
  ...{ sep_token: '[SEP]', mask_token: '[MASK]' },
};
const chatTemplate =
  "{% for message in messages %}{{ 'the ' + message['content'] + ' ' }}{% endfor %}";

async function start(t: TestContext) {
  const place = await openPlace(t);
  const daemon = await place.start();
  const client = await daemon.connect();
  const register = async (name: string, files = {}) => {
    const path = await writeTinyDecoder(join(place.folder, name), { files });
    const { model } = await client.call('models.register', { model_id: `t/${name}@1`, path });
    return model.tasks[0]?.facts;
  };
  const says = async (...args: string[]) => {
    const data = ['--data-dir', daemon.dataFolder];
    const { code, stdout, stderr } = await runMlos(place.folder, ['run', ...args, ...data]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  return { place, client, daemon, register, says };
}

test('the pieces are the answer', watchdog, async (t) => {
  const { client, register, says, daemon } = await start(t);
  assert.deepEqual(await register('write'), { chat: false, context_length: tinyContext });
  const events: GenerationEvent[] = [];
  const parameters = { max_tokens: 12 };
  const { result } = await client.infer(
    't/write@1',
    { text: 'the cat sat' },
    { parameters, onEvent: (event) => events.push(event) },
  );
  const { text, completion_tokens: tokens } = result as { text: string; completion_tokens: number };
  assert.ok(events.length > 1, JSON.stringify(events));
  assert.equal(events.map((event) => event.text).join(''), text);
  assert.equal(
    events.reduce((sum, event) => sum + event.tokens, 0),
    tokens,
  );
  assert.equal(await says('t/write@1', 'the', 'cat sat', '--param', 'max_tokens=12'), `${text}\n`);
  const reply = await fetch(`http://127.0.0.1:${daemon.httpPort}/models/t-write@1/inference`, {
    method: 'POST',
    headers: { accept: 'text/event-stream' },
    body: JSON.stringify({ input: 'the cat sat', ...parameters }),
  });
  const stream = await reply.text();
  const told = [...stream.matchAll(/^event: text\ndata: (.*)$/gm)].map(([, data = '']) => {
    return (JSON.parse(data) as { text: string }).text;
  });
  assert.equal(told.join(''), text);
  assert.match(stream, /event: result\ndata: .*"finish_reason":"length"/);
});

test('a model with a chat template is talked to', watchdog, async (t) => {
  const { place, client, register, says } = await start(t);
  const files = { 'tokenizer_config.json': { ...names, chat_template: chatTemplate } };
  assert.deepEqual(await register('talk', files), { chat: true, context_length: tinyContext });
  const parameters = { max_tokens: 8 };
  const messages = [{ role: 'user', content: 'cat' }];
  const { result } = await client.infer('t/talk@1', { messages }, { parameters });
  const { text } = result as { text: string };
  assert.equal(await says('t/talk@1', 'cat', '--param', 'max_tokens=8'), `${text}\n`);

  // Newer packages have the template in a file of its own.
  await mkdir(join(place.folder, 'newer'));
  await place.file('newer/chat_template.jinja', chatTemplate);
  assert.deepEqual(await register('newer'), { chat: true, context_length: tinyContext });
  const newer = await client.infer('t/newer@1', { messages }, { parameters });
  assert.deepEqual(newer.result, result);
});

test('a conversation goes on where the context is full', watchdog, async (t) => {
  const { client, register } = await start(t);
  await register('talk', { 'tokenizer_config.json': { ...names, chat_template: chatTemplate } });
  const { model } = await client.call('models.get', { model_id: 't/talk@1' });
  const conversation = new Conversation(model.tasks[0] as (typeof model.tasks)[number]);
  const forgot: boolean[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const line = { text: 'the cat sat', max_tokens: 8 };
    forgot.push(
      await conversation.ask(line, (request) =>
        client.call('models.infer', { model_id: model.id, ...request }),
      ),
    );
  }
  assert.deepEqual([forgot[0], forgot.includes(true)], [false, true]);
  const text = 'cat '.repeat(tinyContext);
  await assert.rejects(
    conversation.ask({ text }, (request) =>
      client.call('models.infer', { model_id: model.id, ...request }),
    ),
    /The prompt has \d+ tokens/,
  );
});
