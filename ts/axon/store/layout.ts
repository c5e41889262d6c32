import { createHash } from 'node:crypto';
import path from 'node:path';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';

/*
 * <cache>/models/<namespace>/<name…>/<version>/   finished packages, and nothing else
 * <cache>/blobs/sha256/<aa>/<hex>                 every content once; packages hold hard links to it
 * <cache>/blobs/index                             further hashes of blobs, one a line
 * <cache>/blobs/archives/                         what was in archives that came before, and what addresses gave
 * <cache>/blobs/draft/                            blobs in the making
 * <cache>/seen/<key>                             what came first where no hash is stated
 * <cache>/staging/<key>/                          one install in the making
 * <cache>/locks/<key>.….lock                      who makes it
 * <cache>/store.json                              which layout this is
 * All on one file system, so that a rename moves a package into place whole.
 */
export const manifestName = 'manifest.yaml';
export const metadataName = '.axon_metadata.json';
/** Beside the manifest of a package that is signed. */
export const signatureName = 'manifest.yaml.sig';

/** Files that axon itself adds to a package; a source may not bring any of these names. */
export const reservedNames: ReadonlySet<string> = new Set([
  manifestName,
  metadataName,
  signatureName,
]);

/** In the downloads of an install: what comes, under the names that it has in the package. */
export const arrivedName = 'files';

/** Files that axon makes for a while beside those of a package: no file or folder of a source may begin so. */
export const reservedPrefix = '.axon-';

export class StoreLayout {
  readonly cache: string;
  readonly models: string;
  readonly blobs: string;
  readonly drafts: string;
  readonly hashIndex: string;
  readonly archives: string;
  readonly seen: string;
  readonly staging: string;
  readonly locks: string;
  readonly mark: string;

  constructor(cache: string) {
    this.cache = cache;
    this.models = path.join(cache, 'models');
    this.blobs = path.join(cache, 'blobs', 'sha256');
    this.drafts = path.join(cache, 'blobs', 'draft');
    this.hashIndex = path.join(cache, 'blobs', 'index');
    this.archives = path.join(cache, 'blobs', 'archives');
    this.seen = path.join(cache, 'seen');
    this.staging = path.join(cache, 'staging');
    this.locks = path.join(cache, 'locks');
    this.mark = path.join(cache, 'store.json');
  }

  /** Where a package lies. Ids are checked when parsed, so the path cannot leave `models`. */
  packageDir(id: ModelId): string {
    return path.join(this.models, id.namespace, ...id.name.split('/'), id.version);
  }

  blob(sha256: string): string {
    return path.join(this.blobs, sha256.slice(0, 2), sha256);
  }

  stagingDir(id: ModelId): string {
    return path.join(this.staging, stagingKey(id));
  }

  /** Of contents, told apart by any text. */
  seenFile(place: string): string {
    return path.join(this.seen, shortHash(place));
  }

  /** The name of a model's lock. */
  lockName(id: ModelId): string {
    return this.lockOfKey(stagingKey(id));
  }

  /** The name of the lock of what a source names, told apart by any text. */
  sourceLockName(source: string): string {
    return this.lockOfKey(`source-${shortHash(source)}`);
  }

  lockOfKey(key: string): string {
    return path.join(this.locks, key);
  }
}

function stagingKey(id: ModelId): string {
  return shortHash(formatModelId(id));
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
