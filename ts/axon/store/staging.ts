import fs from 'node:fs';
import path from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';
import { formatModelId, type ModelId, parseModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { arrivedName, metadataName, reservedNames, type StoreLayout } from './layout.ts';
import { readText } from './read-text.ts';
import { syncFolders, syncPath } from './sync.ts';

/** In `download`: which source the parts beside it are of. */
const sourceNote = 'source';
/** Beside them: the former package while it is replaced, and which model that is. */
const replacedName = 'replaced';
const idNote = 'id';

/** The same bytes would be refused again. */
const refusals: ReadonlySet<string> = new Set(['UNSAFE_PACKAGE', 'INVALID_PACKAGE']);

/**
 * The model whose package lies in a staging folder and nowhere else, since its replacement was cut off between
 * the two renames, or is there just now. Null where there is none.
 */
export function modelSetAside(layout: StoreLayout, key: string): ModelId | null {
  const dir = path.join(layout.staging, key);
  if (!fs.existsSync(path.join(dir, replacedName))) return null;
  const note = path.join(dir, idNote);
  const id = parseModelId(readText(note, 1024));
  if (layout.stagingDir(id) !== dir)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${note} names ${formatModelId(id)}, which lies elsewhere.`,
    );
  return fs.existsSync(layout.packageDir(id)) ? null : id;
}

/**
 * One install in the making: `package/` becomes the package by a rename, `download/` holds what a
 * later run can go on with, `replaced/` the former package during the rename. What has arrived and moved
 * into a package that was never finished goes back to `download/`. Whoever opens it holds the model's lock.
 */
export class Staging {
  readonly package: string;
  readonly download: string;
  /** Below `download`. */
  readonly arrived: string;
  readonly #dir: string;
  readonly #replaced: string;
  readonly #removed: string;
  readonly #target: string;
  readonly #models: string;
  readonly #id: ModelId;

  constructor(layout: StoreLayout, id: ModelId) {
    this.#dir = layout.stagingDir(id);
    this.package = path.join(this.#dir, 'package');
    this.download = path.join(this.#dir, 'download');
    this.arrived = path.join(this.download, arrivedName);
    this.#replaced = path.join(this.#dir, replacedName);
    this.#removed = path.join(this.#dir, 'removed');
    this.#target = layout.packageDir(id);
    this.#models = layout.models;
    this.#id = id;
  }

  /** Undoes a half-done replacement of an earlier run, and starts an empty package folder. */
  open(): void {
    this.recover();
    this.#putBack();
    this.empty();
    fs.mkdirSync(this.download, { recursive: true });
  }

  /** An empty package folder. */
  empty(): void {
    fs.rmSync(this.package, { recursive: true, force: true });
    makeFolder(this.package);
  }

  /** Puts the former package back, or away where the one that replaces it is there. */
  recover(): void {
    if (!fs.existsSync(this.#replaced)) return;
    if (fs.existsSync(this.#target)) fs.rmSync(this.#replaced, { recursive: true, force: true });
    else {
      fs.mkdirSync(path.dirname(this.#target), { recursive: true });
      fs.renameSync(this.#replaced, this.#target);
      syncPath(path.dirname(this.#target));
    }
  }

  #putBack(): void {
    if (!fs.existsSync(this.arrived) || !fs.existsSync(this.package)) return;
    const entries = fs.readdirSync(this.package, { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const from = path.join(entry.parentPath, entry.name);
      const name = path.relative(this.package, from);
      const to = path.join(this.arrived, name);
      if (!entry.isFile() || reservedNames.has(name) || fs.existsSync(to)) continue;
      fs.mkdirSync(path.dirname(to), { recursive: true });
      fs.renameSync(from, to);
    }
  }

  /** Keeps downloads only for the same source: another revision's parts are of no use. */
  keepFor(source: string): void {
    const note = path.join(this.download, sourceNote);
    const before = fs.existsSync(note) ? fs.readFileSync(note, 'utf8') : null;
    if (before === source) return;
    fs.rmSync(this.download, { recursive: true, force: true });
    fs.mkdirSync(this.download, { recursive: true });
    fs.writeFileSync(note, source);
  }

  /** Makes the package visible, whole or not at all. Its files are on disk already; the names follow here. */
  commit(): void {
    this.#refuseNesting();
    syncFolders(this.package);
    fs.mkdirSync(path.dirname(this.#target), { recursive: true });
    if (fs.existsSync(this.#target)) this.#setAside();
    fs.renameSync(this.package, this.#target);
    syncPath(path.dirname(this.#target));
    this.discard();
  }

  /** With a note by which it is put back, should this end before the new package is in its place. */
  #setAside(): void {
    const note = path.join(this.#dir, idNote);
    fs.writeFileSync(note, formatModelId(this.#id), { flush: true });
    syncPath(this.#dir);
    fs.renameSync(this.#target, this.#replaced);
  }

  /** Takes the package away, whole or not at all: by a rename first. */
  remove(): void {
    this.recover();
    fs.mkdirSync(this.#dir, { recursive: true });
    fs.rmSync(this.#removed, { recursive: true, force: true });
    fs.renameSync(this.#target, this.#removed);
    syncPath(path.dirname(this.#target));
    this.discard();
  }

  /** After a failure: keeps what a later run can go on with, if there is any. What was refused is of no use to it. */
  abandon(why: unknown): void {
    // The former package lies here only; the next run puts it back.
    if (fs.existsSync(this.#replaced)) return;
    const isRefused = why instanceof AxonError && refusals.has(why.code);
    if (!isRefused) this.#putBack();
    if (isRefused || !this.#hasParts()) this.discard();
    else fs.rmSync(this.package, { recursive: true, force: true });
  }

  #hasParts(): boolean {
    if (!fs.existsSync(this.download)) return false;
    return fs
      .readdirSync(this.download, { recursive: true, withFileTypes: true })
      .some((entry) => !entry.isDirectory() && entry.name !== sourceNote);
  }

  discard(): void {
    fs.rmSync(this.#dir, { recursive: true, force: true });
  }

  /** `ns/a@b` would lie inside of `ns/a/b@latest`'s parent: packages must not contain each other. */
  #refuseNesting(): void {
    const clash = (dir: string) => {
      throw new AxonError(
        'ALREADY_EXISTS',
        `${this.#target} and the model in ${dir} would lie inside each other. Choose another name with --as.`,
      );
    };
    const between = path.relative(this.#models, path.dirname(this.#target)).split(path.sep);
    for (const [i] of between.entries()) {
      const dir = path.join(this.#models, ...between.slice(0, i + 1));
      if (fs.existsSync(path.join(dir, metadataName))) clash(dir);
    }
    if (fs.existsSync(this.#target) && holdsPackage(this.#target)) clash(this.#target);
  }
}

/** Whether packages lie below a folder that is none itself. One without any is a leftover, and is replaced. */
function holdsPackage(dir: string): boolean {
  if (fs.existsSync(path.join(dir, metadataName))) return false;
  return fs
    .readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .some((name) => path.basename(name) === metadataName);
}
