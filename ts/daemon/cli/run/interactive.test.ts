import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { MlosError } from '../../../protocol/errors.ts';
import type { Answer } from './ask.ts';
import { interact } from './interactive.ts';
import type { Task } from './request.ts';

// Guards: one question after the other, a conversation that goes on, Ctrl-C and Ctrl-D.

const input = { kind: 'text', takes_list: false, description: '' };
const chat: Task = {
  ...{ name: 'text-generation', summary: '', parameters: [], outputs: [], example: '' },
  inputs: [
    { ...input, name: 'text', required: false },
    { ...input, name: 'messages', kind: 'messages', required: false },
  ],
  facts: { chat: true },
};
const answers: Task = {
  ...{
    name: 'question-answering',
    summary: '',
    parameters: [],
    outputs: [],
    example: '',
    facts: {},
  },
  inputs: [
    { ...input, name: 'question', required: true },
    { ...input, name: 'context', required: true },
  ],
};

function terminal() {
  const keys = new PassThrough();
  const output = new PassThrough();
  let text = '';
  output.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  return { keys, output, text: () => text };
}

test('a conversation remembers what was said; Ctrl-D leaves', async () => {
  const { keys, output, text } = terminal();
  const asked: unknown[] = [];
  const ended = interact(
    chat,
    { top_k: 1 },
    {
      ...{ input: keys, output },
      ask: async (request) => {
        asked.push(request);
        if (asked.length === 2) throw new MlosError('INFERENCE_FAILED', 'It broke.');
        return { result: { text: `answer ${asked.length}` } } as Answer;
      },
    },
  );
  keys.write('hello\r\rtwo\rthree\r');
  while (asked.length < 3) await new Promise((resolve) => setImmediate(resolve));
  keys.write('\u0004');
  await ended;
  const user = (content: string) => ({ role: 'user', content });
  const assistant = { role: 'assistant', content: 'answer 1' };
  assert.deepEqual(asked, [
    { top_k: 1, messages: [user('hello')] },
    { top_k: 1, messages: [user('hello'), assistant, user('two')] },
    // What was not answered is not remembered.
    { top_k: 1, messages: [user('hello'), assistant, user('three')] },
  ]);
  assert.match(text(), /mlos: It broke\./);
});

test('Ctrl-C ends the answer, and at the prompt says how to leave', async () => {
  const { keys, output, text } = terminal();
  const asked: string[] = [];
  const ended = interact(
    chat,
    {},
    {
      ...{ input: keys, output },
      ask: (_request, signal) =>
        new Promise((_, reject) => {
          asked.push('x');
          signal.addEventListener('abort', () => reject(new MlosError('CANCELLED', 'gone')));
          keys.write('\u0003');
        }),
    },
  );
  keys.write('go on\r');
  while (!text().includes('(stopped)')) await new Promise((resolve) => setImmediate(resolve));
  keys.write('half a line\u0003');
  while (text().split('Ctrl-D leaves').length < 3)
    await new Promise((resolve) => setImmediate(resolve));
  keys.write('\u0004');
  await ended;
  assert.deepEqual(asked, ['x']);
});

test('several inputs are asked one by one', async () => {
  const { keys, output, text } = terminal();
  let asked: unknown = null;
  const ended = interact(
    answers,
    {},
    {
      ...{ input: keys, output },
      ask: async (request) => {
        asked = request;
        return {} as Answer;
      },
    },
  );
  while (!text().includes('question >>> ')) await new Promise((resolve) => setImmediate(resolve));
  keys.write('Who?\rIt was me.\r\u0004');
  await ended;
  assert.deepEqual(asked, { question: 'Who?', context: 'It was me.' });
});

test('a file that was dropped on the terminal is read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mlos-dropped-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'my cat.png');
  await writeFile(path, 'png');
  const { keys, output, text } = terminal();
  const asked: unknown[] = [];
  const ended = interact(
    { ...answers, inputs: [{ ...input, name: 'image', kind: 'image', required: true }] },
    {},
    {
      ...{ input: keys, output },
      ask: async (request) => {
        asked.push(request);
        return {} as Answer;
      },
    },
  );
  keys.write(`'${path}' \r${path.replace(' ', '\\ ')}\r\u0004`);
  await ended;
  const image = Buffer.from('png');
  assert.deepEqual(asked, [{ image }, { image }], text());
});

test('what a task cannot do without is asked once, and not where it is given', async () => {
  const classify: Task = {
    ...answers,
    name: 'zero-shot-classification',
    inputs: [{ ...input, name: 'text', required: true }],
  };
  const typed = async (given: Record<string, unknown>, keyed: string) => {
    const { keys, output, text } = terminal();
    const asked: unknown[] = [];
    const ended = interact(classify, given, {
      ...{ input: keys, output },
      ask: async (request) => {
        asked.push(request);
        return {} as Answer;
      },
    });
    keys.write(`${keyed}\u0004`);
    await ended;
    return { asked, shown: text() };
  };
  const labels = { candidate_labels: ['phone', 'fast food'] };
  const both = [
    { ...labels, text: 'one' },
    { ...labels, text: 'two' },
  ];
  const { asked, shown } = await typed({}, '\rphone, fast food\rone\rtwo\r');
  assert.deepEqual(asked, both);
  assert.match(shown, /candidate_labels, such as phone,food >>> /);
  assert.deepEqual((await typed(labels, 'one\rtwo\r')).asked, both);
  assert.deepEqual((await typed({}, '')).asked, []);
});

/** A conversation with a model that reads so many messages. */
async function talk(most: number, keyed: string, refused: readonly string[] = []) {
  const { keys, output, text } = terminal();
  const asked: string[][] = [];
  const ended = interact(
    chat,
    {},
    {
      ...{ input: keys, output },
      ask: async ({ messages }) => {
        const said = (messages as readonly { readonly content: string }[]).map(
          ({ content }) => content,
        );
        if (said.length > most || refused.includes(said.at(-1) ?? '')) {
          const details = { prompt_tokens: said.length, context_length: most };
          throw new MlosError('INVALID_VALUE', 'The prompt is too long.', { details });
        }
        asked.push(said);
        return { result: { text: (said.at(-1) ?? '').toUpperCase() } } as Answer;
      },
    },
  );
  keys.write(`${keyed}\u0004`);
  await ended;
  return { asked, shown: text() };
}

test('where the context is full, the oldest turns are forgotten, and that is said once', async () => {
  const { asked, shown } = await talk(5, 'a\rb\rc\rd\re\rf\r');
  assert.deepEqual(asked, [
    ['a'],
    ['a', 'A', 'b'],
    ['a', 'A', 'b', 'B', 'c'],
    ['c', 'C', 'd'],
    ['c', 'C', 'd', 'D', 'e'],
    ['e', 'E', 'f'],
  ]);
  assert.equal(shown.split('what was said first is forgotten').length, 2, shown);
  assert.doesNotMatch(shown, /too long/);
});

test('a line that is too long by itself is refused, and nothing forgotten for it', async () => {
  const { asked, shown } = await talk(5, 'a\rlong\rb\r', ['long']);
  assert.deepEqual(asked, [['a'], ['a', 'A', 'b']]);
  assert.match(shown, /mlos: The prompt is too long\./);
  assert.doesNotMatch(shown, /is forgotten/);
});

test('/clear begins a conversation anew, and the greeting says so', async () => {
  const { asked, shown } = await talk(5, 'a\r /clear \rb\r');
  assert.deepEqual(asked, [['a'], ['b']]);
  assert.match(shown, /^Ctrl-D leaves, \/clear begins anew\./);
});
