import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Fault } from './faults.ts';

interface Answer {
  readonly status: number;
  readonly headers: http.OutgoingHttpHeaders;
  readonly data: Buffer;
}

interface Exchange {
  readonly fault: Fault;
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  /** What the hub would answer. */
  readonly truth: () => Promise<Answer>;
}

export type Lie = (exchange: Exchange) => unknown;

/** Lets the handler answer, and keeps what it says instead of sending it. */
export function truthOf(response: http.ServerResponse, handler: () => void): Promise<Answer> {
  const { writeHead, end } = response;
  let [status, headers]: [number, http.OutgoingHttpHeaders] = [200, {}];
  return new Promise((resolve) => {
    response.writeHead = ((code: number, given: http.OutgoingHttpHeaders = {}) => {
      [status, headers] = [code, given];
      return response;
    }) as typeof response.writeHead;
    response.end = ((data?: Buffer | string) => {
      Object.assign(response, { writeHead, end });
      resolve({ status, headers, data: Buffer.from(data ?? '') });
      return response;
    }) as typeof response.end;
    handler();
  });
}

function stated(headers: NonNullable<Fault['headers']>): http.OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value ?? undefined]),
  );
}

function send(response: http.ServerResponse, { status, headers, data }: Answer): void {
  const said = Object.entries(headers).filter(([, value]) => value !== undefined);
  response.writeHead(status, Object.fromEntries(said));
  response.end(data);
}

const half = (data: Buffer) => data.subarray(0, data.length >> 1);
const unsized = ({ 'content-length': _length, ...headers }: http.OutgoingHttpHeaders) => headers;

/** Sends the truth with another head. */
const withHeaders =
  (change: (answer: Answer) => http.OutgoingHttpHeaders): Lie =>
  async ({ response, truth }) => {
    const answer = await truth();
    send(response, { ...answer, headers: { ...answer.headers, ...change(answer) } });
  };

/** Sends the head of the truth and part of its body, then does something else. */
const begun =
  (part: (data: Buffer) => Buffer, then: (response: http.ServerResponse) => void): Lie =>
  async ({ response, truth }) => {
    const { status, headers, data } = await truth();
    response.writeHead(status, headers);
    response.write(part(data), () => then(response));
  };

const flipped: Lie = async ({ response, truth }) => {
  const answer = await truth();
  const data = Buffer.from(answer.data);
  const middle = data.length >> 1;
  data[middle] = (data[middle] ?? 0) ^ 1;
  send(response, { ...answer, data });
};

const honest: Lie = async ({ response, truth }) => send(response, await truth());

/** Instead of the truth. */
const instead =
  (headers: http.OutgoingHttpHeaders, body: string): Lie =>
  ({ response }) =>
    send(response, { status: 200, headers, data: Buffer.from(body) });

const redirected =
  (to: (exchange: Exchange) => string): Lie =>
  (exchange) =>
    send(exchange.response, {
      status: 302,
      headers: { location: to(exchange), 'content-length': 0 },
      data: Buffer.alloc(0),
    });

/** As if the request had asked for another range, or for none. */
const misread =
  (range: (start: number) => string | undefined): Lie =>
  async ({ request, response, truth }) => {
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const asked = start === 0 ? request.headers.range : range(start);
    if (asked === undefined) delete request.headers.range;
    else request.headers.range = asked;
    send(response, await truth());
  };

let mazeRooms = 0;

export const lies: Readonly<Record<Fault['kind'], Lie>> = {
  status: ({ fault: { status = 503, headers = {}, body = '' }, response }) =>
    send(response, {
      status,
      headers: { 'content-length': Buffer.byteLength(body), ...stated(headers) },
      data: Buffer.from(body),
    }),

  // The bytes.
  flip: flipped,
  zeros: async ({ response, truth }) => {
    const answer = await truth();
    send(response, { ...answer, data: Buffer.alloc(answer.data.length) });
  },
  empty: async ({ response, truth }) => {
    const answer = await truth();
    const headers = { ...answer.headers, 'content-length': 0 };
    send(response, { ...answer, headers, data: Buffer.alloc(0) });
  },
  cut: begun(half, (response) => response.destroy()),
  // Everything came, and the end did not.
  'cut-end': async ({ response, truth }) => {
    const { status, headers, data } = await truth();
    response.writeHead(status, unsized(headers));
    response.write(data);
    await sleep(50);
    response.destroy();
  },
  // An honest end of half the body: chunked, so that no length gives it away.
  short: async ({ response, truth }) => {
    const answer = await truth();
    send(response, { ...answer, headers: unsized(answer.headers), data: half(answer.data) });
  },
  'short-length': async ({ response, truth }) => {
    const answer = await truth();
    const data = half(answer.data);
    send(response, {
      ...answer,
      headers: { ...answer.headers, 'content-length': data.length },
      data,
    });
  },
  extra: async ({ response, truth }) => {
    const answer = await truth();
    const data = Buffer.concat([answer.data, Buffer.from('more')]);
    send(response, { ...answer, headers: unsized(answer.headers), data });
  },
  endless: async ({ response, truth }) => {
    const { status, headers } = await truth();
    response.writeHead(status, { ...headers, 'content-length': 2 ** 50 });
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      if (!response.destroyed) response.once('drain', pour);
    };
    pour();
  },
  // Another file by the time of the second range.
  change: (exchange) => (exchange.request.headers.range === undefined ? honest : flipped)(exchange),

  // Something else in its stead.
  html: instead(
    { 'content-type': 'text/html; charset=utf-8' },
    '<!doctype html><html><title>Log in to the hotel network</title></html>',
  ),
  xml: instead({ 'content-type': 'application/xml' }, '<Error><Code>NoSuchKey</Code></Error>'),
  json: instead({ 'content-type': 'application/json' }, '{"error":"try again later"}'),
  pointer: instead(
    { 'content-type': 'application/octet-stream' },
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`,
  ),

  // Ranges.
  'ignore-range': misread(() => undefined),
  'wrong-range': misread((start) => `bytes=${start + 1}-`),
  'range-200': async ({ response, truth }) => {
    const answer = await truth();
    send(response, { ...answer, status: answer.status === 206 ? 200 : answer.status });
  },
  'unnamed-range': async ({ response, truth }) => {
    const answer = await truth();
    send(response, {
      ...answer,
      status: 206,
      headers: { ...answer.headers, 'content-range': undefined },
    });
  },
  'short-range': async ({ response, truth }) => {
    const answer = await truth();
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(answer.headers['content-range'] ?? ''));
    if (range === null) return send(response, answer);
    const data = half(answer.data);
    const last = Number(range[1]) + data.length - 1;
    const headers = {
      'content-range': `bytes ${range[1]}-${last}/${range[2]}`,
      'content-length': data.length,
    };
    send(response, { ...answer, headers: { ...answer.headers, ...headers }, data });
  },
  multipart: async ({ response, truth }) => {
    const answer = await truth();
    const range = String(answer.headers['content-range'] ?? '');
    if (range === '') return send(response, answer);
    const head = `--x\r\ncontent-range: ${range}\r\n\r\n`;
    const data = Buffer.concat([Buffer.from(head), answer.data, Buffer.from('\r\n--x--\r\n')]);
    send(response, {
      status: 206,
      headers: {
        'content-type': 'multipart/byteranges; boundary=x',
        'content-length': data.length,
      },
      data,
    });
  },
  'no-total': withHeaders(({ headers }) => {
    const range = headers['content-range'];
    return range === undefined ? {} : { 'content-range': String(range).replace(/\/\d+$/, '/*') };
  }),
  'wrong-total': withHeaders(({ headers }) => {
    const range = headers['content-range'];
    return range === undefined ? {} : { 'content-range': String(range).replace(/\/\d+$/, '/7') };
  }),
  unsatisfied: async (exchange) => {
    const { request, response } = exchange;
    const headers = { 'content-range': 'bytes */7', 'content-length': 0 };
    if (request.headers.range === undefined) await honest(exchange);
    else send(response, { status: 416, headers, data: Buffer.alloc(0) });
  },

  // Heads.
  header: async ({ fault: { headers = {} }, response, truth }) => {
    const answer = await truth();
    send(response, { ...answer, headers: { ...answer.headers, ...stated(headers) } });
  },
  'no-length': withHeaders(() => ({ 'content-length': undefined })),
  gzip: async ({ response, truth }) => {
    const answer = await truth();
    const headers = { ...unsized(answer.headers), 'content-encoding': 'gzip', etag: 'W/"weak"' };
    send(response, { ...answer, headers, data: gzipSync(answer.data) });
  },
  'vast-head': withHeaders(() => ({ 'x-padding': 'x'.repeat(64 * 1024) })),

  // The connection.
  reset: ({ request }) => void request.socket.resetAndDestroy(),
  hangup: ({ request }) => void request.socket.end(),
  garbage: ({ request }) => void request.socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
  mute: () => undefined,
  stall: begun(half, () => undefined),
  slow: async ({ fault: { headers: more = {} }, response, truth }) => {
    const { status, headers, data } = await truth();
    const said = Object.entries({ ...headers, ...stated(more) }).filter(([, value]) => value);
    response.writeHead(status, Object.fromEntries(said));
    void (async () => {
      for (let at = 0; at < data.length; at += 8_192) {
        response.write(data.subarray(at, at + 8_192));
        await sleep(5);
      }
      response.end();
    })();
  },

  // Redirects.
  loop: redirected(({ request }) => request.url ?? '/'),
  'loop-absolute': redirected(({ request }) => `http://${request.headers.host}${request.url}`),
  maze: redirected(
    ({ request }) => `${request.url?.replace(/&room=\d+$/, '')}&room=${++mazeRooms}`,
  ),
  nowhere: ({ response }) =>
    send(response, { status: 302, headers: { 'content-length': 0 }, data: Buffer.alloc(0) }),
  redirect: redirected(({ fault: { to = '/' } }) => to),
};
