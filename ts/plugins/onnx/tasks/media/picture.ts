import sharp, { type Sharp } from 'sharp';
import { MlosError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';
import type { Library } from '../library.ts';

/*
 * Pictures by sharp, as @huggingface/transformers reads them: turned as their EXIF says, of animations the first
 * frame, 8 bits, without transparency.
 */
export type Picture = InstanceType<Library['RawImage']>;

/** What the task's description promises; formats with scripts or addresses in them (SVG, PDF) are not among them. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'];
const formats = 'PNG, JPEG, WebP, GIF, TIFF or AVIF';

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: loaders.map((name) => `VipsForeignLoad${name}`) });
// Each file is seen once, and other requests have work for the other cores.
sharp.cache(false);
sharp.concurrency(1);

function unreadable(error: unknown): MlosError {
  const why = (error as Error).message.split('\n')[0] ?? '';
  return new MlosError(
    'INVALID_VALUE',
    `Input "image" is no picture that can be read (${formats}): ${why}`,
    { cause: error },
  );
}

/** Its header only: bytes that claim to become many are refused before they do. */
async function checkSize(picture: Sharp): Promise<void> {
  const { width, height } = await picture.metadata();
  if (width * height <= limits.imagePixels) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `The picture has ${width} × ${height} pixels; the limit is ${limits.imagePixels} together.`,
  );
}

/** Errors: INVALID_VALUE, PAYLOAD_TOO_LARGE. */
export async function readPicture({ RawImage }: Library, bytes: Uint8Array): Promise<Picture> {
  const options = { limitInputPixels: false, sequentialRead: true, pages: 1 } as const;
  try {
    await checkSize(sharp(bytes, options));
    const { data, info } = await sharp(bytes, { ...options, limitInputPixels: limits.imagePixels })
      .timeout({ seconds: limits.imageDecodeSeconds })
      .autoOrient()
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const values = new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
    return new RawImage(values, info.width, info.height, info.channels as 1 | 3);
  } catch (error) {
    throw error instanceof MlosError ? error : unreadable(error);
  }
}

/** A mask as a PNG of grey. */
export function writeMask({ data, width, height }: Picture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}
