import fs from 'node:fs';
import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import type { ArchiveFile } from '../../package/archive-limits.ts';
import { maxPackageBytes, NameGuard } from '../../package/names.ts';
import { readTar } from '../../package/tar-entries.ts';
import { replaceFile } from '../../package/write-file.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { describeArtifact } from './describe-artifact.ts';
import { type LayerContent, layerContents } from './layers.ts';
import { type Descriptor, expectedOf, type OciManifest } from './manifest.ts';
import type { RegistrySession } from './session.ts';

const maxConfigBytes = 4 * 1024 * 1024;

/** A request for one blob of the repository, checked against its digest. */
export function blobRequest(
  session: RegistrySession,
  { digest, size, ...layer }: Descriptor,
  dest: string,
  name: string,
): PackageRequest {
  return {
    path: name,
    url: `${session.base}blobs/${digest}`,
    dest,
    label: name,
    size,
    maxBytes: maxPackageBytes,
    expected: expectedOf({ digest, size, ...layer }),
    credential: session.credential,
    statusError: session.statusError,
    allowMarkup: /\.(html?|xml|svg)$/i.test(name),
  };
}

/** The files that the layers of an artifact hold, by themselves or in tar archives. */
export class OciSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #session: RegistrySession;
  readonly #manifest: OciManifest;
  readonly #contents: readonly LayerContent[];
  /** Which archive a planned name lies in. */
  readonly #inArchive = new Map<string, Descriptor>();
  #description: Description = {};

  constructor(pin: Pin, session: RegistrySession, manifest: OciManifest) {
    this.pin = pin;
    this.#session = session;
    this.#manifest = manifest;
    this.#contents = layerContents(manifest.layers);
  }

  /** What is in an archive only the archive says, so planning fetches those. */
  async plan(work: string): Promise<readonly HubFile[]> {
    this.#description = await this.#describe(work);
    const guard = new NameGuard(this.#session.place.label);
    const files: HubFile[] = [];
    for (const content of this.#contents) {
      if (content.kind === 'unreadable')
        throw new AxonError(
          'INVALID_PACKAGE',
          `${this.#session.place.label} holds a layer of type ${content.layer.mediaType}; zstd is not read by this version. Ask for raw, tar or tar+gzip layers.`,
        );
      if (content.kind === 'file') {
        const { path: name, layer } = content;
        guard.add(name, layer.size);
        files.push({ path: name, size: layer.size, expected: expectedOf(layer) });
        continue;
      }
      await this.#readArchive(content.layer, work, async ({ name, size }) => {
        guard.add(name, size);
        this.#inArchive.set(name, content.layer);
        files.push({ path: name, size, expected: null });
      });
    }
    return files;
  }

  async fetch(
    files: readonly HubFile[],
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const wanted = new Set(files.map((file) => file.path));
    const raw = this.#contents.flatMap((content) =>
      content.kind === 'file' && wanted.has(content.path) ? [content] : [],
    );
    const done = await this.#session.authorized(() =>
      fetchAll(
        raw.map(({ layer, path: name }) =>
          blobRequest(this.#session, layer, path.join(into, name), name),
        ),
        this.#session.context.download,
      ),
    );
    return [...done, ...(await this.#extract(wanted, into, work))];
  }

  describe(): Description {
    return this.#description;
  }

  async #extract(
    wanted: ReadonlySet<string>,
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const archives = new Set([...wanted].flatMap((name) => this.#inArchive.get(name) ?? []));
    const done: ManifestFile[] = [];
    for (const archive of archives)
      await this.#readArchive(archive, work, async ({ name, body }) => {
        if (!wanted.has(name)) return;
        const { sha256, size } = await replaceFile(into, name, body);
        done.push({ path: name, size, sha256, verified_by: 'archive-sha256' });
      });
    return done;
  }

  async #readArchive(
    layer: Descriptor,
    work: string,
    each: (entry: ArchiveFile) => Promise<void>,
  ): Promise<void> {
    const file = await this.#blob(layer, work);
    const { signal } = this.#session.context;
    await readTar(
      file,
      this.#session.place.label,
      (entry) => each({ ...entry, name: entry.name.replace(/^(\.\/)+/, '') }),
      signal,
    );
  }

  /** A blob on this machine; one that is there already is only hashed. */
  async #blob(layer: Descriptor, work: string): Promise<string> {
    const dest = path.join(work, 'blobs', layer.digest.slice('sha256:'.length));
    await this.#session.authorized(() =>
      fetchAll(
        [blobRequest(this.#session, layer, dest, path.basename(dest).slice(0, 12))],
        this.#session.context.download,
      ),
    );
    return dest;
  }

  async #describe(work: string): Promise<Description> {
    const { config, annotations } = this.#manifest;
    const isJson = /json$/.test(config.mediaType) && !/vnd\.oci\.empty/.test(config.mediaType);
    if (!isJson || config.size > maxConfigBytes) return describeArtifact({}, annotations);
    const text = fs.readFileSync(await this.#blob(config, work), 'utf8');
    try {
      return describeArtifact(JSON.parse(text), annotations);
    } catch {
      // A configuration that cannot be read states nothing; it is not ours to judge.
      return describeArtifact({}, annotations);
    }
  }
}
