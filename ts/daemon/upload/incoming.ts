import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import { syncFolder, type UploadFolders } from './folders.ts';

export const manifestFile = 'manifest.yaml';
export const signatureFile = `${manifestFile}.sig`;
const modelIdFile = 'model-id';

/** One content of a package; several of its files may have it. */
export interface Content {
  readonly sha256: string;
  readonly size: number;
}

/** An upload that is begun: what will be there when it is finished. */
export interface Incoming {
  readonly id: string;
  readonly modelId: string;
  readonly manifest: Manifest;
  readonly contents: readonly Content[];
  readonly expiresAt: number;
}

/** The same model with the same manifest is the same upload, before and after a restart. */
export function uploadIdOf(modelId: string, manifestText: string): string {
  return createHash('sha256').update(`${modelId}\n${manifestText}`).digest('hex');
}

async function readManifest(text: string): Promise<Manifest> {
  const { parseManifest } = await import('../../protocol/manifest.ts');
  return parseManifest(text);
}

/** Errors: INVALID_MANIFEST where it lists what cannot be laid down in one folder. */
function contentsOf(manifest: Manifest): Content[] {
  const invalid = (why: string) => new MlosError('INVALID_MANIFEST', `manifest.yaml: ${why}`);
  const bySha = new Map<string, Content>();
  const names = new Set(manifest.spec.format.files.map(({ path: name }) => name));
  for (const { path: name, sha256, size } of manifest.spec.format.files) {
    if (name === manifestFile || name === signatureFile) throw invalid(`it lists ${name}.`);
    for (let up = path.posix.dirname(name); up !== '.'; up = path.posix.dirname(up)) {
      if (names.has(up)) throw invalid(`${up} is a file and the folder of ${name}.`);
    }
    const known = bySha.get(sha256);
    if (known !== undefined && known.size !== size) {
      throw invalid(`the content ${sha256} has two sizes, ${known.size} and ${size}.`);
    }
    bySha.set(sha256, { sha256, size });
  }
  return [...bySha.values()];
}

/** The uploads that are begun, on disk. */
export class IncomingUploads {
  readonly #folders: UploadFolders;
  /** Of those that this process has read. */
  readonly #known = new Map<string, Omit<Incoming, 'expiresAt'>>();

  constructor(folders: UploadFolders) {
    this.#folders = folders;
  }

  /** What the texts ask for, not yet on disk. Errors: INVALID_MANIFEST. */
  async read(modelId: string, manifestText: string): Promise<Omit<Incoming, 'expiresAt'>> {
    const manifest = await readManifest(manifestText);
    const id = uploadIdOf(modelId, manifestText);
    return { id, modelId, manifest, contents: contentsOf(manifest) };
  }

  /** On disk when it returns. */
  add(
    upload: Omit<Incoming, 'expiresAt'>,
    manifestText: string,
    signature: string | undefined,
  ): Incoming {
    const folder = this.#folders.upload(upload.id);
    if (!fs.existsSync(folder)) {
      const draft = `${folder}.new`;
      fs.rmSync(draft, { recursive: true, force: true });
      fs.mkdirSync(draft, { mode: 0o700 });
      fs.writeFileSync(path.join(draft, manifestFile), manifestText, { flush: true });
      fs.writeFileSync(path.join(draft, modelIdFile), upload.modelId, { flush: true });
      fs.renameSync(draft, folder);
      syncFolder(this.#folders.incoming);
    }
    if (signature !== undefined) fs.writeFileSync(path.join(folder, signatureFile), signature);
    this.#known.set(upload.id, upload);
    this.touch(upload.id);
    return this.#dated(upload);
  }

  /** Errors: FAILED_PRECONDITION where there is none, or no longer. */
  async get(id: string): Promise<Incoming> {
    const upload = await this.find(id);
    if (upload !== null) return upload;
    throw new MlosError(
      'FAILED_PRECONDITION',
      `There is no upload ${id}: it is finished, cancelled or expired. Begin it again; what arrived is kept.`,
      { details: { begin: true } },
    );
  }

  async find(id: string): Promise<Incoming | null> {
    const folder = this.#folders.upload(id);
    if (!fs.existsSync(folder)) {
      this.#known.delete(id);
      return null;
    }
    const known = this.#known.get(id);
    if (known !== undefined) return this.#dated(known);
    const manifestText = fs.readFileSync(path.join(folder, manifestFile), 'utf8');
    const modelId = fs.readFileSync(path.join(folder, modelIdFile), 'utf8');
    const read = await this.read(modelId, manifestText);
    this.#known.set(id, read);
    return this.#dated(read);
  }

  async all(): Promise<Incoming[]> {
    const ids = this.#folders.names(this.#folders.incoming).filter((name) => !name.includes('.'));
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found.filter((one) => one !== null);
  }

  /** Puts its end off. */
  touch(id: string): void {
    const now = new Date();
    fs.utimesSync(this.#folders.upload(id), now, now);
  }

  remove(id: string): void {
    this.#known.delete(id);
    fs.rmSync(this.#folders.upload(id), { recursive: true, force: true });
  }

  #dated(upload: Omit<Incoming, 'expiresAt'>): Incoming {
    const { mtimeMs } = fs.statSync(this.#folders.upload(upload.id));
    return { ...upload, expiresAt: mtimeMs + limits.uploadExpiryMs };
  }
}
