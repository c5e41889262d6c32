import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { probe } from '../../download/probe.ts';
import { maxPackageBytes } from '../../package/names.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { statedHash } from '../stated-hash.ts';
import type { KaggleApi } from './kaggle-api.ts';
import type { Variation } from './kaggle-variation.ts';
import { unpackArchive } from './unpack-archive.ts';

/** Up to so many files are asked for one by one; for more the archive of all is less trouble. */
const mostSingleFiles = 25;
const pageSize = 100;

/*
 * 1. The version is a number, and everything is asked for under it.
 * 2. The list states names and sizes. Hashes are known only when the bytes are asked for: the store
 *    behind Kaggle states them, so each file's first byte is asked for before the file is.
 */
export class KaggleSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #variation: Variation;
  readonly #api: KaggleApi;
  readonly #context: Context;

  constructor(pin: Pin, variation: Variation, api: KaggleApi, context: Context) {
    this.pin = pin;
    this.#variation = variation;
    this.#api = api;
    this.#context = context;
  }

  get #page(): string {
    return this.#variation.path.split('/').slice(0, 2).join('/');
  }

  async plan(): Promise<readonly HubFile[]> {
    const files: HubFile[] = [];
    const seen = new Set<string>();
    for (let token = ''; ; ) {
      const query = `page_size=${pageSize}${token === '' ? '' : `&page_token=${encodeURIComponent(token)}`}`;
      const what = this.#variation.path;
      const answer = await this.#api.ask(`${what}/files?${query}`, what, this.#page);
      files.push(...readFiles(answer['files'], what));
      const next = answer['nextPageToken'];
      if (typeof next !== 'string' || next === '') return files;
      if (seen.has(next) || files.length > 10 * limits.packageFiles)
        throw new AxonError('BAD_RESPONSE', `Kaggle's file list of ${what} has no end.`);
      seen.add(next);
      token = next;
    }
  }

  async fetch(
    files: readonly HubFile[],
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const { download, signal } = this.#context;
    if (files.length > mostSingleFiles) {
      const dest = path.join(work, 'archive.tar.gz');
      const archive = await this.#request({ path: '', size: null, expected: null }, dest);
      return unpackArchive(archive, files, into, download, signal);
    }
    const requests: PackageRequest[] = [];
    for (const file of files)
      requests.push(await this.#request(file, path.join(into, ...file.path.split('/'))));
    return fetchAll(requests, download);
  }

  /** Rule 2; the path of no file is the archive of all. */
  async #request(file: HubFile, dest: string): Promise<PackageRequest> {
    const { endpoint, credential, download } = this.#api;
    const inner = file.path.split('/').map(encodeURIComponent).join('/');
    const label = file.path === '' ? `archive of ${this.#variation.path}` : file.path;
    const common = {
      url: `${endpoint}/api/v1/models/${this.#variation.path}/download${inner === '' ? '' : `/${inner}`}`,
      credential,
      check: this.#api.refuseLogin(label, this.#page),
      statusError: this.#api.statusError(label, this.#page),
    };
    const { size, response } = await probe(common, download);
    if (file.size !== null && size !== null && size !== file.size)
      throw new AxonError(
        'BAD_RESPONSE',
        `${response.url.host} has ${size} bytes for ${label}, Kaggle's list ${file.size}. Nothing was installed; try again.`,
      );
    return {
      ...common,
      path: file.path,
      dest,
      label,
      size: size ?? file.size,
      maxBytes: maxPackageBytes,
      expected: statedHash(response),
    };
  }

  describe(): Description {
    return this.#variation.description;
  }
}

interface Entry {
  readonly name?: unknown;
  readonly size?: unknown;
  readonly totalBytes?: unknown;
}

function readFiles(value: unknown, what: string): HubFile[] {
  const malformed = () =>
    new AxonError('BAD_RESPONSE', `Kaggle's file list of ${what} is malformed.`);
  if (!Array.isArray(value)) throw malformed();
  return (value as readonly (Entry | null)[]).map((entry): HubFile => {
    const { name, size, totalBytes } = entry ?? {};
    if (typeof name !== 'string') throw malformed();
    const bytes = size ?? totalBytes ?? null;
    if (bytes !== null && (!Number.isSafeInteger(bytes) || Number(bytes) < 0)) throw malformed();
    return { path: name, size: bytes === null ? null : Number(bytes), expected: null };
  });
}
