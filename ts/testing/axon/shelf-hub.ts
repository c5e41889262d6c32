import path from 'node:path';
import { AxonError } from '../../axon/axon-error.ts';
import type { Context } from '../../axon/context.ts';
import { fetchAll } from '../../axon/download/fetch-all.ts';
import { fetchJson } from '../../axon/download/fetch-json.ts';
import type { FileSource, Hub, HubFile } from '../../axon/hubs/hub.ts';
import { idSegment } from '../../axon/hubs/id-segment.ts';
import { httpStatusError } from '../../axon/hubs/status-error.ts';
import { maxPackageBytes } from '../../axon/package/names.ts';

/** A shelf is a web server: `/<model>/<version>.json` lists the files that lie in `/<model>/`. */
export const shelfHub: Hub = {
  names: ['shelf'],
  example: 'shelf/<model>@<version>',
  // Says what the text means, and asks nobody: a typing mistake must not cost a request.
  parse(text, context) {
    const [, model = '', version = 'latest'] = /^([\w-]+)(?:@([\w.-]+))?$/.exec(text) ?? [];
    if (model === '')
      throw new AxonError('INVALID_SPEC', `${text} is not <model>@<version> of a shelf.`);
    return {
      id: { namespace: 'shelf', name: idSegment(model), version: idSegment(version) },
      origin: { hub: 'shelf', id: model },
      resolve: () => resolve(model, version, context),
    };
  },
};

/** Pins the version to what it is now, and keeps the list: nothing is asked by another name later. */
async function resolve(model: string, version: string, context: Context): Promise<FileSource> {
  const endpoint = context.env['AXON_SHELF_ENDPOINT'] || 'https://shelf.example';
  const statusError = httpStatusError(`${model}@${version}`);
  const url = `${endpoint}/${model}/${version}.json`;
  const { value } = await fetchJson({ url, statusError }, context.download);
  const { revision, license, files } = readList(value, url);
  return {
    kind: 'files',
    pin: { hub: 'shelf', id: model, revision, url },
    plan: async () => files,
    // Every hash that the source states goes along: the downloader compares it and records that it did.
    fetch: (chosen, into) =>
      fetchAll(
        chosen.map((file) => ({
          ...file,
          url: `${endpoint}/${model}/${file.path.split('/').map(encodeURIComponent).join('/')}`,
          dest: path.join(into, file.path),
          label: file.path,
          maxBytes: maxPackageBytes,
          statusError,
        })),
        context.download,
      ),
    // Only what the source says; a licence that it does not state is not guessed.
    describe: () => (license === null ? {} : { license }),
  };
}

/** Believes no field before it has looked at it. The names are guarded by whoever uses them. */
function readList(value: unknown, url: string) {
  const { revision, license, files } = (value ?? {}) as Record<string, unknown>;
  if (typeof revision !== 'string' || !Array.isArray(files))
    throw new AxonError('BAD_RESPONSE', `${url} is not the list of a model.`);
  return {
    revision,
    license: typeof license === 'string' ? license : null,
    files: files.map((entry: unknown): HubFile => {
      const { path: name, size, sha256 } = (entry ?? {}) as Record<string, unknown>;
      if (typeof name !== 'string' || typeof size !== 'number' || typeof sha256 !== 'string')
        throw new AxonError('BAD_RESPONSE', `${url} lists a file without name, size or sha256.`);
      return { path: name, size, expected: { algorithm: 'sha256', hex: sha256 } };
    }),
  };
}
