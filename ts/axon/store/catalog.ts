import fs from 'node:fs';
import path from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId, parseModelId } from '../../protocol/model-id.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import { manifestName, metadataName, type StoreLayout } from './layout.ts';
import { parseTypedId } from './typed-id.ts';
import { isKeptBack, type OnUnreadable } from './unreadable.ts';

export interface Installed {
  readonly id: ModelId;
  readonly dir: string;
}

export function isInstalled(layout: StoreLayout, id: ModelId): boolean {
  return fs.existsSync(path.join(layout.packageDir(id), metadataName));
}

/** All models there are, sorted by id. What cannot be read is told, and keeps none of the others back. */
export function listInstalled(
  layout: StoreLayout,
  onUnreadable: OnUnreadable = () => undefined,
): Installed[] {
  const found: Installed[] = [];
  const walk = (dir: string, parts: readonly string[]) => {
    const folders = readFolders(dir, onUnreadable);
    for (const entry of folders ?? []) walk(path.join(dir, entry), [...parts, entry]);
    const id = folders === null ? idOf(parts) : null;
    if (id !== null) found.push({ id, dir });
  };
  walk(layout.models, []);
  return found.sort((a, b) => (formatModelId(a.id) < formatModelId(b.id) ? -1 : 1));
}

function idOf(parts: readonly string[]): ModelId | null {
  try {
    return parseModelId(`${parts.slice(0, -1).join('/')}@${parts.at(-1) ?? ''}`);
  } catch {
    return null;
  }
}

/** The folders in one; null where it is a package itself. */
function readFolders(dir: string, onUnreadable: OnUnreadable): string[] | null {
  try {
    // Not `existsSync`: a package that may not be looked into would pass for a folder of packages.
    if (fs.statSync(path.join(dir, metadataName), { throwIfNoEntry: false }) !== undefined)
      return null;
    return fs
      .readdirSync(dir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if (isKeptBack(error)) onUnreadable({ path: dir, error: AxonError.from(error) });
    else if (errnoOf(error) !== 'ENOENT') throw error;
    return [];
  }
}

export function readText(file: string, maxBytes: number): string {
  const { size } = fs.statSync(file);
  if (size > maxBytes)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${file} has ${size} bytes; at most ${maxBytes} are read.`,
    );
  return fs.readFileSync(file, 'utf8');
}

export function readManifestText(dir: string): string {
  return readText(path.join(dir, manifestName), limits.manifestBytes);
}

export function readManifest(dir: string): Manifest {
  return parseManifest(readManifestText(dir), path.join(dir, manifestName));
}

/** The contents that a package holds; none where its manifest cannot be read. */
export function hashesOf(dir: string): readonly string[] {
  try {
    return readManifest(dir).spec.format.files.map((file) => file.sha256);
  } catch {
    return [];
  }
}

/** The installed model that the text names; null where there is none, or the text is no id. */
export function findInstalled(layout: StoreLayout, text: string): Installed | null {
  for (const parse of [parseModelId, parseTypedId]) {
    try {
      const id = parse(text);
      if (isInstalled(layout, id)) return { id, dir: layout.packageDir(id) };
    } catch (error) {
      // Addresses, paths and specs of some hubs are no ids.
      if (!(error instanceof MlosError)) throw error;
    }
  }
  return null;
}

/** The installed model that the text names, or the error that says which there are. */
export function requireInstalled(layout: StoreLayout, text: string): Installed {
  const found = findInstalled(layout, text);
  if (found !== null) return found;
  const id = parseTypedId(text);
  const all = listInstalled(layout).map((model) => formatModelId(model.id));
  const same = all.filter((name) => name.startsWith(`${id.namespace}/${id.name}@`));
  const hint =
    same.length > 0 ? ` Installed are: ${same.join(', ')}.` : didYouMean(formatModelId(id), all);
  throw new AxonError(
    'NOT_INSTALLED',
    `${formatModelId(id)} is not installed.${hint} \`axon list\` shows all, \`axon install ${text}\` brings it.`,
  );
}
