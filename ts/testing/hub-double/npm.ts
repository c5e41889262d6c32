import { type Handler, sendBytes, sendJson } from './answers.ts';
import { sri } from './hashes.ts';

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly tarball: Buffer;
  /** A lie about the hash; null states none. */
  readonly integrity?: string | null;
  /** Only with this token. */
  readonly token?: string;
}

/** The two routes of a package registry that axon uses: the package document and the tarball. */
export function npmDouble(packages: readonly NpmPackage[], base: () => string): Handler {
  return (request, response, url) => {
    if (url.pathname === '/-/v1/search') {
      sendJson(response, 200, { objects: found(packages, url.searchParams.get('text') ?? '') });
      return;
    }
    const file = /^\/(.+)\/-\/(.+)\.tgz$/.exec(decodeURIComponent(url.pathname));
    const name = file?.[1] ?? decodeURIComponent(url.pathname.slice(1));
    const versions = packages.filter((candidate) => candidate.name === name);
    const [any] = versions;
    if (any === undefined) {
      sendJson(response, 404, { error: 'Not found' });
      return;
    }
    if (any.token !== undefined && request.headers.authorization !== `Bearer ${any.token}`) {
      sendJson(response, 401, { error: 'Unauthorized' });
      return;
    }
    if (file !== null) {
      const wanted = versions.find((candidate) => candidate.version === file[2]);
      if (wanted === undefined) {
        sendJson(response, 404, { error: 'Not found' });
        return;
      }
      sendBytes(request, response, wanted.tarball);
      return;
    }
    sendJson(response, 200, {
      name,
      'dist-tags': { latest: versions.at(-1)?.version },
      versions: Object.fromEntries(
        versions.map((one) => [
          one.version,
          { name, version: one.version, dist: distOf(one, base()) },
        ]),
      ),
    });
  };
}

function distOf(
  { name, version, tarball, integrity = sri(tarball) }: NpmPackage,
  base: string,
): object {
  const url = `${base}/${name}/-/${version}.tgz`;
  return integrity === null ? { tarball: url } : { tarball: url, integrity };
}

function found(packages: readonly NpmPackage[], text: string): object[] {
  return packages
    .filter(({ name }) => name.includes(text))
    .map(({ name, version }) => ({
      package: { name, version, description: `The package ${name}.`, license: 'MIT' },
      downloads: { monthly: 7, weekly: 2 },
    }));
}
