import path from 'node:path';
import { limits } from '../../../protocol/limits.ts';
import type { ManifestFile } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import { maxPackageBytes } from '../../package/names.ts';
import type { Description, FileSource, HubFile, Pin } from '../hub.ts';
import { describeRepo } from './describe-repo.ts';
import { askApi, type HfConnection } from './hf-api.ts';
import { statusErrorFor } from './hf-errors.ts';
import type { HfSpec } from './hf-spec.ts';
import { nextPage, readTree } from './tree.ts';

const commitPattern = /^[0-9a-f]{40}$/;

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
  readonly #description: Description;

  private constructor(
    spec: HfSpec,
    repo: string,
    commit: string,
    connection: HfConnection,
    description: Description,
  ) {
    // The id as typed: a second install of the same text has to be recognised without the network.
    this.pin = {
      hub: 'hf',
      id: spec.repo,
      revision: commit,
      url: `${connection.endpoint}/${repo}/tree/${commit}`,
    };
    this.#repo = repo;
    this.#commit = commit;
    this.#connection = connection;
    this.#description = description;
  }

  static async resolve(spec: HfSpec, connection: HfConnection): Promise<HfSource> {
    const url = `${connection.endpoint}/api/models/${spec.repo}/revision/${encodeURIComponent(spec.revision)}`;
    const { value } = await askApi(connection, url, spec.repo);
    const { id, sha } = value as { id?: unknown; sha?: unknown };
    if (
      typeof sha !== 'string' ||
      !commitPattern.test(sha) ||
      typeof id !== 'string' ||
      !/^[\w.-]+(\/[\w.-]+)?$/.test(id)
    )
      throw new AxonError(
        'BAD_RESPONSE',
        `${connection.endpoint} did not say which commit ${spec.repo}@${spec.revision} is.`,
      );
    if (commitPattern.test(spec.revision) && sha !== spec.revision)
      throw new AxonError(
        'BAD_RESPONSE',
        `${connection.endpoint} answered commit ${sha} where ${spec.revision} was asked for.`,
      );
    return new HfSource(spec, id, sha, connection, describeRepo(value));
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
    const requests = files.map((file) => this.#request(file, into));
    return fetchAll(requests, this.#connection.download);
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
      statusError: statusErrorFor(this.#repo, this.#connection),
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
