import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp from 'sharp';

/*
 * Handwritten digits and what they are: a thousand of each in the package `mnist`, as grey pixels from 0 to 1.
 */
const side = 28;
const size = side * side;

export interface Digit {
  /** A PNG of 28 by 28. */
  readonly file: Buffer;
  readonly label: number;
}

async function pixelsOf(digit: number): Promise<Uint8Array> {
  const path = createRequire(import.meta.url).resolve(`mnist/src/digits/${digit}.json`);
  const { data } = JSON.parse(await readFile(path, 'utf8')) as { readonly data: number[] };
  return Uint8Array.from(data, (grey) => Math.round(grey * 255));
}

/** `count` of each digit, from the `from`th on, by turns. */
export async function digits(from: number, count: number): Promise<Digit[]> {
  const all = await Promise.all(Array.from({ length: 10 }, (_, digit) => pixelsOf(digit)));
  const raw = { width: side, height: side, channels: 1 } as const;
  return Promise.all(
    Array.from({ length: count * 10 }, async (_, index) => {
      const label = index % 10;
      const at = (from + Math.floor(index / 10)) * size;
      const pixels = (all[label] as Uint8Array).subarray(at, at + size);
      return { label, file: await sharp(pixels, { raw }).png().toBuffer() };
    }),
  );
}
