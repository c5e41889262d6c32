import fs from 'node:fs';
import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { findInstalled, requireInstalled } from '../store/catalog.ts';
import { refuseBareModel } from './bare-model.ts';
import { openFolder, type PackageFolder } from './manifest-file.ts';

/** What a word on the command line stands for, where a package is meant. */
export type Located =
  | { readonly kind: 'archive'; readonly file: string }
  | { readonly kind: 'folder'; readonly folder: PackageFolder; readonly isInstalled: boolean };

/** An installed model, an `.axon` file, or a folder with a manifest.yaml. */
export function locatePackage(text: string, { layout, cwd }: Context): Located {
  const isPath = /^\.{0,2}\/|^\.{1,2}$|\.axon$/.test(text);
  const installed = isPath ? null : findInstalled(layout, text);
  if (installed !== null)
    return { kind: 'folder', folder: opened(installed.dir), isInstalled: true };
  const full = path.resolve(cwd, text);
  const stat = fs.statSync(full, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    return { kind: 'folder', folder: opened(full), isInstalled: false };
  if (stat?.isFile() === true) {
    refuseBareModel(full);
    return { kind: 'archive', file: full };
  }
  if (isPath) throw new AxonError('NOT_FOUND', `There is no file or folder ${full}.`);
  const { dir } = requireInstalled(layout, text);
  return { kind: 'folder', folder: opened(dir), isInstalled: true };
}

/** The same where only a folder will do. */
export function locateFolder(text: string, context: Context): PackageFolder {
  const found = locatePackage(text, context);
  if (found.kind === 'folder') return found.folder;
  throw new AxonError(
    'INVALID_SPEC',
    `${found.file} is a file. Name an installed model or a folder; \`axon unpack\` makes one of a package.`,
  );
}

function opened(dir: string): PackageFolder {
  const folder = openFolder(dir);
  if (folder !== null) return folder;
  throw new AxonError('INVALID_PACKAGE', `${dir} is no package: it has no manifest.yaml.`);
}

/** A file name made from a model's id. */
export function fileNameOf({ manifest }: Pick<PackageFolder, 'manifest'>): string {
  return formatModelId(manifest.metadata).replaceAll('/', '_').replace('@', '-');
}
