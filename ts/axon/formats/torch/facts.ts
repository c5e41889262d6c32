import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import { countsOf, type ModelFacts } from '../facts.ts';
import { storageDtype } from './allowed-names.ts';
import { inspectPickle } from './inspect.ts';

/** Others give their files such names, too. */
function notTorch(file: string): never {
  throw new AxonError(
    'INVALID_PACKAGE',
    `${file} is no file of PyTorch: it is neither a pickle nor an archive of them. Nothing was installed.`,
  );
}

/** Elements of the storages by dtype; tensors that share one are counted once. */
export function torchFacts(root: string, run: readonly string[]): ModelFacts {
  const pickles = run.map((file) => inspectPickle(path.join(root, file)) ?? notTorch(file));
  const elements = new Map<string, number>();
  let isKnown = true;
  for (const { type, elements: count } of pickles.flatMap((p) => [...p.storages.values()])) {
    const dtype = storageDtype(type);
    if (dtype === null)
      isKnown = false; // Storages without a type say bytes, not elements.
    else elements.set(dtype, (elements.get(dtype) ?? 0) + count);
  }
  const isScript = pickles.some(({ kind }) => kind === 'torchscript');
  return {
    ...(isScript ? { format: { type: 'torchscript' } } : {}),
    ...(isKnown ? { model: countsOf(elements) } : {}),
  };
}
