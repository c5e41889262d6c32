import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxModel } from '../dist/testing/onnx-builder.js';

/*
 * Every model is made from code, so that nothing has to be fetched and the arithmetic is known.
 * One input `x`, one output `y`, float32.
 */
const product = (shape) => shape.reduce((all, dim) => all * dim, 1);
/** Weights of mixed sign whose columns sum to about one: neither growth nor denormal numbers. */
const weights = (count, scale) =>
  Float32Array.from({ length: count }, (_, i) => ((i % 7) - 2.5) / scale);

function float32(name, shape, values) {
  return { name, dtype: 'float32', shape, data: new Uint8Array(values.buffer) };
}

/** `layers` times relu(x · W + b) from `from` to `y`; one W for all where `shared`. */
function layersOf(size, layers, from, { shared = false } = {}) {
  const nodes = [];
  const initializers = [];
  let x = from;
  for (let layer = 0; layer < layers; layer++) {
    const own = shared ? 0 : layer;
    if (own === layer) {
      initializers.push(
        float32(`w${own}`, [size, size], weights(size * size, size)),
        float32(`b${own}`, [size], new Float32Array(size).fill(0.01)),
      );
    }
    const to = layer === layers - 1 ? 'y' : `x${layer}`;
    nodes.push(
      { op: 'MatMul', inputs: [x, `w${own}`], outputs: [`s${layer}`] },
      { op: 'Add', inputs: [`s${layer}`, `b${own}`], outputs: [`a${layer}`] },
      { op: 'Relu', inputs: [`a${layer}`], outputs: [to] },
    );
    x = to;
  }
  return { nodes, initializers };
}

function perceptron(size, layers, options) {
  return onnxModel({
    ...layersOf(size, layers, 'x', options),
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', size] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', size] }],
  });
}

/** Reads all of a long input (its mean), then does what `tiny` does: what costs is the input. */
function reader(elements) {
  const { nodes, initializers } = layersOf(16, 2, 'h');
  return onnxModel({
    nodes: [
      {
        op: 'ReduceMean',
        inputs: ['x'],
        outputs: ['mean'],
        attributes: { axes: [1], keepdims: 1 },
      },
      { op: 'MatMul', inputs: ['mean', 'spread'], outputs: ['h'] },
      ...nodes,
    ],
    inputs: [{ name: 'x', dtype: 'float32', shape: [1, elements] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [1, 16] }],
    initializers: [float32('spread', [1, 16], new Float32Array(16).fill(1)), ...initializers],
  });
}

/** 784-64-10 with a soft maximum, as digits and garments are classified: gains from batching. */
function classifier() {
  return onnxModel({
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w0'], outputs: ['s0'] },
      { op: 'Relu', inputs: ['s0'], outputs: ['h'] },
      { op: 'MatMul', inputs: ['h', 'w1'], outputs: ['s1'] },
      { op: 'Softmax', inputs: ['s1'], outputs: ['y'], attributes: { axis: 1 } },
    ],
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 784] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 10] }],
    initializers: [
      float32('w0', [784, 64], weights(784 * 64, 784)),
      float32('w1', [64, 10], weights(640, 64)),
    ],
  });
}

/** Three 3 × 3 convolutions on a 64 × 64 picture: a picture alone fills the processor already. */
function convolutions() {
  const channels = [3, 32, 32, 8];
  const nodes = [];
  const initializers = [];
  let x = 'x';
  for (let layer = 0; layer < 3; layer++) {
    const [from, to] = [channels[layer], channels[layer + 1]];
    const shape = [to, from, 3, 3];
    initializers.push(float32(`k${layer}`, shape, weights(product(shape), from * 9)));
    const y = layer === 2 ? 'y' : `x${layer}`;
    const attributes = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
    nodes.push(
      { op: 'Conv', inputs: [x, `k${layer}`], outputs: [`c${layer}`], attributes },
      { op: 'Relu', inputs: [`c${layer}`], outputs: [y] },
    );
    x = y;
  }
  return onnxModel({
    nodes,
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 3, 64, 64] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 8, 64, 64] }],
    initializers,
  });
}

/** As many bytes come out as go in, and the arithmetic is one pass over them: what costs is the way. */
function passThrough(elements) {
  return onnxModel({
    nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype: 'float32', shape: [1, elements] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [1, elements] }],
    initializers: [],
  });
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** From about 1 µs to about 100 ms of arithmetic on one core. */
const sizes = {
  tiny: { shape: [1, 16], make: () => perceptron(16, 2) },
  small: { shape: [1, 512], make: () => perceptron(512, 4) },
  medium: { shape: [48, 1024], make: () => perceptron(1024, 6) },
  large: { shape: [64, 1024], make: () => perceptron(1024, 72, { shared: true }) },
};

const payloads = {
  'tiny-64k': { name: 'tiny', shape: [1, (64 * KiB) / 4] },
  'tiny-1m': { name: 'tiny', shape: [1, MiB / 4] },
  'tiny-16m': { name: 'tiny', shape: [1, (16 * MiB) / 4] },
};

const others = {
  classifier: { shape: [1, 784], make: classifier },
  convolutions: { shape: [1, 3, 64, 64], make: convolutions },
  'through-600k': { shape: [1, 150_000], make: () => passThrough(150_000) },
};

/**
 * Writes the models that `keys` name and describes them.
 * @param {string} folder
 * @param {readonly string[]} keys
 * @returns {{ key: string, name: string, id: string, file: string, shape: number[], payloadBytes: number }[]}
 */
export function writeModels(folder, keys) {
  mkdirSync(folder, { recursive: true });
  return keys.map((key) => {
    const spec = sizes[key] ?? others[key] ?? payloads[key];
    const file = join(folder, `${key}.onnx`);
    writeFileSync(file, spec.make?.() ?? reader(product(spec.shape)));
    const payloadBytes = 4 * product(spec.shape);
    return {
      key,
      name: spec.name ?? key,
      id: `bench/${key}@1`,
      file,
      shape: spec.shape,
      payloadBytes,
    };
  });
}

export const sizeKeys = Object.keys(sizes);
export const payloadKeys = Object.keys(payloads);
