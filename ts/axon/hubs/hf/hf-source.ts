import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import { maxPackageBytes } from '../../package/names.ts';
import { publicAddress } from '../../package/public-address.ts';
import { formatCount } from '../../render/format.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { takeLocal } from '../local-copy.ts';
import { describeRepo } from './describe-repo.ts';
import { askApi, checkAccess, type HfConnection } from './hf-api.ts';
import { statusErrorFor } from './hf-errors.ts';
import { cachedFiles } from './hf-home.ts';
import type { HfSpec } from './hf-spec.ts';
import { type PinnedRepo, pinCommit } from './pin-commit.ts';
import { nextPage, readTree } from './tree.ts';

/*
 * 1. The revision is pinned to a commit first; everything after asks for that commit only, and every
 *    answer that names a commit must name this one.
 * 2. Hashes come from the tree, not from the answer that brings the bytes: sha256 for LFS files, git's
 *    blob hash for the others.
 */
export class HfSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #repo: string;
  readonly #commit: string;
  readonly #connection: HfConnection;
  readonly #context: Context;
  readonly #description: Description;

  private constructor(
    spec: HfSpec,
    pinned: PinnedRepo,
    connection: HfConnection,
    context: Context,
  ) {
    const { id, commit, about } = pinned;
    // The id as typed: a second install of the same text has to be recognised without the network.
    this.pin = {
      hub: 'hf',
      id: spec.repo,
      revision: commit,
      url: publicAddress(`${connection.endpoint}/${id}/tree/${commit}`),
    };
    this.#repo = id;
    this.#commit = commit;
    this.#connection = connection;
    this.#context = context;
    this.#description = describeRepo(about);
  }

  static async resolve(
    spec: HfSpec,
    connection: HfConnection,
    context: Context,
  ): Promise<HfSource> {
    const pinned = await pinCommit(spec, connection);
    if (pinned.isGated) await checkAccess(connection, pinned.id);
    return new HfSource(spec, pinned, connection, context);
  }

  async plan(): Promise<readonly HubFile[]> {
    const first = `${this.#connection.endpoint}/api/models/${this.#repo}/tree/${this.#commit}?recursive=true`;
    const files: HubFile[] = [];
    const seen = new Set<string>();
    for (let url: string | null = first; url !== null; ) {
      if (seen.has(url))
        throw new AxonError('BAD_RESPONSE', `The file list of ${this.#repo} goes in a circle.`);
      seen.add(url);
      const answer = await askApi(this.#connection, url, this.#repo);
      files.push(...readTree(answer.value, this.#repo));
      if (files.length > 10 * limits.packageFiles)
        throw new AxonError(
          'UNSAFE_PACKAGE',
          `${this.#repo} lists more than ${10 * limits.packageFiles} files.`,
        );
      url = nextPage(answer.response, first);
    }
    return files;
  }

  async fetch(files: readonly HubFile[], into: string): Promise<readonly ManifestFile[]> {
    const { env, signal } = this.#context;
    const ids = [...new Set([this.pin.id, this.#repo])];
    const { taken, left } = await takeLocal(
      files.map((file) => this.#request(file, into)),
      ({ expected, path: name }) =>
        cachedFiles(env, ids, { hash: expected?.hex ?? '', commit: this.#commit, path: name }),
      signal,
    );
    if (taken.length > 0)
      this.#context.output.note(
        `Taken from the Hugging Face cache of this machine, and checked: ${taken.length} of ${formatCount(files.length, 'file')}.`,
      );
    return [...taken, ...(await fetchAll(left, this.#connection.download))];
  }

  #request(file: HubFile, into: string): PackageRequest {
    const encoded = file.path.split('/').map(encodeURIComponent).join('/');
    const { endpoint, credential } = this.#connection;
    return {
      path: file.path,
      url: `${endpoint}/${this.#repo}/resolve/${this.#commit}/${encoded}`,
      dest: path.join(into, file.path),
      label: file.path,
      size: file.size,
      maxBytes: maxPackageBytes,
      expected: file.expected,
      credential,
      check: (response) => this.#requireCommit(response),
      statusError: statusErrorFor(this.#repo, this.#connection, file.path),
      allowMarkup: /\.(html?|xml|svg)$/i.test(file.path),
    };
  }

  /** Rule 1. Only the hub itself can say; what a content network sends under this name says nothing. */
  #requireCommit(response: HttpResponse): void {
    const commit = header(response, 'x-repo-commit');
    if (
      commit === null ||
      commit === this.#commit ||
      response.url.origin !== new URL(this.#connection.endpoint).origin
    )
      return;
    throw new AxonError(
      'BAD_RESPONSE',
      `${response.url.host} answered from commit ${commit} where ${this.#commit} was asked for. Nothing was installed; try again.`,
    );
  }

  describe(): Description {
    return this.#description;
  }
}
