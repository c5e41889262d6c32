import path from 'node:path';
import type { ModelFacts } from './facts.ts';
import { type Format, folderOf } from './file-kinds.ts';
import { ggufFacts } from './gguf/facts.ts';
import { neededData, onnxFacts } from './onnx/facts.ts';
import { indexedFiles, safetensorsFacts } from './safetensors/facts.ts';
import { savedModelFacts } from './savedmodel/facts.ts';
import { tfliteFacts } from './tflite/facts.ts';
import { torchFacts } from './torch/facts.ts';

/** What the model's files say themselves, read without any framework and without running anything. */
export function readFacts(
  format: Format,
  root: string,
  run: readonly string[],
  files: readonly string[],
): ModelFacts {
  const [first] = run;
  if (first === undefined) return {};
  switch (format) {
    case 'onnx':
      return onnxFacts(root, run);
    case 'gguf':
      return ggufFacts(root, partsOf(first, files));
    case 'safetensors':
      return safetensorsFacts(root, run);
    case 'saved_model':
      return savedModelFacts(root, first);
    case 'tflite':
      return tfliteFacts(root, first);
    case 'pytorch':
      return torchFacts(root, run);
    case 'keras':
      return {};
  }
}

/** The parts of a GGUF file that comes in several. */
function partsOf(first: string, files: readonly string[]): readonly string[] {
  const match = /^(.*)-\d{5}(-of-\d{5}\.gguf)$/.exec(first);
  if (match === null) return [first];
  const [, stem = '', end = ''] = match;
  return files.filter(
    (file) =>
      file.length === first.length &&
      file.startsWith(`${stem}-`) &&
      file.endsWith(end) &&
      /^\d{5}$/.test(file.slice(stem.length + 1, stem.length + 6)),
  );
}

/** Files that the fetched ones name themselves, as paths of the package: only they know for certain. */
export function filesNamedBy(
  format: Format,
  root: string,
  run: readonly string[],
  files: readonly string[],
): readonly string[] {
  if (format === 'onnx') return neededData(root, run);
  if (format !== 'safetensors' && format !== 'pytorch') return [];
  const folders = new Set(run.map(folderOf));
  const ending = format === 'pytorch' ? '.bin' : '.safetensors';
  const indexes = files.filter(
    (file) =>
      folders.has(folderOf(file)) &&
      path.posix.basename(file).includes(`${ending}.index`) &&
      file.endsWith('.json'),
  );
  return [...new Set(indexes.flatMap((index) => indexedFiles(root, index)))];
}
