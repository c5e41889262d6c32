import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawImage } from '@huggingface/transformers';
import sharp from 'sharp';
import { codeOf } from '../daemon/models.ts';
import { type Anything, near, packages, sameLabels } from './packages.ts';
import { pictureModels, writeTinyPictures } from './tiny-picture-model.ts';

/*
 * Guards: what a real daemon answers to pictures is what the field's own library answers in process, on the same
 * files; what a picture of one colour shows is known.
 */
const watchdog = { timeout: 120_000 };
const { pack, daemon } = packages();

const packPictures = (name: keyof typeof pictureModels) =>
  pack(name, (folder) => writeTinyPictures(folder, pictureModels[name]));

const paint = {
  red: { r: 250, g: 10, b: 20 },
  green: { r: 10, g: 250, b: 20 },
  blue: { r: 20, g: 10, b: 250 },
};

function plain(colour: keyof typeof paint, width = 60, height = 40) {
  return sharp({ create: { width, height, channels: 3, background: paint[colour] } });
}

/** Left red, right blue, with a gradient: no two pixels in a row are the same. */
async function landscape(): Promise<Buffer> {
  const [width, height] = [96, 64];
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at += 1) {
    const x = at % width;
    data[at * 3] = x < 48 ? 240 - x : x;
    data[at * 3 + 1] = Math.floor(at / width) * 2;
    data[at * 3 + 2] = x < 48 ? x : 240 - x / 2;
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

const coded = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const forLibrary = (bytes: Uint8Array) => RawImage.fromBlob(new Blob([new Uint8Array(bytes)]));

test(
  'the label of a known picture is right, in every format and through every form',
  watchdog,
  async () => {
    const { ask, path } = await packPictures('classifier');
    for (const colour of ['red', 'green', 'blue'] as const) {
      const { labels } = await ask({ input: coded(await plain(colour).png().toBuffer()) });
      assert.equal(labels[0].label, colour);
    }
    const files = [
      await plain('green').jpeg().toBuffer(),
      await plain('green').webp().toBuffer(),
      await plain('green').gif().toBuffer(),
      await plain('green').tiff().toBuffer(),
      await plain('green').avif().toBuffer(),
    ];
    const many = await ask({ input: files.map(coded), top_k: 1, batch_size: 2 });
    assert.deepEqual(
      many.map(({ labels }: Anything) => labels.map(({ label }: Anything) => label)),
      files.map(() => ['green']),
    );
    const reply = await fetch(`http://127.0.0.1:${daemon().httpPort}${path}`, {
      method: 'POST',
      body: new Uint8Array(files[0] as Buffer),
      headers: { 'content-type': 'image/jpeg' },
    });
    const body = (await reply.json()) as Anything;
    assert.equal(body.result.labels[0].label, 'green');
  },
);

test('labels and scores are those of the library', watchdog, async () => {
  const { ask, reference } = await packPictures('classifier');
  const classify = await reference('image-classification');
  for (const file of [await landscape(), await plain('blue', 333, 10).jpeg().toBuffer()]) {
    const expected = await classify(await forLibrary(file), { top_k: 3 });
    sameLabels((await ask({ input: coded(file) })).labels, expected);
  }
});

test(
  'a picture is turned as its camera says; grey and transparent ones are read',
  watchdog,
  async () => {
    const { ask } = await packPictures('segmenter');
    const jpeg = { quality: 100, chromaSubsampling: '4:4:4' };
    const turned = await sharp(await landscape())
      .jpeg(jpeg)
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { segments } = await ask({ input: coded(turned) });
    const mask = await sharp(Buffer.from(segments[0].mask, 'base64')).metadata();
    assert.deepEqual([mask.width, mask.height], [64, 96]);
    const classifier = await packPictures('classifier');
    const grey = await plain('red').greyscale().png().toBuffer();
    const glass = await plain('red').ensureAlpha(0.5).png().toBuffer();
    const deep = await plain('red').toColourspace('rgb16').png().toBuffer();
    assert.equal((await classifier.ask({ input: coded(grey) })).labels.length, 3);
    for (const file of [glass, deep]) {
      assert.equal((await classifier.ask({ input: coded(file) })).labels[0].label, 'red');
    }
  },
);

test('embeddings of pictures are those of the library', watchdog, async () => {
  const { ask, reference } = await packPictures('embedder');
  const embed = await reference('image-feature-extraction');
  const files = [await landscape(), await plain('red').png().toBuffer()];
  const expected = await Promise.all(
    files.map(async (file) => (await embed(await forLibrary(file), { pool: true })).tolist()[0]),
  );
  const found = await ask({ input: files.map(coded) });
  for (const [at, { embedding }] of found.entries()) near(embedding, expected[at]);
  const { embedding } = await ask({ input: coded(files[0] as Buffer), normalize: true });
  near([Math.hypot(...embedding)], [1]);
});

test('things are found where the library finds them', watchdog, async () => {
  const { ask, reference } = await packPictures('detector');
  const detect = await reference('object-detection');
  const file = await plain('red', 120, 50).png().toBuffer();
  for (const threshold of [undefined, 0.3]) {
    const options = threshold === undefined ? {} : { threshold };
    const expected = await detect(await forLibrary(file), options);
    const { objects } = await ask({ input: coded(file), ...options });
    assert.ok(objects.length > 0);
    assert.equal(objects.length, expected.length);
    const boxes = (list: Anything[]) => list.map(({ label, box }) => ({ label, box }));
    const byScore = expected.sort((a: Anything, b: Anything) => b.score - a.score);
    assert.deepEqual(boxes(objects), boxes(byScore));
    assert.equal(objects[0].label, 'red');
  }
});

test('regions are those of the library, as PNGs of the picture’s size', watchdog, async () => {
  const { ask, reference } = await packPictures('segmenter');
  const cut = await reference('image-segmentation');
  const file = await landscape();
  const expected = await cut(await forLibrary(file));
  const { segments } = await ask({ input: coded(file) });
  assert.deepEqual(
    segments.map(({ label }: Anything) => label),
    expected.map(({ label }: Anything) => label),
  );
  for (const [at, { mask }] of segments.entries()) {
    const raw = await sharp(Buffer.from(mask, 'base64'))
      .extractChannel(0)
      .raw()
      .toBuffer({ resolveWithObject: true });
    assert.deepEqual([raw.info.width, raw.info.height], [96, 64]);
    assert.deepEqual([...raw.data], [...expected[at].mask.data]);
  }
});

test('a picture and texts are compared as the library does it', watchdog, async () => {
  const { ask, reference } = await packPictures('matcher');
  const match = await reference('zero-shot-image-classification');
  const file = await landscape();
  const labels = ['cat', 'a mat in paris', 'nice'];
  const expected = await match(await forLibrary(file), labels);
  sameLabels((await ask({ input: coded(file), candidate_labels: labels })).labels, expected);
});

test('what is no picture, or too large a one, is refused by name', watchdog, async () => {
  const { reply, ask } = await packPictures('classifier');
  const refused = async (bytes: Uint8Array, code: string, about: RegExp) => {
    const answer = await reply({ input: coded(bytes) });
    assert.equal(codeOf(answer), code, JSON.stringify(answer.body));
    assert.match(answer.body.message, about);
  };
  await refused(
    Buffer.from('no picture at all'),
    '400 INVALID_VALUE',
    /no picture that can be read/,
  );
  const whole = await plain('red', 400, 400).jpeg().toBuffer();
  await refused(whole.subarray(0, 40), '400 INVALID_VALUE', /no picture that can be read/);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>';
  await refused(Buffer.from(svg), '400 INVALID_VALUE', /PNG, JPEG/);
  // Some hundred kilobytes that become 600 MB.
  const huge = await plain('red', 20_000, 10_000).png({ compressionLevel: 9 }).toBuffer();
  await refused(huge, '413 PAYLOAD_TOO_LARGE', /20000 × 10000 pixels; the limit is 67108864/);
  // A line of pixels that the processor would make as wide as the model wants before it cuts it.
  const line = await plain('red', 1, 20_000).png().toBuffer();
  const cutting = await packPictures('cutter');
  const grown = await cutting.reply({ input: coded(line) });
  assert.equal(codeOf(grown), '413 PAYLOAD_TOO_LARGE');
  assert.match(grown.body.message, /1 × 20000 pixels becomes 32 × 640000 for this model/);
  const flat = await plain('red', 20_000, 1).png().toBuffer();
  const shrunk = await (await packPictures('detector')).reply({ input: coded(flat) });
  assert.equal(codeOf(shrunk), '400 INVALID_VALUE');
  assert.match(shrunk.body.message, /20000 × 1 pixels becomes 64 × 0 for this model/);
  const good = await plain('red').png().toBuffer();
  assert.equal((await cutting.ask({ input: coded(good) })).labels[0].label, 'red');
  assert.equal((await ask({ input: coded(good) })).labels[0].label, 'red');
});
