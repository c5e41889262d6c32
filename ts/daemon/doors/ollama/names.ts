import { type Fields, invalid } from '../text/fields.ts';

/** A model as a client names it, and as the daemon does. */
export interface NamedModel {
  readonly name: string;
  readonly id: string;
}

const latest = ':latest';

/**
 * Ollama's names are `name:tag`, and its clients put `:latest` behind what has no tag. No id has a colon: a
 * tag is the version of an id that has none, and `:latest` behind one that has means nothing. Models of Hugging
 * Face have its address in front there, and its short name here.
 */
function idOf(asked: string): string {
  const name = asked.replace(/^(?:hf\.co|huggingface\.co)\//, 'hf/');
  if (name.includes('@')) return name.endsWith(latest) ? name.slice(0, -latest.length) : name;
  const colon = name.lastIndexOf(':');
  return colon <= 0 ? name : `${name.slice(0, colon)}@${name.slice(colon + 1)}`;
}

export function namedModel(param: string, value: unknown): NamedModel {
  if (typeof value === 'string' && value !== '') return { name: value, id: idOf(value) };
  throw invalid(param, 'the name of a model, as GET /api/tags has it');
}

/** `model`; older clients say `name`. */
export function modelOf(body: Fields): NamedModel {
  return namedModel('model', body['model'] ?? body['name']);
}
