import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchOne } from '../../download/fetch-all.ts';
import { parseHttpUrl } from '../../download/follow.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { probe } from '../../download/probe.ts';
import { verifiedBy } from '../../download/verified-by.ts';
import { maxPackageBytes } from '../../package/names.ts';
import { axonArchive } from '../axon-archive.ts';
import type { Description, FileSource, Hub, HubSpec, PackageSource, Pin } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { onlyStated } from '../stated.ts';
import { statedHash } from '../stated-hash.ts';
import { httpStatusError } from '../status-error.ts';

/** One file, or an `.axon` package, at an address. `#sha256=<hex>` pins the bytes; else they are trusted on first use. */
export const httpsHub: Hub = {
  names: ['https', 'http'],
  example: 'https://example.com/model.onnx#sha256=<64 hex digits>',
  claims: (text) => /^https?:\/\//i.test(text),
  parse(text, context): HubSpec {
    const whole = /^https?:\/\//i.test(text) ? text : `https://${text}`;
    const url = parseHttpUrl(whole);
    if (url.username !== '' || url.password !== '')
      throw new AxonError(
        'INVALID_SPEC',
        'A user name or password in an address is not taken: it would be stored.',
      );
    const expected = hashInFragment(url.hash);
    url.hash = '';
    const file = fileName(url);
    const stem = file.replace(/\.[A-Za-z0-9]+$/, '');
    return {
      id: {
        namespace: 'https',
        name: `${idSegment(url.host)}/${idSegment(stem)}`,
        version: 'latest',
      },
      origin: { hub: 'https', id: url.href + (expected === null ? '' : `#sha256=${expected.hex}`) },
      resolve: () => open(url, file, expected, context),
    };
  },
  noSearch: 'an address is one file. Name it: axon install https://….',
};

function hashInFragment(fragment: string): ExpectedHash | null {
  if (fragment === '') return null;
  const hex = /^#sha256=([0-9a-fA-F]{64})$/.exec(fragment)?.[1];
  if (hex === undefined)
    throw new AxonError(
      'INVALID_SPEC',
      `${fragment} is not understood; write #sha256=<64 hex digits> or nothing.`,
    );
  return { algorithm: 'sha256', hex: hex.toLowerCase() };
}

function fileName(url: URL): string {
  let name = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // A stray % is part of the name then.
  }
  return idSegment(name);
}

async function open(
  url: URL,
  file: string,
  pinned: ExpectedHash | null,
  context: Context,
): Promise<FileSource | PackageSource> {
  const revision = pinned === null ? null : `sha256:${pinned.hex}`;
  const pin: Pin = {
    hub: 'https',
    id: url.href + (revision === null ? '' : `#sha256=${pinned?.hex}`),
    revision,
    url: url.href,
  };
  const statusError = httpStatusError(url.href);
  const ask = async () => {
    const { size, response } = await probe({ url: url.href, statusError }, context.download);
    return { size, response, expected: pinned ?? statedHash(response) };
  };
  const request = (size: number | null, expected: ExpectedHash | null) => ({
    url: url.href,
    label: file,
    size,
    maxBytes: maxPackageBytes,
    expected,
    statusError,
  });
  if (file.endsWith('.axon')) {
    const asked = pinned === null ? await ask() : null;
    const wanted = async () => {
      const { size, expected } = asked ?? (await ask());
      return request(size, expected);
    };
    return axonArchive(pin, pinned ?? asked?.expected ?? null, wanted, context);
  }
  let description: Description = {};
  return {
    kind: 'files',
    pin,
    async plan() {
      const { response, ...found } = await ask();
      description = onlyStated({ updated: lastModified(response) });
      return [{ path: file, ...found }];
    },
    async fetch(files, into) {
      const [planned] = files;
      const hash = planned?.expected ?? pinned;
      const wanted = { ...request(planned?.size ?? null, hash), dest: path.join(into, file) };
      const { sha256, size } = await fetchOne(wanted, context.download);
      return [{ path: file, size, sha256, verified_by: verifiedBy(hash) }];
    },
    describe: () => description,
  };
}

/** As its server states it. */
function lastModified(response: HttpResponse): string | undefined {
  const time = Date.parse(header(response, 'last-modified') ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
