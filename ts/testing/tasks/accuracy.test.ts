import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AutoProcessor, RawImage } from '@huggingface/transformers';
import { onnxModel } from '../onnx-builder.ts';
import { type Digit, digits } from './digits.ts';
import { type Anything, packages, sameLabels } from './packages.ts';
import { type Example, learn } from './softmax-regression.ts';
import { writeModel } from './tiny-text-model.ts';

/*
 * Guards: a model that has learned to read digits reads as many of 500 right through the daemon as in process,
 * and the very same ones.
 */
const side = 20;
const features = 3 * side * side;
const { pack } = packages();

const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const config = {
  ...{ model_type: 'vit', architectures: ['ViTForImageClassification'] },
  id2label: Object.fromEntries(names.map((name, id) => [id, name])),
};
const processor = {
  ...{ image_processor_type: 'ViTImageProcessor', do_resize: true, resample: 2 },
  ...{ do_rescale: true, rescale_factor: 1 / 255, size: { height: side, width: side } },
  ...{ do_normalize: true, image_mean: [0.13, 0.13, 0.13], image_std: [0.31, 0.31, 0.31] },
};

const picture = ({ file }: Digit) => RawImage.fromBlob(new Blob([new Uint8Array(file)]));

/** As the package's own processor prepares them. */
async function examples(folder: string, learned: readonly Digit[]): Promise<Example[]> {
  const prepare = await AutoProcessor.from_pretrained(folder, { local_files_only: true });
  const pictures = await Promise.all(learned.map(picture));
  const { pixel_values: pixels } = await prepare(pictures);
  return learned.map(({ label }, at) => ({
    ...{ label },
    features: (pixels.data as Float32Array).subarray(at * features, (at + 1) * features),
  }));
}

function reader(weights: Float32Array): Uint8Array {
  const float32 = 'float32' as const;
  return onnxModel({
    nodes: [
      { op: 'Flatten', inputs: ['pixel_values'], outputs: ['flat'] },
      { op: 'MatMul', inputs: ['flat', 'W'], outputs: ['logits'] },
    ],
    inputs: [{ name: 'pixel_values', dtype: float32, shape: ['batch', 3, side, side] }],
    outputs: [{ name: 'logits', dtype: float32, shape: ['batch', names.length] }],
    initializers: [
      {
        ...{ name: 'W', dtype: float32, shape: [features, names.length] },
        data: new Uint8Array(weights.buffer),
      },
    ],
  });
}

async function writeReader(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processor));
  const learned = await examples(folder, await digits(0, 100));
  const weights = learn(learned, { classes: names.length, rounds: 10, rate: 0.0005 });
  return writeModel(folder, reader(weights));
}

function accuracy(answers: readonly Anything[], asked: readonly Digit[]): number {
  const right = asked.filter(({ label }, at) => answers[at][0].label === names[label]);
  return right.length / asked.length;
}

test('500 digits are read as the library reads them, most of them right', {
  timeout: 180_000,
}, async (t) => {
  const { ask, reference } = await pack('reader', writeReader);
  const asked = await digits(500, 50);
  const classify = await reference('image-classification');
  const expected: Anything[] = [];
  for (const digit of asked) expected.push(await classify(await picture(digit), { top_k: 10 }));
  const found: Anything[] = [];
  for (let at = 0; at < asked.length; at += 100) {
    const input = asked.slice(at, at + 100).map(({ file }) => file.toString('base64'));
    for (const { labels } of await ask({ input, top_k: 10 })) found.push(labels);
  }
  for (const [at, labels] of found.entries()) sameLabels(labels, expected[at]);
  t.diagnostic(`accuracy ${accuracy(found, asked)}`);
  assert.equal(accuracy(found, asked), accuracy(expected, asked));
  // One that had learned nothing would be right in a tenth.
  assert.ok(accuracy(found, asked) > 0.8);
});
