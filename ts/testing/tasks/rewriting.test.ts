import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf } from '../daemon/models.ts';
import { packages } from './packages.ts';
import { writeTinyRewriter } from './tiny-rewriter.ts';

/*
 * Guards: an encoder and its decoder write what the field's own library writes, token for token, with keys and
 * values that stay or without.
 */
const watchdog = { timeout: 120_000 };
const { pack, daemon } = packages();
const texts = ['hello mlos', 'the cat sat on a mat in paris', 'nice', 'very very nice'];

test('greedy text is the library’s own, token for token', watchdog, async () => {
  const { ask, reference } = await pack('merged', (folder) => writeTinyRewriter(folder, true));
  const rewrite = await reference('text2text-generation');
  for (const text of texts) {
    const [expected] = await rewrite(text, { max_new_tokens: 20, do_sample: false });
    const found = await ask({ input: text, max_tokens: 20 });
    assert.equal(found.text, expected.generated_text);
    assert.ok(found.prompt_tokens > 2);
  }
  const many = await Promise.all(texts.map((input) => ask({ input, max_tokens: 20 })));
  const alone: string[] = [];
  for (const input of texts) alone.push((await ask({ input, max_tokens: 20 })).text);
  assert.deepEqual(
    many.map(({ text }) => text),
    alone,
  );
});

test(
  'a decoder without a past writes the same, whichever of both files is named',
  watchdog,
  async () => {
    const merged = await pack('keeps', (folder) => writeTinyRewriter(folder, true));
    const plain = await pack('plain', async (folder) => {
      await writeTinyRewriter(folder, false);
      return join(folder, 'decoder_model.onnx');
    });
    for (const input of texts) {
      const asked = { input, max_tokens: 12 };
      assert.equal((await plain.ask(asked)).text, (await merged.ask(asked)).text);
    }
    const seeded = { input: 'hello', max_tokens: 12, temperature: 1.5, seed: 3 };
    assert.equal((await plain.ask(seeded)).text, (await merged.ask(seeded)).text);
  },
);

test('it is told as what it is, and words come as they are written', watchdog, async () => {
  const { path, ask } = await pack('told', (folder) => writeTinyRewriter(folder, true));
  const { body } = await daemon().http.get('/models/t-told@1');
  assert.deepEqual(
    body.model.tasks.map(({ name }: { name: string }) => name),
    ['text2text-generation'],
  );
  const reply = await fetch(`http://127.0.0.1:${daemon().httpPort}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ input: 'hello cat', max_tokens: 10 }),
  });
  const events = (await reply.text()).split('\n').filter((line) => line.startsWith('data: '));
  const said = events.map((line) => JSON.parse(line.slice(6)));
  const { text } = await ask({ input: 'hello cat', max_tokens: 10 });
  const pieces = said.slice(0, -1).map((one) => one.text);
  assert.ok(pieces.length > 1);
  assert.equal(pieces.join(''), text);
});

test('a decoder without its encoder takes tensors only', watchdog, async () => {
  const { reply } = await pack('lone', async (folder) => {
    const encoder = await writeTinyRewriter(folder, false);
    await rm(encoder);
    return join(folder, 'decoder_model.onnx');
  });
  assert.equal(
    codeOf(await reply({ task: 'text2text-generation', input: 'x' })),
    '501 UNIMPLEMENTED',
  );
});
