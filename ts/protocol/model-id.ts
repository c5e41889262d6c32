import { MlosError } from './errors.ts';
import { limits } from './limits.ts';

/**
 * Model ids are `namespace/name@version`; the name may hold more slashes (`hf/microsoft/resnet-50`).
 * The version is what follows the last `@` and is `latest` when left out. Each segment is letters,
 * digits, `.`, `_`, `-`, `+`, starting with none of `.` and `-`: so an id can be a path below a
 * folder, never out of it.
 */
export interface ModelId {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
}

const segment = /^[A-Za-z0-9_+][A-Za-z0-9._+-]*$/;

function fail(text: string, why: string): never {
  throw new MlosError(
    'INVALID_MODEL_ID',
    `${JSON.stringify(text.slice(0, limits.modelIdLength))} is not a model id: ${why}. ` +
      'The form is namespace/name@version, such as hf/bert-base-uncased@latest.',
  );
}

export function parseModelId(text: string): ModelId {
  if (text.length > limits.modelIdLength)
    fail(text, `longer than ${limits.modelIdLength} characters`);
  const at = text.lastIndexOf('@');
  const path = at < 0 ? text : text.slice(0, at);
  const version = at < 0 ? 'latest' : text.slice(at + 1);
  const slash = path.indexOf('/');
  if (slash <= 0) fail(text, 'there is no namespace');
  const segments = path.split('/');
  for (const part of [...segments, version]) {
    if (!segment.test(part)) fail(text, `${JSON.stringify(part)} is not allowed as a part of it`);
  }
  return { namespace: path.slice(0, slash), name: path.slice(slash + 1), version };
}

export function formatModelId(id: ModelId): string {
  return `${id.namespace}/${id.name}@${id.version}`;
}

/** The spelling with dashes for URLs: `hf/bert-base-uncased@latest` → `hf-bert-base-uncased@latest`. */
export function dashedModelId(id: string): string {
  return id.replaceAll('/', '-');
}
