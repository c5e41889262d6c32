import type http from 'node:http';
import { sendBytes, sendJson, sendRedirect } from './answers.ts';
import type { Cdn } from './cdn.ts';
import { sha256 } from './hashes.ts';

export interface OciLayer {
  readonly mediaType: string;
  readonly data: Buffer;
  readonly annotations?: Readonly<Record<string, string>>;
  /** A lie about the digest or the size. */
  readonly stated?: { readonly digest?: string; readonly size?: number };
}

export interface OciArtifact {
  readonly repository: string;
  readonly tag: string;
  readonly layers?: readonly OciLayer[];
  readonly config?: { readonly mediaType: string; readonly data: Buffer };
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** An index of these tags of the same repository, in place of layers. */
  readonly index?: readonly { readonly tag: string; readonly more?: object }[];
  /** Only for `user:password`; everybody else may have a token without saying who they are. */
  readonly login?: string;
  /** The password is asked for at each request, and there are no tokens. */
  readonly basic?: boolean;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/**
 * A registry with the token flow: nothing without a token for that very repository, tokens from an
 * address of its own, blobs from the content network by a redirect that must see no token.
 */
export class OciDouble {
  readonly #artifacts: readonly OciArtifact[];
  readonly #cdn: Cdn;
  readonly #manifests = new Map<string, Buffer>();
  readonly #blobs = new Map<string, Buffer>();
  #base = '';
  /** Where the challenge sends for tokens, if not here. */
  realm: string | null = null;
  /** Whether the list of all repositories is shown. */
  lists = true;

  constructor(artifacts: readonly OciArtifact[], cdn: Cdn) {
    this.#artifacts = artifacts;
    this.#cdn = cdn;
    for (const artifact of artifacts) this.put(artifact);
  }

  /** A tag that is there already moves to it. */
  put(artifact: OciArtifact): void {
    const { repository, tag, index } = artifact;
    const body = Buffer.from(
      JSON.stringify(index === undefined ? this.#manifestOf(artifact) : this.#indexOf(artifact)),
    );
    this.#manifests.set(`${repository}:${tag}`, body);
    this.#manifests.set(`${repository}:sha256:${sha256(body)}`, body);
  }

  #manifestOf({ layers = [], config, artifactType, annotations }: OciArtifact): object {
    const own = config ?? {
      mediaType: 'application/vnd.oci.empty.v1+json',
      data: Buffer.from('{}'),
    };
    return {
      schemaVersion: 2,
      mediaType: manifestType,
      ...(artifactType === undefined ? {} : { artifactType }),
      config: this.#describe(own),
      layers: layers.map((layer) => this.#describe(layer)),
      ...(annotations === undefined ? {} : { annotations }),
    };
  }

  #describe({ mediaType, data, annotations, stated }: OciLayer): object {
    const digest = stated?.digest ?? `sha256:${sha256(data)}`;
    this.#blobs.set(digest, data);
    return { mediaType, digest, size: stated?.size ?? data.length, annotations };
  }

  #indexOf({ repository, index = [] }: OciArtifact): object {
    const manifests = index.map(({ tag, more }) => {
      const body = this.#manifests.get(`${repository}:${tag}`) ?? Buffer.alloc(0);
      return {
        mediaType: manifestType,
        digest: `sha256:${sha256(body)}`,
        size: body.length,
        ...more,
      };
    });
    return { schemaVersion: 2, mediaType: indexType, manifests };
  }

  hub(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    this.#base = url.origin;
    if (url.pathname === '/token') {
      this.#token(request, response, url);
      return;
    }
    if (url.pathname === '/v2/_catalog') {
      this.#catalog(request, response, url);
      return;
    }
    const [, repository = '', kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
    const artifact = this.#artifacts.find((candidate) => candidate.repository === repository);
    if (!this.#mayRead(request, repository, artifact)) {
      this.#challenge(response, repository, artifact?.basic === true);
    } else if (kind === 'tags') {
      const mine = this.#artifacts.filter((one) => one.repository === repository);
      sendJson(response, 200, { name: repository, tags: mine.map(({ tag }) => tag) });
    } else if (kind === 'manifests') {
      const body = this.#manifests.get(`${repository}:${reference}`);
      if (body === undefined) this.#missing(response, 'MANIFEST_UNKNOWN');
      else
        sendBytes(request, response, body, {
          'content-type': (JSON.parse(body.toString()) as { mediaType: string }).mediaType,
          'docker-content-digest': `sha256:${sha256(body)}`,
        });
    } else {
      const blob = this.#blobs.get(reference);
      if (blob === undefined) this.#missing(response, 'BLOB_UNKNOWN');
      else sendRedirect(response, 307, this.#cdn.put(blob));
    }
  }

  /** Two names a page. */
  #catalog(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    if (!this.lists) {
      this.#missing(response, 'UNSUPPORTED');
      return;
    }
    if (request.headers.authorization !== 'Bearer token-for-catalog') {
      this.#challenge(response, 'catalog', false);
      return;
    }
    const all = [...new Set(this.#artifacts.map(({ repository }) => repository))].sort();
    const last = url.searchParams.get('last') ?? '';
    const rest = all.filter((name) => name > last);
    const link = rest.length > 2 ? { link: '</v2/_catalog?last=x>; rel="next"' } : {};
    sendJson(response, 200, { repositories: rest.slice(0, 2) }, link);
  }

  #mayRead(request: http.IncomingMessage, repository: string, artifact?: OciArtifact): boolean {
    const { authorization } = request.headers;
    if (artifact?.basic === true) return authorization === basic(artifact.login ?? '');
    return authorization === `Bearer token-for-${repository}`;
  }

  #challenge(response: http.ServerResponse, repository: string, isBasic: boolean): void {
    const realm = this.realm ?? `${this.#base}/token`;
    sendJson(
      response,
      401,
      { errors: [{ code: 'UNAUTHORIZED', message: 'authentication required' }] },
      {
        'www-authenticate': isBasic
          ? 'Basic realm="double"'
          : `Bearer realm="${realm}",service="double",scope="repository:${repository}:pull"`,
      },
    );
  }

  #token(request: http.IncomingMessage, response: http.ServerResponse, url: URL): void {
    if (url.searchParams.get('scope') === 'registry:catalog:*') {
      sendJson(response, 200, { token: 'token-for-catalog', expires_in: 300 });
      return;
    }
    const [, repository = '', actions] =
      /^repository:(.+):(pull(?:,push)?)$/.exec(url.searchParams.get('scope') ?? '') ?? [];
    const login = this.#artifacts.find((one) => one.repository === repository)?.login;
    const given = request.headers.authorization;
    const good = login === undefined ? given === undefined : given === basic(login);
    if (!good || actions === undefined || url.searchParams.get('service') !== 'double')
      sendJson(response, 401, { details: 'incorrect username or password' });
    else sendJson(response, 200, { token: `token-for-${repository}`, expires_in: 300 });
  }

  #missing(response: http.ServerResponse, code: string): void {
    sendJson(response, 404, { errors: [{ code, message: 'not known' }] });
  }
}

const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`;
