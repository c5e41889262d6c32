import { folderOf, nameOf } from '../formats/file-kinds.ts';
import type { Candidate, Found } from './candidate.ts';
import type { Listing } from './listing.ts';

const none: ReadonlyMap<string, string> = new Map();

/** A SavedModel is a folder: the graph, its variables and its assets. */
export function savedModelCandidates(listing: Listing): Found {
  const inside = /^(variables\/|assets[^/]*\/|(keras_metadata|fingerprint)\.pb$)/;
  const candidates = listing.of('saved_model').map((path): Candidate => {
    const dir = folderOf(path);
    const needs = [...listing.below(dir)].filter((other) => inside.test(other.slice(dir.length)));
    const variables = needs.map((name) => name.slice(dir.length));
    return {
      format: 'saved_model',
      variant: '',
      dir,
      rank: 0,
      run: [path],
      needs,
      missing: missingVariables(variables),
    };
  });
  return { candidates, aside: none };
}

/** `variables.index` says that there are data files; their names say how many. */
function missingVariables(names: readonly string[]): string | null {
  const data = names.flatMap(
    (name) => /^variables\/variables\.data-(\d{5})-of-(\d{5})$/.exec(name) ?? [],
  );
  const total = Number(data[2] ?? 0);
  const count = data.length / 3;
  const hasIndex = names.includes('variables/variables.index');
  if (!hasIndex && count === 0) return null; // A frozen graph has none.
  if (!hasIndex) return 'variables/variables.index is missing';
  return count === total && count > 0
    ? null
    : `variables/ has ${count} of ${total || 'its'} data files`;
}

export function tfliteCandidates(listing: Listing): Found {
  const candidates = listing.of('tflite').map((path): Candidate => {
    const variant = /[-_](int8|uint8|fp16|float16|float32|quant)\.tflite$/.exec(path)?.[1] ?? '';
    return {
      format: 'tflite',
      variant,
      dir: folderOf(path),
      rank: 0,
      run: [path],
      needs: [],
      missing: null,
    };
  });
  return { candidates, aside: none };
}

/** `.keras` before `.h5`. As weights on a hub Keras 3 has metadata.json beside them. */
export function kerasCandidates(listing: Listing): Found {
  const candidates = listing.of('keras').map((path): Candidate => {
    const dir = folderOf(path);
    const metadata = `${dir}metadata.json`;
    const isWeights = nameOf(path) === 'model.weights.h5';
    return {
      format: 'keras',
      variant: '',
      dir,
      rank: path.endsWith('.keras') ? 0 : 1,
      run: [path],
      needs: isWeights && listing.has(metadata) ? [metadata] : [],
      missing: null,
    };
  });
  return { candidates, aside: none };
}
