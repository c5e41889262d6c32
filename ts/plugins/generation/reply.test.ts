import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offeredTools } from './offered-tools.ts';
import { type ReplyForm, ReplyReader, replyForm } from './reply.ts';

/*
 * Guards: however a reply is cut into pieces, the same is said, thought and called.
 */
const parameters = { type: 'object', properties: { a: { type: 'number' }, b: { type: 'string' } } };
const tools = ['weather', 'add'].map((name) => ({ name, parameters }));

function read(reply: string, form: ReplyForm, size: number) {
  const reader = new ReplyReader(form);
  let text = '';
  let thinking = '';
  for (let at = 0; at <= reply.length; at += size) {
    const part = at === reply.length ? null : reader.push(reply.slice(at, at + size));
    text += part?.text ?? '';
    thinking += part?.thinking ?? '';
  }
  const rest = reader.end();
  return { text: text + rest.text, thinking: thinking + rest.thinking, calls: reader.toolCalls };
}

function expect(
  reply: string,
  form: Partial<ReplyForm>,
  expected: { text?: string; thinking?: string; calls?: readonly unknown[] },
): void {
  for (const size of [1, 2, 3, 7, 1_000]) {
    const { text = '', thinking = '', calls = [] } = expected;
    const found = read(reply, { thinks: 'no', tools: [], ...form }, size);
    assert.deepEqual(found, { text, thinking, calls }, `in pieces of ${size}`);
  }
}

test('a plain reply is said as it is', () => {
  expect('  hello <b> {"x": 1}', {}, { text: '  hello <b> {"x": 1}' });
  expect('1 < 2', { tools }, { text: '1 < 2' });
  expect('a <think> of its own', { thinks: 'may' }, { text: 'a <think> of its own' });
});

test('thoughts are kept apart', () => {
  const said = { text: 'Hello!', thinking: 'They greet.\n' };
  expect('<think>\nThey greet.\n</think>\n\nHello!', { thinks: 'may' }, said);
  expect('They greet.\n</think>Hello!', { thinks: 'already' }, said);
  expect('They greet', { thinks: 'already' }, { thinking: 'They greet' });
});

test('calls of tools are read in each form', () => {
  const call = { name: 'add', arguments: { a: 1, b: [2] } };
  const hermes = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": [2]}}\n</tool_call>';
  expect(hermes, { tools }, { calls: [call] });
  expect(
    `Let me see. ${hermes}\n${hermes}`,
    { tools },
    {
      text: 'Let me see. ',
      calls: [call, call],
    },
  );
  expect('{"name": "add", "parameters": {"a": 1, "b": [2]}}', { tools }, { calls: [call] });
  expect('[{"name": "add", "arguments": {"a": 1, "b": [2]}}]', { tools }, { calls: [call] });
  const quoted =
    '<tool_call>{"name": "add", "arguments": "{\\"a\\": 1, \\"b\\": [2]}"}</tool_call>';
  expect(quoted, { tools }, { calls: [call] });
  const tagged =
    '<tool_call>\n<function=add>\n<parameter=a>\n1\n</parameter>\n<parameter=b>\n2\n3</parameter>\n</function>\n</tool_call>';
  expect(tagged, { tools }, { calls: [{ name: 'add', arguments: { a: 1, b: '2\n3' } }] });
  expect(
    `<think>Hm.</think>${hermes}`,
    { tools, thinks: 'may' },
    {
      thinking: 'Hm.',
      calls: [call],
    },
  );
});

test('what is no call of a tool that was offered is said', () => {
  for (const reply of [
    '{"name": "rm", "arguments": {}}',
    '{"a": 1}',
    '[1, 2]',
    '{"name": "add", "argu',
    '<tool_call>add(1)</tool_call>',
    '<tool_call><function=rm></function></tool_call>',
    '<tool_call><function=add>and more</function></tool_call>',
    '<tool_call>{"name": "add"',
  ]) {
    expect(reply, { tools }, { text: reply });
  }
});

test('the form follows from the template, the prompt and the request', () => {
  const offered = [{ type: 'function', function: { name: 'add' } }, { type: 'odd' }, null];
  assert.deepEqual(offeredTools(offered), [{ name: 'add', parameters: { type: 'object' } }]);
  assert.equal(replyForm('{{ x }}', 'hello', {}).thinks, 'no');
  assert.equal(replyForm('…</think>…', 'hello', {}).thinks, 'may');
  assert.equal(replyForm('…', 'assistant\n<think>\n', {}).thinks, 'already');
});
