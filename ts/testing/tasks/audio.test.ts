import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';
import { codeOf } from '../daemon/models.ts';
import { type Anything, packages, sameLabels } from './packages.ts';
import { writeTinySound } from './tiny-sound-model.ts';
import { speak, wav } from './tones.ts';

/*
 * Guards: what is said in a recording is heard, whatever its form; numbers are those of the field's own library
 * in process.
 */
const watchdog = { timeout: 120_000 };
const { pack, daemon } = packages();
const packSound = (kind: 'speech' | 'sounds') =>
  pack(kind, (folder) => writeTinySound(folder, kind));
const coded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

type Encoder = 'mp3' | 'ogg';

/** Two channels of the same, a second at a time. */
async function encode(kind: Encoder, samples: Float32Array, rate: number): Promise<Buffer> {
  const encoder = await (kind === 'mp3' ? createMp3Encoder() : createOggEncoder());
  encoder.configure({ sampleRate: rate as 44_100, channels: 2, vbrQuality: 3 });
  const parts: Buffer[] = [];
  for (let at = 0; at < samples.length; at += rate) {
    const part = samples.subarray(at, at + rate);
    parts.push(Buffer.from(encoder.encode([part, part])));
  }
  parts.push(Buffer.from(encoder.finalize()));
  return Buffer.concat(parts);
}

test("OpenAI's client gets the words of a recording", watchdog, async () => {
  const { path } = await packSound('speech');
  const model = decodeURIComponent(path.split('/')[2] ?? '');
  const baseURL = `http://127.0.0.1:${daemon().httpPort}/v1`;
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
  const { transcriptions } = client.audio;
  const file = await toFile(wav(speak('hello')), 'hello.wav', { type: 'audio/wav' });
  assert.equal((await transcriptions.create({ model, file, temperature: 0 })).text, 'hello');
  const plain = await transcriptions.create({ model, file, response_format: 'text' });
  assert.equal(plain, 'hello\n');
  const timed = transcriptions.create({ model, file, response_format: 'srt' });
  await assert.rejects(timed, /response_format: the model gives no times, which "srt" needs/);
  const broken = await toFile(Buffer.from('no sound'), 'hello.wav', { type: 'audio/wav' });
  await assert.rejects(transcriptions.create({ model, file: broken }), { status: 400 });
});

test('words are heard in every form of WAV, and as the library hears them', watchdog, async () => {
  const { ask, reference, path } = await packSound('speech');
  const recognize = await reference('automatic-speech-recognition');
  const samples = speak('hello');
  assert.equal((await recognize(samples)).text, 'hello');
  const forms = [
    {},
    { bits: 8 },
    { bits: 24, channels: 2 },
    { bits: 32, isFloat: true },
    { channels: 6 },
  ] as const;
  for (const form of forms) {
    const { text } = await ask({ input: coded(wav(samples, form)) });
    assert.equal(text, 'hello', JSON.stringify(form));
  }
  for (const rate of [8_000, 44_100, 48_000, 96_000]) {
    const { text } = await ask({ input: coded(wav(speak('hello', rate), { rate })) });
    assert.equal(text, 'hello', `${rate}`);
  }
  const body = new Uint8Array(wav(samples));
  const headers = { 'content-type': 'audio/wav' };
  const url = `http://127.0.0.1:${daemon().httpPort}${path}`;
  const reply = await fetch(url, { method: 'POST', body, headers });
  assert.equal(((await reply.json()) as Anything).result.text, 'hello');
});

test('words are heard in MP3 and Ogg Vorbis', watchdog, async () => {
  const { ask, reply } = await packSound('speech');
  for (const kind of ['mp3', 'ogg'] as const) {
    const file = await encode(kind, speak('hello hello', 44_100), 44_100);
    assert.equal((await ask({ input: coded(file) })).text, 'hellohello', kind);
    // A page of Ogg is read as a whole or not at all; of an MP3 what is there is heard.
    const half = await reply({ input: coded(file.subarray(0, file.length / 2)) });
    if (kind === 'mp3') assert.match(half.body.result.text, /^hel+o?h?$/);
    else assert.equal(codeOf(half), '400 INVALID_VALUE');
  }
});

test(
  'a long recording is heard as a whole: nothing is lost or doubled at a seam',
  watchdog,
  async () => {
    const { ask } = await packSound('speech');
    // 80 s: four spans of 30 s that overlap.
    const word = 'hello'.repeat(80);
    const { text } = await ask({ input: coded(wav(speak(word))) });
    assert.equal(text, word);
  },
);

test('labels of sounds are those of the library', watchdog, async () => {
  const { ask, reference } = await packSound('sounds');
  const classify = await reference('audio-classification');
  for (const word of ['eee', 'loo', 'h o ']) {
    const samples = speak(word);
    const expected = await classify(samples, { top_k: 5 });
    const file = wav(samples, { bits: 32, isFloat: true });
    const { labels } = await ask({ input: coded(file) });
    sameLabels(labels, expected);
  }
  const { labels } = await ask({ input: coded(wav(speak('eee'))), top_k: 1 });
  assert.deepEqual(
    labels.map(({ label }: Anything) => label),
    ['e'],
  );
});

test('what is no recording, or too long a one, is refused by name', watchdog, async () => {
  const { reply, ask } = await packSound('speech');
  const refused = async (input: Uint8Array, code: string, about: RegExp, more = {}) => {
    const answer = await reply({ input: coded(input), ...more });
    assert.equal(codeOf(answer), code, JSON.stringify(answer.body));
    assert.match(answer.body.message, about);
  };
  const good = wav(speak('hello'));
  await refused(Buffer.from('no sound at all'), '400 INVALID_VALUE', /WAV, MP3 or Ogg Vorbis/);
  await refused(good.subarray(0, 30), '400 INVALID_VALUE', /no samples/);
  await refused(wav(new Float32Array(0)), '400 INVALID_VALUE', /no samples/);
  const strange = Buffer.from(good);
  strange.writeUInt16LE(77, 20);
  await refused(strange, '400 INVALID_VALUE', /Unsupported WAV format/);
  await refused(wav(speak('h'), { channels: 9 }), '413 PAYLOAD_TOO_LARGE', /9 channels/);
  const fast = wav(speak('h'), { rate: 400_000 });
  await refused(fast, '400 INVALID_VALUE', /400000 samples per second/);
  const slow = wav(new Float32Array(16_000 * 1_900), { bits: 8 });
  await refused(slow, '413 PAYLOAD_TOO_LARGE', /longer than 1800 s/);
  const crawling = wav(speak('h'), { rate: 62 });
  await refused(crawling, '400 INVALID_VALUE', /1000 to 192000 are read/);
  // 44 bytes that claim blocks of 65,535 samples on eight channels.
  const claims = Buffer.from(good);
  claims.writeUInt16LE(0x11, 20);
  claims.writeUInt16LE(8, 22);
  claims.writeUInt16LE(1, 32);
  claims.writeUInt16LE(4, 34);
  await refused(claims, '400 INVALID_VALUE', /cut short/);
  const many = Buffer.from(good);
  many.writeUInt16LE(65_535, 22);
  await refused(many, '413 PAYLOAD_TOO_LARGE', /65535 channels/);
  const isFloat = { bits: 32, isFloat: true } as const;
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e38]) {
    const samples = speak('hello');
    samples[77] = value;
    await refused(wav(samples, isFloat), '400 INVALID_VALUE', /a sample of it is/);
  }
  await refused(wav(new Float32Array(10)), '400 INVALID_VALUE', /too short for this model/);
  await refused(good, '400 INVALID_ARGUMENT', /cannot take language, timestamps/, {
    ...{ language: 'de', timestamps: 'word' },
  });
  const sounds = await packSound('sounds');
  const minute = await sounds.reply({ input: coded(wav(speak('e'.repeat(400)))) });
  assert.equal(codeOf(minute), '413 PAYLOAD_TOO_LARGE');
  assert.equal((await ask({ input: coded(good) })).text, 'hello');
});
