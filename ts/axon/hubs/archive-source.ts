import path from 'node:path';
import type { ManifestFile, VerifiedBy } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { type FileRequest, fetchFile } from '../download/fetch-file.ts';
import type { ArchiveFile } from '../package/archive-limits.ts';
import { NameGuard } from '../package/names.ts';
import { readTar } from '../package/tar-entries.ts';
import { replaceFile } from '../package/write-file.ts';
import { readZip } from '../package/zip-entries.ts';
import type { Description, FileSource, HubFile, Pin } from './hub.ts';

/** What a package registry has for a version: one archive with everything in it. */
export interface RegistryArchive {
  readonly pin: Pin;
  readonly label: string;
  /** How the archive is fetched; its name says whether it is a zip or a tar. */
  readonly request: Omit<FileRequest, 'dest' | 'label'>;
  readonly fileName: string;
  readonly verifiedBy: VerifiedBy;
  /** The name in the package of a name in the archive; null for what is no part of it. */
  inner(name: string): string | null;
  /** What was known before. */
  readonly about?: Description;
  /** What this file of the archive says about the package, if it is the one that does. */
  describe?(name: string, read: (maxBytes: number) => Promise<Buffer | null>): Promise<Description>;
}

/** Files of an archive. The archive is checked as a whole, then read: nothing in it is ever run. */
export class ArchiveSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #archive: RegistryArchive;
  readonly #context: Context;
  #description: Description;
  #checked = false;

  constructor(archive: RegistryArchive, context: Context) {
    this.pin = archive.pin;
    this.#archive = archive;
    this.#description = archive.about ?? {};
    this.#context = context;
  }

  /** What is in the archive only the archive says, so planning fetches it, and checks it, first. */
  async plan(work: string): Promise<readonly HubFile[]> {
    const guard = new NameGuard(this.#archive.label);
    const files: HubFile[] = [];
    await this.#read(work, async ({ name, size, body }) => {
      guard.add(name, size);
      files.push({ path: name, size, expected: null });
      const about = await this.#archive.describe?.(name, (most) => readSmall(body, size, most));
      this.#description = { ...this.#description, ...about };
    });
    return files;
  }

  async fetch(
    files: readonly HubFile[],
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const wanted = new Set(files.map((file) => file.path));
    const done: ManifestFile[] = [];
    await this.#read(work, async ({ name, body }) => {
      if (!wanted.has(name)) return;
      const { sha256, size } = await replaceFile(into, name, body);
      done.push({ path: name, size, sha256, verified_by: this.#archive.verifiedBy });
    });
    if (done.length !== wanted.size)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${this.#archive.label}: the archive changed while it was read.`,
      );
    return done;
  }

  describe(): Description {
    return this.#description;
  }

  async #read(work: string, each: (file: ArchiveFile) => Promise<void>): Promise<void> {
    const { fileName, label } = this.#archive;
    const read = /\.(zip|whl)$/.test(fileName) ? readZip : readTar;
    await read(
      await this.#fetched(work),
      label,
      async (file) => {
        const name = this.#archive.inner(file.name);
        if (name !== null) await each({ ...file, name });
      },
      this.#context.signal,
    );
  }

  /** The archive on this machine, hashed once in this run. */
  async #fetched(work: string): Promise<string> {
    const { request, label } = this.#archive;
    const dest = path.join(work, 'archive');
    if (!this.#checked) await fetchFile({ ...request, dest, label }, this.#context.download);
    this.#checked = true;
    return dest;
  }
}

async function readSmall(
  body: AsyncIterable<Buffer>,
  size: number,
  maxBytes: number,
): Promise<Buffer | null> {
  if (size > maxBytes) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Names in a source tarball lie below one folder, which is taken off. A name that tries to leave stays as
 * it is, for the guard to refuse.
 */
export function belowTopFolder(name: string): string | null {
  const clean = name.replace(/^\.\//, '');
  if (clean.startsWith('/') || clean.split('/').includes('..')) return clean;
  const slash = clean.indexOf('/');
  return slash < 0 ? null : clean.slice(slash + 1) || null;
}
