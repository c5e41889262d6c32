import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dtype } from '../../protocol/dtype.ts';
import { makeFakePlugin } from '../fake-plugin/make.ts';
import {
  addMultiplyModel,
  bertLikeModel,
  failingModel,
  identityModel,
  matMulModel,
} from '../onnx-models.ts';

/** Values of every dtype that the runtime carries, with the edges of each. */
export const samples: Readonly<Partial<Record<Dtype, readonly unknown[]>>> = {
  float32: [0, 1.5, -2, 3.4e38, 1e-45, 0.1],
  float64: [0, 0.1, -2, 1.7e308, 5e-324, 1 / 3],
  float16: [0, 0.5, -2, 65504, 6e-8, 1.5],
  int8: [-128, 127, 0, 1, 2, 3],
  int16: [-32768, 32767, 0, 1, 2, 3],
  int32: [-2147483648, 2147483647, 0, 1, 2, 3],
  int64: ['-9223372036854775808', '9223372036854775807', 0, 1, '9007199254740993', -3],
  uint8: [0, 255, 1, 2, 3, 4],
  uint16: [0, 65535, 1, 2, 3, 4],
  uint32: [0, 4294967295, 1, 2, 3, 4],
  uint64: [0, '18446744073709551615', 1, 2, 3, 4],
  bool: [true, false, true, true, false, false],
  string: ['', 'a', 'ä€𝄞', 'two words', '"quoted\\"', '\n'],
};

export const dtypesHere = Object.keys(samples) as readonly Dtype[];

/** Names that JSON, JavaScript and URLs could each trip over. */
export const oddNames = [
  '__proto__',
  'constructor',
  'toString',
  'a:b/c.0',
  'onnx::Flatten_0',
  'ä€𝄞',
  'with space',
  'timeout_ms',
] as const;

/** The models that the cases run on, by name. */
export const caseModels: Readonly<Record<string, () => Uint8Array>> = {
  ...Object.fromEntries(dtypesHere.map((dtype) => [dtype, () => identityModel(dtype, ['n', 3])])),
  ...Object.fromEntries(
    oddNames.map((name, index) => [
      `odd-${index}`,
      () => identityModel('float32', ['n'], { input: name, output: `${name}!` }),
    ]),
  ),
  scalar: () => identityModel('float32', []),
  vector: () => identityModel('float32', ['n']),
  fixed: () => identityModel('int64', [2, 2]),
  image: () => identityModel('float32', ['batch', 3, 4, 5]),
  'add-multiply': () => addMultiplyModel(),
  matmul: () => matMulModel(64, 16),
  bert: () => bertLikeModel(),
  failing: () => failingModel(),
};

/** Files that the cases name: the models, and things that are none. */
export async function writeWorld(folder: string): Promise<void> {
  for (const [name, make] of Object.entries(caseModels)) {
    await writeFile(join(folder, `${name}.onnx`), make());
  }
  await writeFile(join(folder, 'broken.onnx'), 'this is no model');
  await writeFile(join(folder, 'other.tflite'), 'TFL3');
  await writeFile(join(folder, 'nameless'), identityModel('float32', []));
  await mkdir(join(folder, 'several'));
  for (const name of ['a', 'b']) {
    await writeFile(join(folder, 'several', `${name}.onnx`), identityModel('float32', []));
  }
  await mkdir(join(folder, 'one'));
  await writeFile(join(folder, 'one', 'model.onnx'), identityModel('float32', []));
  await writeFile(join(folder, 'one', 'README.md'), 'not a model');
  await mkdir(join(folder, 'empty'));
  await makeFakePlugin(join(folder, 'fake'));
}
