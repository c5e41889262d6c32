import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { codeOf } from '../daemon/models.ts';
import { type Anything, packages } from './packages.ts';
import { writeTinyWhisper } from './tiny-whisper.ts';
import { sampleRate, speak, wav } from './tones.ts';

/*
 * Guards: a model of Whisper's form writes what the field's own library writes of the same recording: words, times,
 * languages, and of a long recording as much as of a short one.
 */
const watchdog = { timeout: 180_000 };
const { pack, daemon } = packages();
const whisper = (name: string, multilingual = true) =>
  pack(name, (folder) => writeTinyWhisper(folder, multilingual));

const coded = (samples: Float32Array) =>
  wav(samples, { bits: 32, isFloat: true }).toString('base64');

/** Louder and quieter, so that every part sounds otherwise. */
function recording(seconds: number, word = 'hello'): Float32Array {
  const said = speak(word.repeat(Math.ceil(seconds / (word.length / 5))));
  return said.slice(0, seconds * sampleRate).map((sample, at) => sample * Math.sin(at / 90_000));
}

function same(segments: readonly Anything[], chunks: readonly Anything[]): void {
  assert.deepEqual(
    segments.map(({ start, end, text }) => [start, end, text]),
    chunks.map(({ timestamp, text }) => [...timestamp, text.trim()]),
  );
}

test('words are those of the library, in every language', watchdog, async () => {
  const { ask, reference } = await whisper('words');
  const library = await reference('automatic-speech-recognition');
  const texts = new Set<string>();
  for (const [word, language] of [
    ['hello', 'en'],
    ['lo', 'de'],
    ['eh', 'fr'],
  ] as const) {
    const samples = recording(6, word);
    const { text: expected } = await library(samples, { language });
    const found = await ask({ input: coded(samples), language });
    assert.equal(found.text, expected.trim());
    assert.equal(found.language, language);
    assert.equal(found.duration, 6);
    texts.add(found.text);
  }
  assert.ok(texts.size > 1, 'the model hears no difference');
  const samples = recording(6);
  const { text } = await library(samples, { language: 'de', task: 'translate' });
  const translated = await ask({ input: coded(samples), language: 'German', translate: true });
  assert.equal(translated.text, text.trim());
});

test('the language is heard where none is said', watchdog, async () => {
  const { ask } = await whisper('heard');
  const input = coded(recording(4));
  const found = await ask({ input });
  assert.ok(['en', 'de', 'fr'].includes(found.language));
  assert.equal(found.text, (await ask({ input, language: found.language })).text);
});

test('times are those of the library', watchdog, async () => {
  const { ask, reference } = await whisper('times');
  const library = await reference('automatic-speech-recognition');
  for (const seconds of [5, 12, 28]) {
    const samples = recording(seconds, 'hel');
    const how = { language: 'en', return_timestamps: true };
    const { text, chunks } = await library(samples, how);
    const found = await ask({ input: coded(samples), language: 'en', timestamps: 'segment' });
    assert.equal(found.text, text.trim());
    same(found.segments, chunks);
  }
});

test('a long recording is heard in spans that overlap', watchdog, async () => {
  const { ask, reference } = await whisper('long');
  const library = await reference('automatic-speech-recognition');
  const samples = recording(75);
  const spans = { language: 'en', chunk_length_s: 30 };
  const { text } = await library(samples, spans);
  const found = await ask({ input: coded(samples), language: 'en' });
  assert.equal(found.text, text.trim());
  assert.equal(found.duration, 75);
  const timed = await library(samples, { ...spans, return_timestamps: true });
  const { segments } = await ask({
    ...{ input: coded(samples), language: 'en', timestamps: 'segment' },
  });
  same(segments, timed.chunks);
});

test('words come as they are written, and together they are the text', watchdog, async () => {
  const { ask, path } = await whisper('streams');
  const input = coded(recording(6));
  const reply = await fetch(`http://127.0.0.1:${daemon().httpPort}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ input, language: 'en' }),
  });
  const events = (await reply.text()).split('\n').filter((line) => line.startsWith('data: '));
  const pieces = events.slice(0, -1).map((line) => JSON.parse(line.slice(6)).text);
  assert.ok(pieces.length > 1);
  assert.equal(pieces.join(''), (await ask({ input, language: 'en' })).text);
});

test("OpenAI's client gets words, times and subtitles", watchdog, async () => {
  const { ask, path } = await whisper('openai');
  const samples = recording(5);
  const { text, segments } = await ask({ input: coded(samples), timestamps: 'segment' });
  const model = decodeURIComponent(path.split('/')[2] ?? '');
  const baseURL = `http://127.0.0.1:${daemon().httpPort}/v1`;
  const { transcriptions } = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 }).audio;
  const file = await toFile(wav(samples, { bits: 32, isFloat: true }), 'said.wav');
  const verbose = await transcriptions.create({ model, file, response_format: 'verbose_json' });
  assert.equal(verbose.text, text);
  assert.ok(['english', 'german', 'french'].includes(verbose.language));
  assert.equal(Number(verbose.duration), 5);
  assert.equal(verbose.segments?.length, segments.length);
  const srt = await transcriptions.create({ model, file, response_format: 'srt' });
  assert.equal(srt.split(' --> ').length - 1, segments.length);
});

test('what the model cannot do is refused by name', watchdog, async () => {
  const { reply } = await whisper('refuses');
  const input = coded(recording(1));
  const refused = async (more: object, code: string, about: RegExp) => {
    const answer = await reply({ input, ...more });
    assert.equal(codeOf(answer), code, JSON.stringify(answer.body));
    assert.match(answer.body.message, about);
  };
  await refused({ language: 'Klingon' }, '400 INVALID_VALUE', /it knows en, de, fr/);
  await refused({ timestamps: 'word' }, '501 UNIMPLEMENTED', /"segment"/);
  const english = await whisper('english', false);
  const other = await english.reply({ input, language: 'de' });
  assert.equal(codeOf(other), '400 INVALID_ARGUMENT');
  const translated = await english.reply({ input, translate: true });
  assert.equal(codeOf(translated), '400 INVALID_ARGUMENT');
  const heard = await english.ask({ input, language: 'english' });
  assert.equal(heard.language, 'en');
  const library = await english.reference('automatic-speech-recognition');
  assert.equal(heard.text, (await library(recording(1))).text.trim());
});
