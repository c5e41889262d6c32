import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { APIError, toFile } from 'openai';
import { fakeTasks } from './place.ts';

/*
 * Guards: the unmodified client of OpenAI's API gets what a recording says, in each form. The model is the fake
 * plugin's, for which a recording is the text that it says.
 */
const watchdog = { timeout: 120_000 };
const model = 'f/tasks@1';

async function openai(t: Parameters<typeof fakeTasks>[0], adapter: string) {
  const { daemon } = await fakeTasks(t, '', ['--set', `api.http.adapter=${adapter}`]);
  const baseURL = `http://127.0.0.1:${daemon.httpPort}/v1`;
  return { client: new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 }), baseURL };
}

function recording(text: string) {
  return toFile(Buffer.from(text), 'said.wav', { type: 'audio/wav' });
}

for (const adapter of ['uwebsockets', 'node']) {
  test(`${adapter}: a recording's words, in each form`, watchdog, async (t) => {
    const { client } = await openai(t, adapter);
    const { create } = client.audio.transcriptions;
    const hear = create.bind(client.audio.transcriptions);
    const file = await recording('one two & <three>');
    const plain = await hear({ model, file });
    assert.equal(plain.text, 'one two & <three>');
    assert.deepEqual(plain.usage, { type: 'duration', seconds: 4 });
    const text = await hear({ model, file, response_format: 'text' });
    assert.equal(text, 'one two & <three>\n');
    const srt = await hear({ model, file, response_format: 'srt' });
    assert.equal(srt, '1\n00:00:00,000 --> 00:00:04,000\none two & <three>\n\n');
    const vtt = await hear({ model, file, response_format: 'vtt' });
    assert.equal(vtt, 'WEBVTT\n\n00:00:00.000 --> 00:00:04.000\none two &amp; &lt;three&gt;\n\n');

    const verbose = await hear({ model, file, response_format: 'verbose_json' });
    assert.equal(verbose.language, 'english');
    assert.equal(verbose.duration, 4);
    assert.equal(verbose.segments?.[0]?.text, 'one two & <three>');
    assert.equal(verbose.words, undefined);
    const both = await hear({
      ...{ model, file, response_format: 'verbose_json' },
      timestamp_granularities: ['word', 'segment'],
    });
    assert.deepEqual(both.words?.[1], { word: 'two', start: 1, end: 2 });
    assert.equal(both.segments?.length, 1);
  });
}

test('parameters reach the model; a translation is one into English', watchdog, async (t) => {
  const { client } = await openai(t, 'uwebsockets');
  const file = await recording('+hello');
  const heard = await client.audio.transcriptions.create({
    ...{ model, file, language: 'de', temperature: 0.5 },
  });
  assert.equal(heard.text, 'hello {"language":"de","temperature":0.5}');
  const translated = await client.audio.translations.create({ model, file });
  assert.equal(translated.text, 'hello {"translate":true}');
});

test('what is heard comes in pieces where it is asked for', watchdog, async (t) => {
  const { client } = await openai(t, 'uwebsockets');
  const file = await recording('one two');
  const stream = await client.audio.transcriptions.create({ model, file, stream: true });
  const events = [];
  for await (const event of stream) events.push(event);
  assert.deepEqual(events, [
    { type: 'transcript.text.delta', delta: 'one' },
    { type: 'transcript.text.delta', delta: ' two' },
    { type: 'transcript.text.done', text: 'one two' },
  ]);
});

test('what is wrong with a form is said by name', watchdog, async (t) => {
  const { client, baseURL } = await openai(t, 'uwebsockets');
  const file = await recording('one');
  const refused = async (more: object): Promise<APIError> => {
    const asked = { model, file, ...more } as never;
    const error = await client.audio.transcriptions.create(asked).then(
      () => assert.fail('it was not refused'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof APIError, String(error));
    assert.equal(error.status, 400, error.message);
    return error;
  };
  const wrong: readonly (readonly [string, object])[] = [
    ['response_format', { response_format: 'xml' }],
    ['timestamp_granularities', { timestamp_granularities: ['word'] }],
    ['file', { file: 'no file' }],
    ['temperature', { temperature: 'hot' }],
    ['prompt', { prompt: 'Names: MLOS' }],
    ['stream', { stream: true, response_format: 'srt' }],
  ];
  for (const [param, more] of wrong) assert.equal((await refused(more)).param, param);
  const json = await fetch(`${baseURL}/audio/transcriptions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model }),
  });
  assert.equal(json.status, 415);
  assert.match(await json.text(), /multipart\/form-data/);
});
