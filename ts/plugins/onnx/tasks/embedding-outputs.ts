import { MlosError } from '../../../protocol/errors.ts';
import type { LibraryTensor } from './library.ts';

/*
 * Which output of a model is its embedding. The first of the list that it has: what was made for comparing comes
 * before what a further layer reads.
 */
export const textVectors = [
  'sentence_embedding',
  'text_embeds',
  'last_hidden_state',
  'token_embeddings',
  'pooler_output',
] as const;

/** Those of a text that the model itself made one vector of. */
export const pooledOutputs = ['sentence_embedding', 'text_embeds', 'pooler_output'] as const;

export const imageVectors = ['image_embeds', 'pooler_output', 'last_hidden_state'] as const;

export interface Vectors {
  readonly data: Float32Array;
  /** rows, width; or rows, parts (tokens of a text, patches of a picture), width. */
  readonly dims: readonly number[];
}

/** Errors: INFERENCE_FAILED. */
export function vectorsOf(
  outputs: Readonly<Record<string, LibraryTensor>>,
  names: readonly string[],
): Vectors {
  const found = names.map((name) => outputs[name]).find((output) => output !== undefined);
  if (found === undefined) {
    throw new MlosError('INFERENCE_FAILED', 'The model gave no vectors.');
  }
  const { data, dims } = found.type === 'float32' ? found : found.to('float32');
  return { data: data as Float32Array, dims };
}
