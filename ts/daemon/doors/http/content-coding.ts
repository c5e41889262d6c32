import { promisify } from 'node:util';
import { createGunzip, createInflate, deflate, gzip } from 'node:zlib';
import { MlosError } from '../../../protocol/errors.ts';
import type { RequestContext } from '../../request-context.ts';
import type { BodyCollector } from './body.ts';
import type { RequestHead } from './request-head.ts';
import { type Admitted, bodyBytes, type HttpAnswer, type HttpReply } from './surface.ts';

/** gzip and deflate, of requests (never to more than a body may have) and of answers. */
type Coding = 'gzip' | 'deflate';

/** Below this an answer fits one packet as it is. */
const compressMinBytes = 1024;
/** Loopback is fast: more than the first level costs more time than it saves. */
const compressLevel = 1;

const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflate);

/** How a request's body is coded. Throws UNSUPPORTED_MEDIA_TYPE for what is not read here. */
export function requestCoding(head: RequestHead): Coding | null {
  const text = head.contentEncoding.trim().toLowerCase();
  if (text === '' || text === 'identity') return null;
  if (text === 'gzip' || text === 'x-gzip') return 'gzip';
  if (text === 'deflate') return 'deflate';
  throw new MlosError(
    'UNSUPPORTED_MEDIA_TYPE',
    `Content-Encoding ${JSON.stringify(text.slice(0, 256))} is not read here; send gzip, deflate or the body as it is.`,
  );
}

/** The coding that an Accept-Encoding header allows, gzip first; null: none. */
export function answerCoding(header: string): Coding | null {
  if (header === '') return null;
  const accepted = new Map<string, boolean>();
  for (const item of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    accepted.set(name, !parameters.some((one) => /^q=0(\.0*)?$/.test(one)));
  }
  if (accepted.get('gzip') === true) return 'gzip';
  return accepted.get('deflate') === true ? 'deflate' : null;
}

/** Errors: INVALID_ARGUMENT (not of that coding), and those of the collector. */
function inflate(coding: Coding, body: Buffer, collector: BodyCollector): Promise<Buffer> {
  const options = { chunkSize: 64 * 1024 };
  const stream = coding === 'gzip' ? createGunzip(options) : createInflate(options);
  return new Promise((resolve, reject) => {
    const fail = (error: MlosError) => {
      collector.drop();
      stream.destroy();
      reject(error);
    };
    stream.on('data', (chunk: Buffer) => {
      const refusal = collector.push(chunk);
      if (refusal !== null) fail(refusal);
    });
    stream.once('end', () => resolve(collector.take()));
    stream.once('error', (cause) =>
      fail(
        new MlosError('INVALID_ARGUMENT', `The body is not whole ${coding}: ${cause.message}.`, {
          cause,
        }),
      ),
    );
    stream.end(body);
  });
}

async function compress(coding: Coding, answer: HttpAnswer): Promise<HttpAnswer> {
  const { body } = answer;
  if (bodyBytes(body) < compressMinBytes) return answer;
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.concat(body);
  const run = coding === 'gzip' ? gzipAsync : deflateAsync;
  const packed = await run(bytes, { level: compressLevel });
  return {
    ...answer,
    body: [packed],
    headers: [...(answer.headers ?? []), ['content-encoding', coding], ['vary', 'Accept-Encoding']],
  };
}

/** A request with a coded body, or whose answer is to be coded, in the place of the plain one. */
export class CodedRequest implements Admitted {
  readonly maxBodyBytes: number;
  readonly keepsBody = true;
  readonly compresses = false;
  readonly #inner: Admitted;
  readonly #request: Coding | null;
  readonly #answer: Coding | null;
  readonly #collector: () => BodyCollector;

  constructor(
    inner: Admitted,
    codings: { readonly request: Coding | null; readonly answer: Coding | null },
    collector: () => BodyCollector,
  ) {
    this.#inner = inner;
    this.maxBodyBytes = inner.maxBodyBytes;
    this.#request = codings.request;
    this.#answer = codings.answer;
    this.#collector = collector;
  }

  async run(body: Buffer | null, context: RequestContext): Promise<HttpReply> {
    let plain = body;
    if (body !== null && this.#request !== null) {
      try {
        plain = await inflate(this.#request, body, this.#collector());
      } catch (thrown) {
        return this.refuse(MlosError.from(thrown));
      }
    }
    const reply = await this.#inner.run(plain, context);
    return this.#answer === null || 'parts' in reply ? reply : compress(this.#answer, reply);
  }

  refuse(error: MlosError): HttpAnswer {
    return this.#inner.refuse(error);
  }
}
