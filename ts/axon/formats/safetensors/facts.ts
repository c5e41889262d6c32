import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import { readFile } from '../bytes/read-file.ts';
import { countsOf, type ModelFacts } from '../facts.ts';
import { folderOf, nameOf } from '../file-kinds.ts';
import { readSafetensors } from './read-header.ts';

const frameworks: Readonly<Record<string, string>> = {
  pt: 'pytorch',
  tf: 'tensorflow',
  flax: 'flax',
  mlx: 'mlx',
};

/** Tensors and parameters of all shards together; the framework where the files name one. */
export function safetensorsFacts(root: string, run: readonly string[]): ModelFacts {
  const elements = new Map<string, number>();
  let tensors = 0;
  let framework: string | undefined;
  for (const file of run) {
    const header = readFile(root, file, 'safetensors file', readSafetensors);
    tensors += header.tensors;
    framework ??= frameworks[header.metadata['format'] ?? ''];
    for (const [dtype, count] of header.elements)
      elements.set(dtype, (elements.get(dtype) ?? 0) + count);
  }
  return {
    ...(framework === undefined ? {} : { framework: { name: framework } }),
    model: { tensors, ...countsOf(elements) },
  };
}

const maxIndexBytes = 64 * 1024 * 1024;

/** The files that an index of shards names, as paths of the package. */
export function indexedFiles(root: string, index: string): readonly string[] {
  const file = path.join(root, index);
  const fail = (why: string, cause?: unknown) =>
    new AxonError('INVALID_PACKAGE', `${index} is not an index of weights: ${why}.`, { cause });
  if (fs.statSync(file).size > maxIndexBytes) throw fail('it is too large');
  let map: unknown;
  try {
    map = (JSON.parse(fs.readFileSync(file, 'utf8')) as { weight_map?: unknown } | null)
      ?.weight_map;
  } catch (error) {
    throw fail('it is not JSON', error);
  }
  if (typeof map !== 'object' || map === null) throw fail('it has no weight_map');
  const names = new Set<unknown>(Object.values(map));
  if (
    ![...names].every((name): name is string => typeof name === 'string' && nameOf(name) === name)
  )
    throw fail('it names files that are not beside it');
  return [...names].map((name) => `${folderOf(index)}${String(name)}`).sort();
}
