import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { readTextFile } from '../plugin/regular-file.ts';
import type { ModelRecord } from '../registry/model-record.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { insideFolder } from '../registry/package-files.ts';
import { namedModel } from './model-info.ts';
import type { Operation } from './operation.ts';

/**
 * Names of classes, from what a package says: of an output in its manifest (`labels`, a text file with one
 * name a line), else `id2label` in a config.json as Hugging Face writes it.
 */
async function textOf(folder: string, file: string): Promise<string | null> {
  try {
    const inside = join(folder, await insideFolder(folder, file));
    return await readTextFile(inside, { code: 'INVALID_MANIFEST', maxBytes: limits.labelsBytes });
  } catch (error) {
    const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
    if (code === 'ENOENT' || cause?.code === 'ENOENT') return null;
    throw error;
  }
}

async function manifestLabels(record: ModelRecord): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  if (record.manifestPath === null) return found;
  const { parseManifest } = await import('../../protocol/manifest.ts');
  const options = { code: 'INVALID_MANIFEST', maxBytes: limits.manifestBytes } as const;
  const manifest = parseManifest(await readTextFile(record.manifestPath, options));
  for (const { name, labels } of manifest.spec.io?.outputs ?? []) {
    if (labels === undefined) continue;
    const text = await textOf(record.path, labels);
    if (text === null) {
      throw new MlosError(
        'INVALID_MANIFEST',
        `The labels of ${JSON.stringify(name)}, ${labels}, are not in the package ${record.path}.`,
      );
    }
    found.set(name, text.replace(/\r?\n$/, '').split(/\r?\n/));
  }
  return found;
}

/** `{"0": "cat", "1": "dog"}` → a list; null where the file is not of that kind. */
function listOf(text: string): readonly string[] | null {
  let names: unknown;
  try {
    names = (JSON.parse(text) as { id2label?: unknown } | null)?.id2label;
  } catch {
    return null;
  }
  if (typeof names !== 'object' || names === null) return null;
  const entries = Object.entries(names).sort(([a], [b]) => Number(a) - Number(b));
  const isList = entries.every(([key, name], i) => key === String(i) && typeof name === 'string');
  return isList && entries.length > 0 ? entries.map(([, name]) => name as string) : null;
}

async function configLabels(record: ModelRecord): Promise<Map<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  const text = await textOf(record.path, 'config.json');
  const list = text === null ? null : listOf(text);
  for (const { name, shape } of record.signature?.outputs ?? []) {
    const classes = shape?.at(-1);
    if (list !== null && (classes === list.length || classes === -1)) found.set(name, list);
  }
  return found;
}

export function labelsOperation(deps: {
  readonly registry: ModelRegistry;
}): Operation<'models.labels'> {
  return async (params) => {
    const record = namedModel(deps.registry, params);
    const said = await manifestLabels(record);
    const labels = said.size > 0 ? said : await configLabels(record);
    return {
      status: 'success',
      model_id: record.id,
      labels: Object.fromEntries([...labels].map(([name, list]) => [name, [...list]])),
    };
  };
}
