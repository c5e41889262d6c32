import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type OnnxGraph, type OnnxNode, type OnnxValue, onnxModel } from '../onnx-builder.ts';
import { body, longs, weights, words, writeModel, writePackage } from './tiny-text-model.ts';

/*
 * Packages of pictures as the Hugging Face libraries write them, with models of a few kilobytes that see how red,
 * green and blue a picture is: what they say of a picture of one colour is known.
 */
export const colours = ['red', 'green', 'blue'];
const float32 = 'float32' as const;
const int64 = 'int64' as const;

const pixels: OnnxValue = {
  name: 'pixel_values',
  dtype: float32,
  shape: ['batch', 3, 'height', 'width'],
};

/** `seen`: [batch, 3], the mean of each colour. */
const see: readonly OnnxNode[] = [
  { op: 'GlobalAveragePool', inputs: ['pixel_values'], outputs: ['mean4'] },
  { op: 'Flatten', inputs: ['mean4'], outputs: ['seen'] },
];

/** Rows of a matrix with `scale` on the diagonal. */
function diagonal(rows: number, columns: number, scale: number): Uint8Array {
  const values = Float32Array.from({ length: rows * columns }, (_, at) =>
    Math.floor(at / columns) === at % columns ? scale : 0,
  );
  return new Uint8Array(values.buffer);
}

type Kind = 'labels' | 'vectors' | 'boxes' | 'regions' | 'texts';

const graphs: Readonly<Record<Kind, OnnxGraph>> = {
  labels: {
    nodes: [...see, { op: 'MatMul', inputs: ['seen', 'W'], outputs: ['logits'] }],
    inputs: [pixels],
    outputs: [{ name: 'logits', dtype: float32, shape: ['batch', 3] }],
    initializers: [{ name: 'W', dtype: float32, shape: [3, 3], data: diagonal(3, 3, 4) }],
  },
  vectors: {
    nodes: [
      ...see,
      { op: 'Tanh', inputs: ['seen'], outputs: ['pooler_output'] },
      { op: 'Reshape', inputs: ['pixel_values', 'patches'], outputs: ['last_hidden_state'] },
    ],
    inputs: [pixels],
    outputs: [
      { name: 'last_hidden_state', dtype: float32, shape: ['batch', 'patches', 48] },
      { name: 'pooler_output', dtype: float32, shape: ['batch', 3] },
    ],
    initializers: [{ name: 'patches', dtype: int64, shape: [3], data: longs(0, -1, 48) }],
  },
  /** Two boxes; the background is a fourth label. */
  boxes: {
    nodes: [
      ...see,
      { op: 'MatMul', inputs: ['seen', 'W'], outputs: ['flat'] },
      { op: 'Reshape', inputs: ['flat', 'boxes'], outputs: ['logits'] },
      { op: 'MatMul', inputs: ['seen', 'V'], outputs: ['places'] },
      { op: 'Sigmoid', inputs: ['places'], outputs: ['inside'] },
      { op: 'Reshape', inputs: ['inside', 'boxes'], outputs: ['pred_boxes'] },
    ],
    inputs: [pixels],
    outputs: [
      { name: 'logits', dtype: float32, shape: ['batch', 2, 4] },
      { name: 'pred_boxes', dtype: float32, shape: ['batch', 2, 4] },
    ],
    initializers: [
      { name: 'W', dtype: float32, shape: [3, 8], data: diagonal(3, 8, 9) },
      { name: 'V', dtype: float32, shape: [3, 8], data: weights(24, 0.7) },
      { name: 'boxes', dtype: int64, shape: [3], data: longs(0, 2, 4) },
    ],
  },
  /** A label for each square of four pixels. */
  regions: {
    nodes: [
      {
        ...{ op: 'AveragePool', inputs: ['pixel_values'], outputs: ['logits'] },
        attributes: { kernel_shape: [4, 4], strides: [4, 4] },
      },
    ],
    inputs: [pixels],
    outputs: [{ name: 'logits', dtype: float32, shape: ['batch', 3, 'rows', 'columns'] }],
  },
  /** How well the mean of a text's words fits the colours. */
  texts: {
    nodes: [
      ...body,
      ...see,
      { op: 'Squeeze', inputs: ['m', 'axis1'], outputs: ['meaning'] },
      { op: 'MatMul', inputs: ['meaning', 'P'], outputs: ['texts3'] },
      { op: 'Transpose', inputs: ['texts3'], outputs: ['turned'], attributes: { perm: [1, 0] } },
      { op: 'MatMul', inputs: ['seen', 'turned'], outputs: ['logits_per_image'] },
    ],
    inputs: [
      { name: 'input_ids', dtype: int64, shape: ['texts', 'tokens'] },
      { name: 'attention_mask', dtype: int64, shape: ['texts', 'tokens'] },
      { ...pixels, shape: ['images', 3, 'height', 'width'] },
    ],
    outputs: [{ name: 'logits_per_image', dtype: float32, shape: ['images', 'texts'] }],
    initializers: [
      {
        ...{ name: 'E', dtype: float32, shape: [words.length, 8] },
        data: weights(words.length * 8, 1.7),
      },
      { name: 'P', dtype: float32, shape: [8, 3], data: weights(24, 1.1) },
      { name: 'last', dtype: int64, shape: [1], data: longs(2) },
      { name: 'axis1', dtype: int64, shape: [1], data: longs(1) },
    ],
  },
};

interface Package {
  readonly kind: Kind;
  readonly config: Readonly<Record<string, unknown>>;
  readonly processor: Readonly<Record<string, unknown>>;
}

const halves = [0.5, 0.5, 0.5];
const processor = {
  ...{ do_resize: true, do_rescale: true, rescale_factor: 1 / 255, resample: 2 },
  ...{ do_normalize: true, image_mean: halves, image_std: halves },
  size: { height: 32, width: 32 },
};
const labelled = { id2label: Object.fromEntries(colours.map((colour, id) => [id, colour])) };

export const pictureModels = {
  classifier: {
    kind: 'labels',
    config: { model_type: 'vit', architectures: ['ViTForImageClassification'], ...labelled },
    processor: { ...processor, image_processor_type: 'ViTImageProcessor' },
  },
  /** Makes the shorter side 32 pixels long, and cuts the middle out. */
  cutter: {
    kind: 'labels',
    config: {
      model_type: 'convnext',
      architectures: ['ConvNextForImageClassification'],
      ...labelled,
    },
    processor: {
      ...{ ...processor, image_processor_type: 'ConvNextImageProcessor', do_center_crop: true },
      ...{ size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } },
    },
  },
  embedder: {
    kind: 'vectors',
    config: { model_type: 'vit', architectures: ['ViTModel'] },
    processor: { ...processor, image_processor_type: 'ViTImageProcessor' },
  },
  detector: {
    kind: 'boxes',
    config: { model_type: 'detr', architectures: ['DetrForObjectDetection'], ...labelled },
    processor: {
      ...processor,
      ...{ image_processor_type: 'DetrImageProcessor', do_pad: true },
      size: { shortest_edge: 32, longest_edge: 64 },
    },
  },
  segmenter: {
    kind: 'regions',
    config: {
      ...{ model_type: 'segformer', architectures: ['SegformerForSemanticSegmentation'] },
      ...labelled,
    },
    processor: { ...processor, image_processor_type: 'SegformerImageProcessor' },
  },
  matcher: {
    kind: 'texts',
    config: { model_type: 'clip', architectures: ['CLIPModel'] },
    processor: { ...processor, image_processor_type: 'CLIPImageProcessor' },
  },
} as const satisfies Readonly<Record<string, Package>>;

/** Makes the package in `folder`; answers the model file. */
export async function writeTinyPictures(folder: string, about: Package): Promise<string> {
  const files = { 'config.json': about.config, 'preprocessor_config.json': about.processor };
  const model = onnxModel(graphs[about.kind]);
  if (about.kind === 'texts') return writePackage(folder, files, model);
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  return writeModel(folder, model);
}
