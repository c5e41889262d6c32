import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fakeTasks } from './place.ts';

/*
 * Guards: a picture or a recording may be the body itself, or a field of a form. The model is the fake plugin's,
 * which labels a picture with its length.
 */
const watchdog = { timeout: 60_000 };
const picture = new Uint8Array(1_000).fill(255);

async function send(url: string, body: Uint8Array | FormData | string, headers: object = {}) {
  const reply = await fetch(url, { method: 'POST', body, headers: { ...headers } });
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every kind.
  return { status: reply.status, body: (await reply.json()) as any };
}

test('a body of media is the input, its options stand in the query', watchdog, async (t) => {
  const { url, register, daemon } = await fakeTasks(t);
  const asked = `${url}?task=image-classification&parameters=${encodeURIComponent('{"top_k":1}')}`;
  for (const type of ['image/jpeg', 'application/octet-stream', 'audio/wav']) {
    const { status, body } = await send(asked, picture, { 'content-type': type });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.result, { labels: [{ label: '1000 bytes', score: 0.75 }] });
  }
  const coded = await send(asked, gzipSync(picture), {
    'content-type': 'image/png',
    'content-encoding': 'gzip',
  });
  assert.equal(coded.body.result.labels[0].label, '1000 bytes');
  const wrong = await send(url, picture, { 'content-type': 'image/png' });
  assert.deepEqual([wrong.status, wrong.body.code], [400, 'INVALID_VALUE']);
  const video = await send(url, picture, { 'content-type': 'video/mp4' });
  assert.equal(video.status, 415);
  // A model with one task needs none of that.
  await register('f/look@1', 'tasks image-classification');
  const place = `http://127.0.0.1:${daemon.httpPort}/models/f-look@1/inference`;
  const plain = await send(place, picture, { 'content-type': 'image/jpeg' });
  assert.equal(plain.body.task, 'image-classification');
});

test('a form has the input as a file or a text', watchdog, async (t) => {
  const { url } = await fakeTasks(t);
  const look = new FormData();
  look.set('input', new Blob([picture], { type: 'image/jpeg' }), 'cat.jpg');
  look.set('task', 'image-classification');
  look.set('parameters', '{"top_k": 1}');
  look.set('timeout_ms', '30000');
  const one = await send(url, look);
  assert.deepEqual(one.body.result, { labels: [{ label: '1000 bytes', score: 0.75 }] });
  look.append('input', new Blob([picture.subarray(1)]), 'dog.jpg');
  const two = await send(url, look);
  assert.deepEqual(
    two.body.result.map(({ labels }: { labels: { label: string }[] }) => labels[0]?.label),
    ['1000 bytes', '999 bytes'],
  );
  const typed = new FormData();
  typed.set('input', new Blob([picture]), 'cat.jpg');
  typed.set('task', 'image-classification');
  typed.set('top_k', '1');
  const few = await send(url, typed);
  assert.deepEqual(few.body.result, { labels: [{ label: '1000 bytes', score: 0.75 }] });
  const type = { 'content-type': 'image/jpeg' };
  const asked = await send(`${url}?task=image-classification&top_k=1`, picture, type);
  assert.deepEqual(asked.body.result, few.body.result);
  const wrong = await send(`${url}?task=image-classification&top_k=one`, picture, type);
  assert.match(wrong.body.message, /top_k is "one"/);
  const text = new FormData();
  text.set('input', 'a b c');
  text.set('parameters', '{"max_tokens": 2}');
  assert.equal((await send(url, text)).body.result.text, 'a b');
});

test('what is wrong with a form is said', watchdog, async (t) => {
  const { url } = await fakeTasks(t);
  const type = { 'content-type': 'multipart/form-data; boundary=XX' };
  const broken = await send(
    url,
    '--XX\r\nContent-Disposition: form-data; name="input"\r\n\r\nx',
    type,
  );
  assert.deepEqual([broken.status, broken.body.code], [400, 'INVALID_ARGUMENT']);
  assert.match(broken.body.message, /the line "--XX" is missing/);
  const bad = new FormData();
  bad.set('input', 'x');
  bad.set('parameters', '{"top_k": ');
  const json = await send(url, bad);
  assert.deepEqual([json.status, json.body.code], [400, 'INVALID_JSON']);
  assert.match(json.body.message, /"parameters" is not JSON: it ends too early/);
});
