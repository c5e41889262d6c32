import path from 'node:path';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import { fetchOne } from '../../download/fetch-all.ts';
import { parseHttpUrl } from '../../download/follow.ts';
import { type HttpResponse, header } from '../../download/http.ts';
import type { ExpectedHash } from '../../download/options.ts';
import { verifiedBy } from '../../download/verified-by.ts';
import { publicAddress } from '../../package/public-address.ts';
import { axonArchive } from '../axon-archive.ts';
import type { FileSource, Hub, HubSpec, PackageSource, Pin } from '../hub.ts';
import { idSegment } from '../id-segment.ts';
import { onlyStated } from '../stated.ts';
import { Address, type Asked } from './address.ts';
import { withoutSecrets } from './secret-query.ts';

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
    const id = idOf(url, expected);
    const stem = file.replace(/\.[A-Za-z0-9]+$/, '');
    return {
      id: {
        namespace: 'https',
        name: `${idSegment(url.host)}/${idSegment(stem)}`,
        version: 'latest',
      },
      origin: { hub: 'https', id },
      ...(withoutSecrets(url) === url ? {} : { noted: id }),
      resolve: () => open(url, file, expected, context),
    };
  },
  noSearch: 'an address is one file. Name it: axon install https://….',
};

/** What is noted of an address: all but its secrets. */
function idOf(url: URL, hash: ExpectedHash | null): string {
  return withoutSecrets(url).href + (hash === null ? '' : `#sha256=${hash.hex}`);
}

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
    id: idOf(url, pinned),
    revision,
    url: publicAddress(url.href),
  };
  const address = new Address(url, file, pinned, context);
  return file.endsWith('.axon')
    ? archiveAt(address, pin, pinned, context)
    : fileAt(address, pin, file, context);
}

/** One with a hash is not asked for as long as the store has all of it. */
async function archiveAt(
  address: Address,
  pin: Pin,
  pinned: ExpectedHash | null,
  context: Context,
): Promise<PackageSource> {
  let asked = pinned === null ? await address.ask() : null;
  return axonArchive(
    {
      pin,
      expected: pinned ?? asked?.expected ?? null,
      async request() {
        asked ??= await address.ask();
        return address.request(asked);
      },
      known: () => (asked === null ? null : address.known(asked)),
      came: (got, files) => {
        if (asked !== null) address.came(asked, got, files);
      },
    },
    context,
  );
}

function fileAt(address: Address, pin: Pin, file: string, context: Context): FileSource {
  let asked: Asked | null = null;
  return {
    kind: 'files',
    pin,
    async plan() {
      asked = await address.ask();
      const { size, expected } = asked;
      const sha256 = address.known(asked);
      const known = sha256 === null ? {} : { known: { sha256, verified_by: verifiedBy(expected) } };
      return [{ path: file, size, expected, ...known }];
    },
    async fetch(_files, into) {
      asked ??= await address.ask();
      const wanted = { ...address.request(asked), dest: path.join(into, file) };
      const got = await fetchOne(wanted, context.download);
      const { sha256, size } = got;
      address.came(asked, got, [sha256]);
      return [{ path: file, size, sha256, verified_by: verifiedBy(asked.expected) }];
    },
    describe: () =>
      onlyStated({ updated: asked === null ? undefined : lastModified(asked.response) }),
  };
}

/** As its server states it. */
function lastModified(response: HttpResponse): string | undefined {
  const time = Date.parse(header(response, 'last-modified') ?? '');
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}
