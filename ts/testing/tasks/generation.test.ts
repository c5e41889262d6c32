import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutoModelForCausalLM, AutoTokenizer, env } from '@huggingface/transformers';
import type { EngineStatsWire } from '../../protocol/methods/engine.ts';
import { codeOf } from '../daemon/models.ts';
import type { DaemonProcess } from '../daemon/start-daemon.ts';
import { Place } from '../daemon/with-daemon.ts';
import { type TinyDecoder, tinyContext, writeTinyDecoder } from './tiny-decoder.ts';

/*
 * Guards: a real daemon goes on with a text as the field's own library does in process, on the same files,
 * token for token; and the promises beside that: seeds, stop texts, lengths, log probabilities.
 */
const watchdog = { timeout: 120_000 };
env.allowRemoteModels = false;

// biome-ignore lint/suspicious/noExplicitAny: a result's fields are looked at one by one.
type Anything = any;

let place: Place;
let daemon: DaemonProcess;
before(async () => {
  place = new Place(await mkdtemp(join(tmpdir(), 'mlos-writes-')));
  daemon = await place.start();
});
after(async () => {
  await place.clear();
  await rm(place.folder, { recursive: true, force: true });
});

async function pack(name: string, about: TinyDecoder = {}) {
  const folder = join(place.folder, name);
  const path = await writeTinyDecoder(folder, about);
  const registered = await daemon.http.post('/models/register', { model_id: `t/${name}@1`, path });
  assert.equal(registered.status, 200, JSON.stringify(registered.body));
  const post = (body: object) => daemon.http.post(`/models/t-${name}@1/inference`, body);
  const ask = async (body: object): Promise<Anything> => {
    const reply = await post(body);
    assert.equal(reply.status, 200, JSON.stringify(reply.body));
    return reply.body.result;
  };
  return { folder, post, ask };
}

/** The library's own greedy text after the prompt, in process. */
async function referenceText(folder: string, prompt: string, tokens: number): Promise<string> {
  const options = { local_files_only: true } as const;
  const tokenizer: Anything = await AutoTokenizer.from_pretrained(folder, options);
  const model: Anything = await AutoModelForCausalLM.from_pretrained(folder, {
    ...{ ...options, dtype: 'fp32' },
  });
  const inputs = tokenizer(prompt);
  const all = await model.generate({ ...inputs, max_new_tokens: tokens, do_sample: false });
  await model.dispose();
  const text = (ids: Anything) => tokenizer.decode(ids, { skip_special_tokens: true });
  const given = [...inputs.input_ids.data];
  return text(all.tolist()[0]).slice(text(given).length);
}

const prompts = ['the cat', 'hello mlos in paris', 'on a nice mat the cat sat'];

test('greedy text is the library’s own, token for token', watchdog, async () => {
  const { folder, ask } = await pack('greedy');
  for (const prompt of prompts) {
    const expected = await referenceText(folder, prompt, 20);
    const got = await ask({ input: prompt, max_tokens: 20 });
    assert.ok(expected.length > 0);
    assert.equal(got.text, expected);
    assert.equal(got.prompt_tokens, prompt.split(' ').length + 2);
  }
});

test('a model without a past writes the same', watchdog, async () => {
  const { ask: withPast } = await pack('past');
  const { ask } = await pack('no-past', { keepsPast: false });
  for (const prompt of prompts) {
    const body = { input: prompt, max_tokens: 12 };
    assert.deepEqual(await ask(body), await withPast(body));
  }
});

test('texts that are written at once do not know of each other', watchdog, async () => {
  const { ask } = await pack('at-once');
  const alone = new Map<string, unknown>();
  for (const prompt of prompts) alone.set(prompt, await ask({ input: prompt, max_tokens: 30 }));
  const many = Array.from({ length: 24 }, (_, index) => prompts[index % 3] as string);
  const answers = await Promise.all(many.map((input) => ask({ input, max_tokens: 30 })));
  for (const [index, prompt] of many.entries()) {
    assert.deepEqual(answers[index], alone.get(prompt));
  }
});

test('its steps are counted as the model’s', watchdog, async () => {
  const { ask } = await pack('counted');
  const { completion_tokens: tokens } = await ask({ input: 'the cat', max_tokens: 20 });
  for (;;) {
    const { processes } = (await daemon.http.get('/stats/engine')).body as EngineStatsWire;
    const [model, ...others] = processes
      .flatMap(({ models }) => models)
      .filter(({ model_id: id }) => id === 't/counted@1');
    assert.equal(others.length, 0);
    // The engine counts a little later than it answers.
    if ((model?.succeeded ?? 0) < tokens) await sleep(10);
    else {
      assert.ok((model?.state_bytes ?? 0) > 0, JSON.stringify(model));
      return;
    }
  }
});

test('one seed, one text; another seed, another', watchdog, async () => {
  const { ask } = await pack('seeds');
  const write = async (seed: number) =>
    (await ask({ input: 'the cat', max_tokens: 30, temperature: 1.5, seed })).text;
  const first = await write(1);
  assert.equal(await write(1), first);
  const others = await Promise.all([2, 3, 4].map(write));
  assert.ok(others.some((text) => text !== first));
});

test('a stop text ends the text before it, and lengths are kept', watchdog, async () => {
  const { ask, post } = await pack('ends');
  const whole = await ask({ input: 'the cat', max_tokens: 12 });
  const words = whole.text.trim().split(' ');
  const stop = words.find((word: string, at: number) => at > 1 && words.indexOf(word) === at);
  const cut = await ask({ input: 'the cat', max_tokens: 12, stop });
  assert.equal(cut.finish_reason, 'stop');
  assert.equal(cut.text, whole.text.slice(0, whole.text.indexOf(stop)));
  const short = await ask({ input: 'the cat', max_length: 7 });
  assert.equal(short.completion_tokens, 3);
  assert.equal(short.finish_reason, 'length');
  assert.equal((await ask({ input: 'the cat', max_tokens: 0 })).text, '');
  const refused = await post({ input: 'the cat', max_length: 4 });
  assert.equal(codeOf(refused), '400 INVALID_VALUE');
  assert.match(refused.body.message, /max_length is 4 tokens.*has 4/s);
  const strange = await post({ input: 'the cat', logit_bias: [{ token: 99_999, bias: 1 }] });
  assert.equal(codeOf(strange), '400 INVALID_VALUE');
  const long = await post({ input: 'cat '.repeat(tinyContext) });
  assert.equal(codeOf(long), '400 INVALID_VALUE');
  assert.match(long.body.message, /66 tokens.*at most 64/s);
});

test('log probabilities are the softmax of the model’s own logits', watchdog, async () => {
  const { ask } = await pack('logprobs');
  const body = { input: 'the cat', max_tokens: 4, top_logprobs: 18 };
  const { logprobs } = await ask({ ...body, logprobs: true });
  assert.equal(logprobs.length, 4);
  for (const { logprob, token, top } of logprobs) {
    assert.equal(top[0].token, token);
    assert.ok(Math.abs(top[0].logprob - logprob) < 1e-9);
    const sum = top.reduce((all: number, one: Anything) => all + Math.exp(one.logprob), 0);
    assert.ok(sum <= 1 + 1e-6 && sum > 0.5, String(sum));
  }
});

test(
  'what the package says of lengths and choices holds where a request says nothing',
  watchdog,
  async () => {
    const files = { 'generation_config.json': { max_new_tokens: 3 } };
    const { ask } = await pack('packaged', { files });
    assert.equal((await ask({ input: 'the cat' })).completion_tokens, 3);
  },
);

test('a conversation needs a chat template, and uses it', watchdog, async () => {
  const { post } = await pack('no-template');
  const messages = [{ role: 'user', content: 'the cat' }];
  const refused = await post({ messages });
  assert.equal(codeOf(refused), '501 UNIMPLEMENTED');
  assert.match(refused.body.message, /no chat template/);
  const template = '{% for m in messages %}{{ m.content }} {% endfor %}sat';
  const { ask } = await pack('template', {
    files: {
      'tokenizer_config.json': {
        ...{ tokenizer_class: 'BertTokenizer', model_max_length: 64, do_lower_case: true },
        ...{ pad_token: '[PAD]', unk_token: '[UNK]', cls_token: '[CLS]', sep_token: '[SEP]' },
        chat_template: template,
      },
    },
  });
  // The template writes special tokens itself; here it writes none.
  const raw = await ask({ input: 'the cat sat', raw: true, max_tokens: 6 });
  assert.deepEqual(await ask({ messages, max_tokens: 6 }), raw);
});

test('tensors and texts of one model, side by side', watchdog, async () => {
  const { ask, post } = await pack('both');
  const reply = await post({
    inputs: {
      ...{ input_ids: [[2, 6]], attention_mask: [[1, 1]] },
      'past_key_values.0.key': { dtype: 'float32', shape: [1, 1, 0, 8], data: [] },
      'past_key_values.0.value': { dtype: 'float32', shape: [1, 1, 0, 8], data: [] },
    },
  });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  assert.deepEqual(reply.body.output_shapes['present.0.key'], [1, 1, 2, 8]);
  assert.ok((await ask({ input: 'the cat', max_tokens: 2 })).text.length > 0);
});
