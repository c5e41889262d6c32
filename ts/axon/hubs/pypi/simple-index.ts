import { limits } from '../../../protocol/limits.ts';
import { AxonError } from '../../axon-error.ts';
import { requireOk } from '../../download/fetch-json.ts';
import { type Credential, follow } from '../../download/follow.ts';
import { header, readBody } from '../../download/http.ts';
import type { DownloadOptions } from '../../download/options.ts';
import { withRetries } from '../../download/retry.ts';
import { dict, statedTime } from '../stated.ts';
import { httpStatusError } from '../status-error.ts';

/** One file of a package, as the index lists it. */
export interface IndexFile {
  readonly filename: string;
  readonly url: string;
  /** Lower-case hex, or null where the index states none. */
  readonly sha256: string | null;
  readonly size: number | null;
  readonly yanked: boolean;
  /** When it was uploaded, where the index states that. */
  readonly uploaded?: string | undefined;
}

const maxPageBytes = 64 * 1024 * 1024;
const jsonType = 'application/vnd.pypi.simple.v1+json';
const htmlTypes = 'application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1';

/** Asks an index for a package's files: as JSON (PEP 691), or as the page that older servers have (PEP 503). */
export async function readIndex(
  index: string,
  name: string,
  credential: Credential | null,
  options: DownloadOptions,
): Promise<readonly IndexFile[]> {
  const page = await withRetries(options, async () => {
    const response = await follow(
      {
        url: `${index}${name}/`,
        headers: { accept: `${jsonType}, ${htmlTypes}` },
        credential,
      },
      options,
    );
    await requireOk(response, httpStatusError(`Python package ${name}`));
    const body = await readBody(response, maxPageBytes);
    if (body !== null) return { response, text: body.toString('utf8') };
    throw new AxonError('BAD_RESPONSE', `${response.url.host} answered too much for ${name}.`);
  });
  const { response, text } = page;
  const isJson = /json/.test(header(response, 'content-type') ?? '');
  const files = isJson ? fromJson(text, response.url) : fromHtml(text, response.url);
  if (files === null)
    throw new AxonError(
      'BAD_RESPONSE',
      `${response.url.host} did not answer a list of the files of ${name}.`,
    );
  return files.slice(0, 10 * limits.packageFiles);
}

function fromJson(text: string, base: URL): IndexFile[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { files } = (value ?? {}) as { files?: unknown };
  if (!Array.isArray(files)) return null;
  return files.flatMap((entry: unknown) => {
    const { filename, url, hashes, size, yanked, 'upload-time': uploaded } = dict(entry);
    const address = typeof url === 'string' ? absolute(url, base) : null;
    if (typeof filename !== 'string' || address === null) return [];
    const { sha256 } = (hashes ?? {}) as { sha256?: unknown };
    return [
      {
        filename,
        url: address,
        sha256: typeof sha256 === 'string' ? hex(sha256) : null,
        size: Number.isSafeInteger(size) && (size as number) >= 0 ? (size as number) : null,
        uploaded: statedTime(uploaded),
        yanked: yanked === true || (typeof yanked === 'string' && yanked !== ''),
      },
    ];
  });
}

/** Anchors, each with a file's name as its text and the hash behind the address. */
function fromHtml(text: string, base: URL): IndexFile[] | null {
  const files: IndexFile[] = [];
  for (const [, attributes = '', label = ''] of text.matchAll(
    /<a\s([^>]{1,4000})>([^<]{1,400})<\/a>/gi,
  )) {
    const href = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes);
    const address = absolute(plain(href?.[1] ?? href?.[2] ?? ''), base);
    if (address === null) continue;
    const url = new URL(address);
    const stated = /^#sha256=([0-9a-f]{64})$/i.exec(url.hash)?.[1];
    url.hash = '';
    files.push({
      filename: plain(label).trim(),
      url: url.href,
      sha256: stated?.toLowerCase() ?? null,
      size: null,
      yanked: /\bdata-yanked\b/i.test(attributes),
    });
  }
  return files.length === 0 ? null : files;
}

const hex = (text: string) => (/^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : null);

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
const plain = (text: string) =>
  text.replace(/&(amp|lt|gt|quot);/g, (all, name: string) => entities[name] ?? all);

function absolute(url: string, base: URL): string | null {
  if (url === '' || !URL.canParse(url, base.href)) return null;
  const { href, protocol } = new URL(url, base);
  return protocol === 'https:' || protocol === 'http:' ? href : null;
}
