import path from 'node:path';
import type { Manifest } from '../../../protocol/manifest.ts';
import type { PickleFile } from './found.ts';
import { inspectPickle } from './inspect.ts';

export type PickleFacts = Pick<Manifest['spec']['format'], 'pickle' | 'pickle_names'>;

export interface FoundPickle extends PickleFile {
  readonly path: string;
}

/** So many of the names that they import are kept. */
export const mostPickleNames = 50;

/** The pickles among files, found by their content as well as by their names. */
export function findPickles(root: string, names: readonly string[]): readonly FoundPickle[] {
  return names.flatMap((name) => {
    const pickle = inspectPickle(path.join(root, name));
    return pickle === null ? [] : [{ path: name, ...pickle }];
  });
}

/** One word for all of them: the worst. */
export function pickleFacts(found: readonly FoundPickle[]): PickleFacts | null {
  if (found.length === 0) return null;
  const names = [...new Set(found.flatMap((pickle) => pickle.suspicious))].sort();
  if (names.length > 0)
    return {
      pickle: 'may-run-code',
      pickle_names: names.slice(0, mostPickleNames).map((name) => name.slice(0, 200)),
    };
  return {
    pickle: found.some(({ kind }) => kind === 'torchscript') ? 'torchscript' : 'tensors-only',
  };
}
