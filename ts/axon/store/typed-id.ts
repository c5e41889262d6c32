import { type ModelId, parseModelId } from '../../protocol/model-id.ts';

/** Further names of hubs, as people type them after an install; a test compares them with the hubs. */
export const hubAliases: Readonly<Record<string, string>> = {
  huggingface: 'hf',
  torch: 'pytorch',
  tf: 'tfhub',
  ms: 'modelscope',
  github: 'gh',
};

/** Namespaces of ids that name a source as well; a test compares them with the hubs. */
export const hubNamespaces: ReadonlySet<string> = new Set(
  'hf pytorch tfhub kaggle modelscope npm pypi oci ollama gh https'.split(' '),
);

/**
 * The id of an installed model, as people type it after an install: the source's own spelling works
 * too (`npm/@scope/name@1` is installed as `npm/scope/name@1`, `huggingface/x` as `hf/x`).
 */
export function parseTypedId(text: string): ModelId {
  const slash = text.indexOf('/');
  const hub = text.slice(0, Math.max(0, slash));
  const plain = Object.hasOwn(hubAliases, hub) ? `${hubAliases[hub]}${text.slice(slash)}` : text;
  return parseModelId(plain.replace(/^npm\/@/, 'npm/'));
}
