import path from 'node:path';
import type { Context } from '../../context.ts';
import { fetchAll, type PackageRequest } from '../../download/fetch-all.ts';
import { maxPackageBytes } from '../../package/names.ts';
import { ArchiveSource } from '../archive-source.ts';
import { axonArchive } from '../axon-archive.ts';
import type { Description, FileSource, Hub, HubSpec, Pin, Source } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { describeRepository } from './describe-repository.ts';
import { searchGitHub } from './gh-search.ts';
import { type GhSpec, parseGhSpec } from './gh-spec.ts';
import { GitHubApi } from './github-api.ts';
import { type Asset, readRelease, requireAsset } from './release.ts';

/** Files of GitHub releases: all of them to choose from, or one, which may be an archive or a package. */
export const ghHub: Hub = {
  names: ['gh', 'github'],
  example: 'gh/<owner>/<repo>@<tag>#<asset>',
  parse(text, context): HubSpec {
    const spec = parseGhSpec(text);
    const asset = spec.asset === null ? [] : [stem(spec.asset)];
    return {
      id: {
        namespace: 'gh',
        name: [...spec.repo.split('/'), ...asset].map(idSegment).join('/'),
        version: idSegment(spec.tag),
      },
      origin: { hub: 'gh', id: originOf(spec) },
      resolve: () => resolve(spec, context),
    };
  },
  search: searchGitHub,
};

const archivePattern = /\.(tar\.gz|tgz|tar\.zst|tar|zip)$/;
const stem = (asset: string) => asset.replace(archivePattern, '').replace(/\.[A-Za-z0-9]+$/, '');
const originOf = ({ repo, asset }: GhSpec) => (asset === null ? repo : `${repo}#${asset}`);

async function resolve(spec: GhSpec, context: Context): Promise<Source> {
  const api = new GitHubApi(context);
  const release = await readRelease(spec, api);
  const pin: Pin = { hub: 'gh', id: originOf(spec), revision: release.tag, url: release.page };
  const about = await describeRepository(spec.repo, release, api);
  const request = requestsFor(api, spec.repo);
  if (spec.asset === null) return looseFiles(pin, release.assets, about, request, context);
  const asset = requireAsset(release, spec.asset, spec.repo);
  if (asset.name.endsWith('.axon'))
    return axonArchive(
      { pin, expected: asset.expected, request: async () => request(asset, '') },
      context,
    );
  if (!archivePattern.test(asset.name)) return looseFiles(pin, [asset], about, request, context);
  return new ArchiveSource(
    {
      pin,
      label: `${spec.repo}@${release.tag}#${asset.name}`,
      request: request(asset, ''),
      verifiedBy: asset.expected === null ? 'tofu' : 'archive-sha256',
      inner: (name) => name.replace(/^(\.\/)+/, ''),
      about,
    },
    context,
  );
}

type MakeRequest = (asset: Asset, dest: string) => PackageRequest;

function requestsFor(api: GitHubApi, repo: string): MakeRequest {
  return ({ name, size, expected, url, headers }, dest) => ({
    path: name,
    url,
    headers,
    dest,
    label: name,
    size,
    maxBytes: maxPackageBytes,
    expected,
    credential: api.credential,
    statusError: api.statusError(`${name} of ${repo}`),
    allowMarkup: /\.(html?|xml|svg)$/i.test(name),
  });
}

function looseFiles(
  pin: Pin,
  assets: readonly Asset[],
  about: Description,
  request: MakeRequest,
  context: Context,
): FileSource {
  return {
    kind: 'files',
    pin,
    plan: async () => assets.map(({ name, size, expected }) => ({ path: name, size, expected })),
    fetch(files, into) {
      const wanted = new Set(files.map((file) => file.path));
      const chosen = assets.filter(({ name }) => wanted.has(name));
      return fetchAll(
        chosen.map((asset) => request(asset, path.join(into, asset.name))),
        context.download,
      );
    },
    describe: () => about,
  };
}
