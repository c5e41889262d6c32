import { createHash } from 'node:crypto';
import path from 'node:path';
import { formatModelId, type ModelId } from '../../protocol/model-id.ts';

/*
 * <cache>/models/<namespace>/<name…>/<version>/   finished packages, and nothing else
 * <cache>/staging/<key>/                          one install in the making
 * <cache>/locks/<key>.lock                        who makes it
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

export class StoreLayout {
  readonly cache: string;
  readonly models: string;
  readonly staging: string;
  readonly locks: string;

  constructor(cache: string) {
    this.cache = cache;
    this.models = path.join(cache, 'models');
    this.staging = path.join(cache, 'staging');
    this.locks = path.join(cache, 'locks');
  }

  /** Where a package lies. Ids are checked when parsed, so the path cannot leave `models`. */
  packageDir(id: ModelId): string {
    return path.join(this.models, id.namespace, ...id.name.split('/'), id.version);
  }

  stagingDir(id: ModelId): string {
    return path.join(this.staging, stagingKey(id));
  }

  lockFile(id: ModelId): string {
    return path.join(this.locks, `${stagingKey(id)}.lock`);
  }
}

function stagingKey(id: ModelId): string {
  return createHash('sha256').update(formatModelId(id)).digest('hex').slice(0, 24);
}
