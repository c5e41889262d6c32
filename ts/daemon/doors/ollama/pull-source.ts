import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import type { NamedModel } from './names.ts';
import type { PullSource } from './puller.ts';

/*
 * Which names may be pulled: models of hubs that have one address, which is this host's to configure. Files of
 * this host, addresses and registries that a caller names are not: whoever asks would have the daemon read or
 * reach for them what they cannot.
 */
const hubs = new Set([
  ...['hf', 'huggingface', 'ollama', 'modelscope', 'ms', 'pytorch', 'torch', 'tfhub', 'tf'],
  ...['kaggle', 'npm', 'pypi', 'gh', 'github'],
]);

const written = /^[a-z]+\/[A-Za-z0-9@][A-Za-z0-9._+@/-]*$/;
const huggingFace = /^(?:hf\.co|huggingface\.co)\//;

/** Errors: INVALID_ARGUMENT, with what to write. */
export function pullSource({ name, id }: NamedModel): PullSource {
  const hub = id.slice(0, Math.max(0, id.indexOf('/')));
  if (!hubs.has(hub)) throw noHub(name, id);
  if (!written.test(id) || id.includes('..') || id.length > limits.modelIdLength) {
    throw new MlosError(
      'INVALID_ARGUMENT',
      `${shown(name)} cannot be pulled: write it as hf.co/owner/name, with a version behind it if need be.`,
    );
  }
  const at = id.lastIndexOf('@');
  // Behind hf.co Ollama's tags are variants of the one revision.
  if (huggingFace.test(name) && at > 0 && id.slice(at + 1) !== 'latest') {
    return { source: id.slice(0, at), variant: id.slice(at + 1), as: id };
  }
  return { source: id, variant: null, as: null };
}

function noHub(name: string, id: string): MlosError {
  const isBare = !id.includes('/');
  const library = isBare ? `ollama/${id} for Ollama's library, ` : '';
  return new MlosError(
    'INVALID_ARGUMENT',
    `${shown(name)} does not say which hub it is of: write ${library}hf.co/owner/name for Hugging Face, or one of ${[...hubs].join('/, ')}/.`,
    { details: { param: 'model' } },
  );
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, limits.modelIdLength));
}
