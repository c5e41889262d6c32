import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcCaller } from '../conformance/grpc-caller.ts';
import { codeOf } from '../daemon/models.ts';
import { fakeTasks } from './place.ts';

/*
 * Guards: what a task reads is told apart from tensors, checked, and answered alike over HTTP and the socket.
 * The model is the fake plugin's: what real ones answer is tested elsewhere.
 */
const watchdog = { timeout: 60_000 };

test('inputs and parameters may stand at the top level or apart', watchdog, async (t) => {
  const { daemon, ask } = await fakeTasks(t);
  const forms = [
    { input: 'a b c', max_tokens: 2 },
    { prompt: 'a b c', max_tokens: 2 },
    { inputs: { text: 'a b c' }, parameters: { max_tokens: 2 } },
    { messages: [{ role: 'user', content: 'a b c' }], max_tokens: 2, batch_size: 1 },
  ];
  for (const form of forms) {
    const { status, body } = await ask(form);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.task, 'text-generation');
    assert.deepEqual([body.result.text, body.result.finish_reason], ['a b', 'length']);
  }
  const client = await daemon.connect();
  const answer = (await client.call('models.infer', { model_id: 'f/tasks@1', input: 'x' })) as {
    result: { text: string };
  };
  assert.equal(answer.result.text, 'x');
});

test('a list of inputs is answered by a list', watchdog, async (t) => {
  const { ask } = await fakeTasks(t);
  const task = 'feature-extraction';
  const one = await ask({ task, input: 'four' });
  assert.deepEqual(one.body.result, { embedding: [4, 1], tokens: 1 });
  const two = await ask({ task, input: ['a b', 'abc'] });
  assert.deepEqual(two.body.result, [
    { embedding: [3, 1], tokens: 2 },
    { embedding: [3, 1], tokens: 1 },
  ]);
});

test('what is wrong is named', watchdog, async (t) => {
  const { ask } = await fakeTasks(t);
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ task: 'fill-mask', input: 'x' }, '501 UNIMPLEMENTED', /text-generation, feature-extraction/],
    [{ input: 7 }, '400 INVALID_VALUE', /"text" must be a text/],
    [{ input: 'x', max_tokens: -1 }, '400 INVALID_ARGUMENT', /max_tokens is -1/],
    [{ input: 'x', max_tokns: 1 }, '400 UNKNOWN_INPUT', /max_tokns.*Did you mean .*max_tokens/],
    [{ input: 'x', stream: true }, '400 UNKNOWN_INPUT', /accepts text\/event-stream/],
    [{ input: 'x', prompt: 'y' }, '400 INVALID_ARGUMENT', /given twice/],
    [{ messages: [] }, '400 INVALID_VALUE', /messages/],
    [{}, '400 MISSING_INPUT', /text/],
    [{ task: 'feature-extraction', input: [] }, '400 INVALID_VALUE', /list of one or more/],
    [
      { input: 'x', outputs: ['y'] },
      '400 INVALID_ARGUMENT',
      /"outputs" is for .* tensors; leave it out/,
    ],
    [{ input: 'x', sequence: { id: 1 } }, '400 INVALID_ARGUMENT', /"sequence" is for/],
  ];
  for (const [body, code, message] of cases) {
    const reply = await ask(body);
    assert.equal(codeOf(reply), code, JSON.stringify([body, reply.body]));
    assert.match(reply.body.message, message);
  }
});

test('a model explains itself', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const { body } = await daemon.http.get('/models/f-tasks@1');
  const [first, second] = body.model.tasks;
  assert.equal(first.name, 'text-generation');
  assert.equal(first.facts.context_length, 1_000);
  assert.match(
    first.example,
    /^curl -s http:\/\/127\.0\.0\.1:\d+\/models\/f-tasks@1\/inference -H 'content-type: application\/json' -d '/,
  );
  assert.match(second.example, /'http[^' ]*\/inference\?task=feature-extraction' /);
});

test(
  'priority reaches the plugin, and include_outputs leaves the result out',
  watchdog,
  async (t) => {
    const { ask } = await fakeTasks(t);
    const task = 'image-classification';
    const { body } = await ask({ task, input: 'AAAA', priority: 'batch' });
    assert.deepEqual(body.result.labels, [
      { label: '3 bytes', score: 0.75 },
      { label: 'priority batch', score: 0.25 },
    ]);
    const bare = await ask({ task, input: 'AAAA', include_outputs: false });
    assert.deepEqual([bare.body.task, 'result' in bare.body], [task, false]);
  },
);

test('gRPC carries input, task and parameters, and the result', watchdog, async (t) => {
  const { daemon } = await fakeTasks(t);
  const grpc = new GrpcCaller(`127.0.0.1:${daemon.grpcPort}`);
  t.after(() => grpc.close());
  const call = (params: object) => grpc.call('models.infer', { model_id: 'f/tasks@1', ...params });
  const said = await call({ input: 'a b c', parameters: { max_tokens: 2 } });
  assert.equal(said['task'], 'text-generation');
  assert.deepEqual(said['result'], {
    ...{ text: 'a b', finish_reason: 'length' },
    ...{ prompt_tokens: 3, completion_tokens: 2 },
  });
  const task = 'feature-extraction';
  const list = await call({ task, input: ['a b', 'abc'] });
  assert.deepEqual(list['result'], [
    { embedding: [3, 1], tokens: 2 },
    { embedding: [3, 1], tokens: 1 },
  ]);
  const data = new Uint8Array(5);
  const image = { dtype: 'uint8', shape: [5], data };
  const seen = await call({ task: 'image-classification', inputs: { image } });
  assert.deepEqual((seen['result'] as { labels: object[] }).labels[0], {
    ...{ label: '5 bytes', score: 0.75 },
  });
  await assert.rejects(call({ input: 'x', parameters: { max_tokens: -1 } }), {
    code: 'INVALID_ARGUMENT',
    message: /max_tokens is -1/,
  });
  await assert.rejects(call({ task: 'fill-mask', input: 'x' }), { code: 'UNIMPLEMENTED' });
});
