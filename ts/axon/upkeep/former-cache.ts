import fs from 'node:fs';
import path from 'node:path';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { looseFolder } from '../hubs/file/file-hub.ts';
import { installSpec } from '../install/install.ts';
import { listInstalled, readManifest } from '../store/catalog.ts';
import { reservedNames, StoreLayout } from '../store/layout.ts';
import { readMetadata } from '../store/metadata.ts';
import { isKeptBack, type OnUnreadable } from '../store/unreadable.ts';

/** What an earlier release of another axon kept beside a model's own files. */
const formerNames = [...reservedNames, '*.axon', 'onnx_manifest.json'];

export interface Former {
  readonly id: ModelId;
  readonly dir: string;
}

/** The models of a cache that earlier releases wrote: none of ours, or none that ours could read. */
export function formerModels(cache: string, onUnreadable: OnUnreadable): Former[] {
  return listInstalled(new StoreLayout(cache), onUnreadable).filter(({ dir }) => !isOurs(dir));
}

function isOurs(dir: string): boolean {
  try {
    if (readMetadata(dir) === null) return false;
    readManifest(dir);
    return true;
  } catch (error) {
    // Damaged ones of ours have a note that says so; they are for fsck, and so is what cannot be read.
    return isKeptBack(error) || /"axon_version"/.test(readNote(dir));
  }
}

function readNote(dir: string): string {
  const file = path.join(dir, '.axon_metadata.json');
  const { size } = fs.statSync(file);
  return size > 64 * 1024 ? '' : fs.readFileSync(file, 'utf8');
}

/**
 * Makes one of them a package of the store, under its id: what lies there is hashed and described anew. What
 * the earlier release wrote about it is not believed, and where it came from is not known for sure, so it
 * counts as local files.
 */
export async function importFormer(
  { id, dir }: Former,
  allowPickle: boolean,
  context: Context,
): Promise<{ readonly id: string; readonly files: number; readonly bytes: number }> {
  const result = await installSpec(
    {
      id,
      origin: { hub: 'file', id: path.basename(dir) },
      resolve: async () => looseFolder(dir, context),
    },
    {
      as: id,
      include: [],
      exclude: formerNames,
      all: true,
      format: null,
      variant: null,
      allowPickle,
      allowCode: true,
      force: false,
      replace: dir === context.layout.packageDir(id),
      dryRun: false,
    },
    context,
  );
  return { id: formatModelId(id), files: result.files.length, bytes: result.bytes };
}

export function requireCache(dir: string): string {
  if (fs.existsSync(path.join(dir, 'models'))) return dir;
  throw new AxonError('NOT_FOUND', `${dir} is no cache: it has no folder "models".`);
}
