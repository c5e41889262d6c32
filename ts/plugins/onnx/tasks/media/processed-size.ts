import { MlosError } from '../../../../protocol/errors.ts';
import { limits } from '../../../../protocol/limits.ts';
import type { Processor } from '../library.ts';
import type { Picture } from './picture.ts';

/** What the library's image processors have beside what their type says. */
interface Resizing {
  readonly do_resize?: boolean;
  readonly size?: unknown;
  get_resize_output_image_size?(picture: Picture, size: unknown): readonly [number, number];
}

/**
 * Many processors make the shorter side as long as the model wants before they cut the rest off: a line of pixels
 * becomes gigabytes. Others bound the longer side, and nothing is left of the shorter one.
 * Errors: PAYLOAD_TOO_LARGE, INVALID_VALUE.
 */
export function checkProcessedSize({ image_processor }: Processor, picture: Picture): void {
  const processor = (image_processor ?? {}) as Resizing;
  const { width, height } = picture;
  const [toWidth, toHeight] =
    processor.do_resize === true
      ? (processor.get_resize_output_image_size?.(picture, processor.size) ?? [width, height])
      : [width, height];
  if (toWidth < 1 || toHeight < 1) {
    throw new MlosError(
      'INVALID_VALUE',
      `The picture of ${width} × ${height} pixels becomes ${toWidth} × ${toHeight} for this model, which is nothing. Cut it to a less narrow one.`,
    );
  }
  if (toWidth * toHeight <= limits.processedPixels) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `The picture of ${width} × ${height} pixels becomes ${toWidth} × ${toHeight} for this model; ` +
      `the limit is ${limits.processedPixels} together. Cut it, or make it smaller.`,
  );
}
