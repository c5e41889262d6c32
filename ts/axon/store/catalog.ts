import fs from 'node:fs';
import path from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { formatModelId, type ModelId, parseModelId } from '../../protocol/model-id.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import { bringAgain } from './bring-again.ts';
import { manifestName, metadataName, type StoreLayout } from './layout.ts';
import { readText } from './read-text.ts';
import { hubNamespaces, parseTypedId } from './typed-id.ts';
import { isKeptBack, type OnUnreadable } from './unreadable.ts';

export interface Installed {
  readonly id: ModelId;
  readonly dir: string;
}

export function isInstalled(layout: StoreLayout, id: ModelId): boolean {
  return fs.existsSync(path.join(layout.packageDir(id), metadataName));
}

/**
 * All models there are, sorted by id. What cannot be read is told, and keeps none of the others back.
 * `onStray`: told of each folder that could be a model's and holds files, but not the note of an install.
 */
export function listInstalled(
  layout: StoreLayout,
  onUnreadable: OnUnreadable = () => undefined,
  onStray: (dir: string) => void = () => undefined,
): Installed[] {
  const found: Installed[] = [];
  const walk = (dir: string, parts: readonly string[], isInStray: boolean) => {
    const inside = readFolder(dir, onUnreadable);
    const id = idOf(parts);
    const isStray = inside?.hasFiles === true && id !== null;
    if (isStray && !isInStray) onStray(dir);
    for (const entry of inside?.folders ?? [])
      walk(path.join(dir, entry), [...parts, entry], isStray || isInStray);
    if (inside === null && id !== null) found.push({ id, dir });
  };
  walk(layout.models, [], false);
  return found.sort((a, b) => (formatModelId(a.id) < formatModelId(b.id) ? -1 : 1));
}

function idOf(parts: readonly string[]): ModelId | null {
  try {
    return parseModelId(`${parts.slice(0, -1).join('/')}@${parts.at(-1) ?? ''}`);
  } catch {
    return null;
  }
}

interface Inside {
  readonly folders: readonly string[];
  readonly hasFiles: boolean;
}

/** What is in a folder; null where it is a package itself. */
function readFolder(dir: string, onUnreadable: OnUnreadable): Inside | null {
  try {
    // Not `existsSync`: a package that may not be looked into would pass for a folder of packages.
    if (fs.statSync(path.join(dir, metadataName), { throwIfNoEntry: false }) !== undefined)
      return null;
    const entries = fs.readdirSync(dir, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    return { folders, hasFiles: folders.length < entries.length };
  } catch (error) {
    if (isKeptBack(error)) onUnreadable({ path: dir, error: AxonError.from(error) });
    else if (errnoOf(error) !== 'ENOENT') throw error;
    return { folders: [], hasFiles: false };
  }
}

export function readManifestText(dir: string): string {
  const file = path.join(dir, manifestName);
  const damaged = (what: string, cause?: unknown) =>
    new AxonError('INVALID_PACKAGE', `${file} is ${what}. ${bringAgain(dir)}`, {
      cause,
    });
  try {
    const text = readText(file, limits.manifestBytes);
    if (text.trim() === '') throw damaged('empty');
    return text;
  } catch (error) {
    // Without the note beside it the whole model is gone, taken away just now.
    const isRest = errnoOf(error) === 'ENOENT' && fs.existsSync(path.join(dir, metadataName));
    throw isRest ? damaged('missing', error) : error;
  }
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
    `${formatModelId(id)} is not installed.${hint} \`axon list\` shows all, ${bringing(text, id)}.`,
  );
}

/** Of an id with a name of one's own nobody can say where it would come from. */
function bringing(text: string, { namespace }: ModelId): string {
  return hubNamespaces.has(namespace)
    ? `\`axon install ${text}\` brings it`
    : `\`axon install <source> --as ${text}\` brings one under that name`;
}
