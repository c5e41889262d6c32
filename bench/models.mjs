import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnxModel } from '../dist/testing/onnx-builder.js';

/** `layers` times y = relu(x · W + b), W square: sizes of which the arithmetic is known. */
function mlp(size, layers) {
  const nodes = [];
  const initializers = [];
  let from = 'x';
  for (let layer = 0; layer < layers; layer++) {
    const [w, b, sum, biased] = ['w', 'b', 's', 'a'].map((letter) => `${letter}${layer}`);
    const to = layer === layers - 1 ? 'y' : `x${layer}`;
    const weight = Float32Array.from({ length: size * size }, (_, i) => ((i % 7) - 2.5) / size);
    const bias = new Float32Array(size).fill(0.01);
    const float32 = (name, shape, values) => ({
      name,
      dtype: 'float32',
      shape,
      data: new Uint8Array(values.buffer),
    });
    initializers.push(float32(w, [size, size], weight), float32(b, [size], bias));
    nodes.push(
      { op: 'MatMul', inputs: [from, w], outputs: [sum] },
      { op: 'Add', inputs: [sum, b], outputs: [biased] },
      { op: 'Relu', inputs: [biased], outputs: [to] },
    );
    from = to;
  }
  return onnxModel({
    nodes,
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', size] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', size] }],
    initializers,
  });
}

/** The two sizes: one where everything but the model costs, one where the model costs. */
export function writeModels(folder) {
  mkdirSync(folder, { recursive: true });
  const models = [
    { id: 'bench/small', title: 'small: 2 layers of 16 × 16', size: 16, layers: 2, batch: 1 },
    {
      id: 'bench/large',
      title: 'large: 6 layers of 1024 × 1024',
      size: 1024,
      layers: 6,
      batch: 16,
    },
  ];
  return models.map(({ id, title, size, layers, batch }) => {
    const file = join(folder, `${id.replace('/', '-')}.onnx`);
    writeFileSync(file, mlp(size, layers));
    return { id, title, file, shape: [batch, size] };
  });
}
