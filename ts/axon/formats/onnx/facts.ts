import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { ModelFacts } from '../facts.ts';
import { folderOf } from '../file-kinds.ts';
import { ioSchema } from '../io-schema.ts';
import { readOnnx } from './read-model.ts';

/** Of one graph its inputs and outputs; several graphs have no one list. */
export function onnxFacts(root: string, run: readonly string[]): ModelFacts {
  const models = run
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => ({ file, model: readOnnx(root, file) }));
  for (const { file, model } of models) requireData(root, file, model.externalEnds);
  const [first] = models;
  if (first === undefined) return {};
  const { irVersion, producer, opsets } = first.model;
  return {
    format: {
      ir_version: irVersion,
      ...(producer ? { producer: producer.slice(0, 200) } : {}),
      opsets: Object.fromEntries(opsets),
    },
    io: run.length === 1 ? ioSchema(first.model) : null,
  };
}

/** A data file that is shorter than the tensors in it would fail in the runtime, later and less clearly. */
function requireData(root: string, file: string, ends: ReadonlyMap<string, number>): void {
  for (const [name, end] of ends) {
    const { size } = fs.statSync(path.join(root, folderOf(file) + name));
    if (size < end)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${file} keeps tensors in ${name} up to byte ${end}; it has ${size} bytes.`,
      );
  }
}

/** Data files that the models to be run name, as paths of the package. */
export function neededData(root: string, run: readonly string[]): readonly string[] {
  const names = run
    .filter((file) => file.endsWith('.onnx'))
    .flatMap((file) => readOnnx(root, file).externalFiles.map((name) => folderOf(file) + name));
  return [...new Set(names)];
}
