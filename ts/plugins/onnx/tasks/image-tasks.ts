import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { Turns } from '../../turns.ts';
import { normalized, wireVector } from '../../vectors.ts';
import { imageVectors, vectorsOf } from './embedding-outputs.ts';
import { isTensor } from './engine-call.ts';
import type { Library, LibraryTensor, Processor } from './library.ts';
import type { Picture } from './media/picture.ts';
import { checkProcessedSize } from './media/processed-size.ts';
import { best, topKOf } from './scored.ts';
import { inBatches, type TaskContext } from './task-context.ts';

/*
 * Tasks that look, by the library's own processors and pipelines. A picture is decoded and brought to the size
 * that the model wants before the next one: what waits for the model is small.
 */
// biome-ignore lint/suspicious/noExplicitAny: the library's pipelines are typed for its own models.
type Anything = any;
type Tensors = Readonly<Record<string, LibraryTensor>>;

const turns = new Turns({ atOnce: limits.mediaAtOnce, what: 'Pictures are read' });

/** sharp is loaded with the first picture. */
const codec = () => import('./media/picture.ts');

/** Pictures as the model takes them. */
interface Seen {
  /** Their sizes only, in the form that the library's pipelines ask for. */
  readonly images: readonly Picture[];
  /** Stands for the package's processor, which has done its work. */
  readonly processor: Processor;
}

/** What processors say beside tensors is for tasks of one picture. */
function joined(library: Library, parts: readonly Tensors[]): Tensors {
  const names = Object.keys(parts[0] ?? {}).filter((name) => isTensor(parts[0]?.[name]));
  const rows = names.map((name) => {
    const tensors = parts.map((part) => part[name] as LibraryTensor);
    return [name, library.cat(tensors, 0)] as const;
  });
  return Object.fromEntries(rows);
}

async function see(context: TaskContext, files: readonly Uint8Array[]): Promise<Seen> {
  const { library, request } = context;
  const processor = await context.processor();
  const { readPicture } = await codec();
  const images: Picture[] = [];
  const parts: Tensors[] = [];
  for (const file of files) {
    await turns.run(request.signal, async () => {
      const picture = await readPicture(library, file);
      checkProcessedSize(processor, picture);
      parts.push((await processor([picture])) as Tensors);
      const { width, height, channels } = picture;
      images.push(new library.RawImage(new Uint8Array(0), width, height, channels));
    });
  }
  const [first = {}, ...others] = parts;
  const inputs = others.length === 0 ? first : joined(library, parts);
  const { image_processor } = processor;
  return { images, processor: Object.assign(async () => inputs, { image_processor }) as Anything };
}

function pictures({ request }: TaskContext): Uint8Array | Uint8Array[] {
  return request.inputs['image'] as Uint8Array | Uint8Array[];
}

/** So many go into one run: they are large. */
function atOnce({ request }: TaskContext): number {
  const { batch_size: most = limits.imagesAtOnce } = request.parameters;
  return Math.min(most as number, limits.imagesAtOnce);
}

export async function classifyImages(context: TaskContext): Promise<unknown> {
  const { library, model } = context;
  const k = topKOf(context);
  const run = async (files: Uint8Array[]) => {
    const { images, processor } = await see(context, files);
    const pipeline: Anything = new library.ImageClassificationPipeline({
      ...({ task: 'image-classification', model, processor } as Anything),
    });
    const rows: { label: string; score: number }[][] = await pipeline(images, { top_k: k });
    return rows.map((labels) => ({ labels: labels }));
  };
  return inBatches(pictures(context), atOnce(context), run);
}

/** One vector of each row: a row's own, or that of its first part, which stands for the whole. */
function firstVectors(data: Float32Array, dims: readonly number[]): Float32Array[] {
  const [rows = 0, ...rest] = dims;
  const length = rest.reduce((product, dim) => product * dim, 1);
  const isMap = rest.length === 3 && length !== rest[0];
  if (isMap) {
    throw new MlosError('INFERENCE_FAILED', 'The model gives maps of features, no embeddings.');
  }
  const width = rest.length === 2 ? (rest[1] ?? 0) : length;
  return Array.from({ length: rows }, (_, row) => data.slice(row * length, row * length + width));
}

export async function extractImageFeatures(context: TaskContext): Promise<unknown> {
  const { model, request } = context;
  const run = async (files: Uint8Array[]) => {
    const { processor } = await see(context, files);
    const { pixel_values } = (await processor([])) as Tensors;
    const { data, dims } = vectorsOf(await model({ pixel_values }), imageVectors);
    return firstVectors(data, dims).map((vector) => {
      const whole = request.parameters['normalize'] === true ? normalized(vector) : vector;
      return { embedding: wireVector(whole, [whole.length]) };
    });
  };
  return inBatches(pictures(context), atOnce(context), run);
}

export async function detectObjects(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const { images, processor } = await see(context, [pictures(context) as Uint8Array]);
  const pipeline: Anything = new library.ObjectDetectionPipeline({
    ...({ task: 'object-detection', model, processor } as Anything),
  });
  const { threshold } = request.parameters;
  const found: Anything[] = await pipeline(images[0], threshold === undefined ? {} : { threshold });
  const objects = found.map(({ label, score, box }) => ({ label, score, box }));
  return { objects: best(objects, objects.length) };
}

export async function segmentImage(context: TaskContext): Promise<unknown> {
  const { library, model, facts, request } = context;
  const { images, processor } = await see(context, [pictures(context) as Uint8Array]);
  const labels = Object.keys((facts.config['id2label'] ?? {}) as object).length;
  checkSegmented(images[0] as Picture, labels);
  const pipeline: Anything = new library.ImageSegmentationPipeline({
    ...({ task: 'image-segmentation', model, processor } as Anything),
  });
  const { threshold } = request.parameters;
  const found: Anything[] = await pipeline(images[0], threshold === undefined ? {} : { threshold });
  const { writeMask } = await codec();
  const segments: unknown[] = [];
  for (const { label, score, mask } of found) {
    const file = await turns.run(request.signal, () => writeMask(mask));
    segments.push({ label: label ?? '', score, mask: file.toString('base64') });
  }
  return { segments };
}

function checkSegmented({ width, height }: Picture, labels: number): void {
  const most = Math.floor(limits.segmentationValues / Math.max(1, labels));
  if (width * height <= most) return;
  throw new MlosError(
    'PAYLOAD_TOO_LARGE',
    `The picture has ${width} × ${height} pixels; with ${labels} labels ${most} together are the limit.`,
  );
}

export async function classifyImageZeroShot(context: TaskContext): Promise<unknown> {
  const { library, model, request } = context;
  const tokenizer = await context.tokenizer();
  const { images, processor } = await see(context, [pictures(context) as Uint8Array]);
  const pipeline: Anything = new library.ZeroShotImageClassificationPipeline({
    ...({ task: 'zero-shot-image-classification', model, tokenizer, processor } as Anything),
  });
  const { candidate_labels, hypothesis_template } = request.parameters;
  const options = hypothesis_template === undefined ? {} : { hypothesis_template };
  const found: Anything[] = await pipeline(images[0], candidate_labels, options);
  return { labels: found.map(({ label, score }) => ({ label, score })) };
}
