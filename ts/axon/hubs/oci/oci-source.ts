import fs from 'node:fs';
import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { noZstd } from '../../package/decompressor.ts';
import { maxPackageBytes, NameGuard } from '../../package/names.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { HubArchive } from '../hub-archive.ts';
import { takeLocal } from '../local-copy.ts';
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

/** Another tool on this machine that keeps blobs of the registry. */
export interface LocalBlobs {
  readonly owner: string;
  /** Where a blob would lie. */
  files(sha256: string): readonly string[];
}

/** The files that the layers of an artifact hold, by themselves or in tar archives. */
export class OciSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #session: RegistrySession;
  readonly #manifest: OciManifest;
  readonly #local: LocalBlobs | null;
  readonly #contents: readonly LayerContent[];
  /** Which archive a planned name lies in. */
  readonly #inArchive = new Map<string, HubArchive>();
  #description: Description = {};

  constructor(
    pin: Pin,
    session: RegistrySession,
    manifest: OciManifest,
    local: LocalBlobs | null = null,
  ) {
    this.pin = pin;
    this.#local = local;
    this.#session = session;
    this.#manifest = manifest;
    this.#contents = layerContents(manifest.layers);
  }

  async plan(work: string): Promise<readonly HubFile[]> {
    const { label } = this.#session.place;
    this.#description = await this.#describe(work);
    const guard = new NameGuard(label);
    const files: HubFile[] = [];
    for (const content of this.#contents) {
      if (content.kind === 'unreadable')
        throw new AxonError(
          'INVALID_PACKAGE',
          `${label} holds a layer of type ${content.layer.mediaType}: ${noZstd}. Use a newer Node, or ask for raw, tar or tar+gzip layers.`,
        );
      if (content.kind === 'file') {
        const { path: name, layer } = content;
        guard.add(name, layer.size);
        files.push({ path: name, size: layer.size, expected: expectedOf(layer) });
        continue;
      }
      const archive = this.#archive(content.layer);
      for (const file of await archive.plan(work, guard)) {
        this.#inArchive.set(file.path, archive);
        files.push(file);
      }
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
    const { taken, fetched } = await this.#bring(
      raw.map(({ layer, path: name }) =>
        blobRequest(this.#session, layer, path.join(into, name), name),
      ),
    );
    if (taken.length > 0)
      this.#session.context.output.note(
        `Taken from ${this.#local?.owner} on this machine, and checked: ${taken.map(({ path: name }) => name).join(', ')}.`,
      );
    const done = [...taken, ...fetched];
    const archives = new Set([...wanted].flatMap((name) => this.#inArchive.get(name) ?? []));
    for (const archive of archives) {
      const mine = [...wanted].filter((name) => this.#inArchive.get(name) === archive);
      done.push(...(await archive.extract(new Set(mine), into, work)));
    }
    return done;
  }

  describe(): Description {
    return this.#description;
  }

  #archive(layer: Descriptor): HubArchive {
    return new HubArchive(
      {
        hub: this.pin.hub,
        label: this.#session.place.label,
        expected: expectedOf(layer),
        verifiedBy: 'archive-sha256',
        workName: blobName(layer),
        inner: (name) => name.replace(/^(\.\/)+/, ''),
        fetch: (dest) => this.#fetch(layer, dest),
      },
      this.#session.context,
    );
  }

  /** A blob on this machine; one that is there already is only hashed. */
  async #fetch(layer: Descriptor, dest: string): Promise<ManifestFile> {
    const request = blobRequest(this.#session, layer, dest, path.basename(dest).slice(0, 12));
    const { taken, fetched } = await this.#bring([request]);
    const [blob] = [...taken, ...fetched];
    return blob as ManifestFile;
  }

  /** What another tool on this machine has is taken from there; the rest is fetched. */
  async #bring(requests: readonly PackageRequest[]): Promise<{
    readonly taken: readonly ManifestFile[];
    readonly fetched: readonly ManifestFile[];
  }> {
    const { download, signal } = this.#session.context;
    const candidates = ({ expected }: PackageRequest) =>
      expected === null ? [] : (this.#local?.files(expected.hex) ?? []);
    const { taken, left } = await takeLocal(requests, candidates, signal);
    return { taken, fetched: await this.#session.authorized(() => fetchAll(left, download)) };
  }

  async #describe(work: string): Promise<Description> {
    const { config, annotations } = this.#manifest;
    const isJson = /json$/.test(config.mediaType) && !/vnd\.oci\.empty/.test(config.mediaType);
    if (!isJson || config.size > maxConfigBytes) return describeArtifact({}, annotations);
    const file = path.join(work, blobName(config));
    await this.#fetch(config, file);
    const text = fs.readFileSync(file, 'utf8');
    try {
      return describeArtifact(JSON.parse(text), annotations);
    } catch {
      // A configuration that cannot be read states nothing; it is not ours to judge.
      return describeArtifact({}, annotations);
    }
  }
}

function blobName({ digest }: Descriptor): string {
  return path.join('blobs', digest.slice('sha256:'.length));
}
