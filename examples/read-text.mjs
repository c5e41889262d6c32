#!/usr/bin/env node
/**
 * Reads the text in a picture with the PP-OCR recogniser that a running MLOS serves.
 *
 *     node examples/read-text.mjs examples/hello.png [socket]
 *
 * The model takes x float32[1,3,48,W], blue-green-red, (value/255 − 0.5)/0.5, and gives for each of
 * W/8 steps the probability of 6,625 symbols: 0 is "nothing new", then the list that comes with the
 * model, then the space.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decode } from 'fast-png';
import { connect } from '../dist/client/client.js';

export const modelId = 'ocr/ppocr-v4-recogniser@1.4.2';
const height = 48;

/** PNG file → { width, height, channels, data } with 8 bits a channel. */
export function readPicture(file) {
  const picture = decode(readFileSync(file));
  if (picture.depth !== 8 || picture.channels < 3) {
    throw new Error(`${file}: a PNG with 8 bits a channel in colour is expected.`);
  }
  return picture;
}

/** Picture → input tensor, scaled to a height of 48 by the nearest pixel. */
export function toTensor(picture) {
  const width = Math.ceil((picture.width * height) / picture.height / 8) * 8;
  const plane = width * height;
  const values = new Float32Array(3 * plane);
  for (let y = 0; y < height; y++) {
    const fromY = Math.floor((y * picture.height) / height);
    for (let x = 0; x < width; x++) {
      const fromX = Math.min(picture.width - 1, Math.floor((x * picture.width) / width));
      const pixel = (fromY * picture.width + fromX) * picture.channels;
      for (let channel = 0; channel < 3; channel++) {
        const value = picture.data[pixel + 2 - channel] / 255;
        values[channel * plane + y * width + x] = (value - 0.5) / 0.5;
      }
    }
  }
  return { dtype: 'float32', shape: [1, 3, height, width], values };
}

/** Probabilities → text and the mean probability of the symbols taken (greedy CTC). */
export function toText(probabilities, symbolCount, symbols) {
  let text = '';
  let last = 0;
  let sum = 0;
  let taken = 0;
  for (let step = 0; step < probabilities.length / symbolCount; step++) {
    const row = probabilities.subarray(step * symbolCount, (step + 1) * symbolCount);
    let best = 0;
    for (let i = 1; i < symbolCount; i++) if (row[i] > row[best]) best = i;
    if (best !== 0 && best !== last) {
      text += symbols[best] ?? '';
      sum += row[best];
      taken += 1;
    }
    last = best;
  }
  return { text: text.trim(), confidence: taken === 0 ? 0 : sum / taken };
}

/** The symbols by index, from the file that comes with the model. */
export function readSymbols(packageFolder) {
  const lines = readFileSync(`${packageFolder}/assets/ppocr_keys_v1.txt`, 'utf8').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return ['', ...lines, ' '];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [
    file = fileURLToPath(new URL('hello.png', import.meta.url)),
    socketPath = '/tmp/mlos.sock',
  ] = process.argv.slice(2);
  const client = await connect({ socketPath });
  const { model } = await client.call('models.get', { model_id: modelId });
  const x = toTensor(readPicture(file));
  const { outputs } = await client.infer(modelId, {
    x: { dtype: x.dtype, shape: x.shape, data: new Uint8Array(x.values.buffer) },
  });
  const [output] = Object.values(outputs);
  const symbols = readSymbols(model.path);
  const { text, confidence } = toText(output.values, output.shape[2], symbols);
  process.stdout.write(`${text}\n`);
  process.stderr.write(`confidence ${(confidence * 100).toFixed(1)} %\n`);
  await client.close();
}
