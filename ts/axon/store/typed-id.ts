import { type ModelId, parseModelId } from '../../protocol/model-id.ts';

/**
 * The id of an installed model, as people type it after an install: the source's own spelling works
 * too (`npm/@scope/name@1` is installed as `npm/scope/name@1`, `huggingface/x` as `hf/x`).
 */
export function parseTypedId(text: string): ModelId {
  return parseModelId(text.replace(/^npm\/@/, 'npm/').replace(/^huggingface\//, 'hf/'));
}
