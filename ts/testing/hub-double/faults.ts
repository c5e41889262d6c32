import type http from 'node:http';

export type Origin =
  | 'hf'
  | 'cdn'
  | 'npm'
  | 'pytorch'
  | 'github'
  | 'tfhub'
  | 'kaggle'
  | 'modelscope'
  | 'oci'
  | 'pypi';

/** A lie that an origin tells `times` times to requests whose path matches. */
export interface Fault {
  readonly on: Origin;
  readonly match?: string;
  readonly times?: number;
  readonly kind:
    | 'status'
    | 'flip'
    | 'cut'
    | 'short'
    | 'reset'
    | 'html'
    | 'pointer'
    | 'loop'
    | 'redirect'
    | 'ignore-range'
    | 'wrong-range'
    | 'header'
    | 'stall'
    | 'extra';
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly to?: string;
  /** With `status`: what is said. */
  readonly body?: string;
}

type Handler = () => void;

/** Catches what the handler answers, so that it can be bent before it is sent. */
function bend(
  response: http.ServerResponse,
  handler: Handler,
  change: (data: Buffer) => void,
): void {
  const end = response.end.bind(response);
  response.end = ((data?: Buffer | string) => {
    response.end = end as typeof response.end;
    change(Buffer.from(data ?? ''));
    return response;
  }) as typeof response.end;
  handler();
}

const html = '<!doctype html><html><title>Log in to the hotel network</title></html>';

type Lie = (
  fault: Fault,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  handler: Handler,
) => void;

const lies: Readonly<Record<Fault['kind'], Lie>> = {
  status: ({ status = 503, headers = {}, body = '' }, _request, response) => {
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
    response.end(body);
  },
  flip: (_fault, _request, response, handler) =>
    bend(response, handler, (data) => {
      const copy = Buffer.from(data);
      const middle = copy.length >> 1;
      copy[middle] = (copy[middle] ?? 0) ^ 1;
      response.end(copy);
    }),
  cut: (_fault, _request, response, handler) =>
    bend(response, handler, (data) => {
      response.write(data.subarray(0, data.length >> 1), () => response.destroy());
    }),
  short: (_fault, _request, response, handler) => {
    const writeHead = response.writeHead.bind(response);
    // An honest end of half the body: chunked, so that no length gives it away.
    response.writeHead = ((status: number, headers: http.OutgoingHttpHeaders) => {
      const { 'content-length': _length, ...rest } = headers;
      return writeHead(status, rest);
    }) as typeof response.writeHead;
    bend(response, handler, (data) => response.end(data.subarray(0, data.length >> 1)));
  },
  reset: (_fault, request) => void request.socket.resetAndDestroy(),
  html: (_fault, _request, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(html);
  },
  pointer: (_fault, _request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    response.end(
      `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12\n`,
    );
  },
  loop: (_fault, request, response) => {
    response.writeHead(302, { location: request.url ?? '/', 'content-length': 0 });
    response.end();
  },
  redirect: ({ to = '/' }, _request, response) => {
    response.writeHead(302, { location: to, 'content-length': 0 });
    response.end();
  },
  'ignore-range': (_fault, request, _response, handler) => {
    delete request.headers.range;
    handler();
  },
  'wrong-range': (_fault, request, _response, handler) => {
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (start > 0) request.headers.range = `bytes=${start + 1}-`;
    handler();
  },
  header: ({ headers = {} }, _request, response, handler) => {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, given: http.OutgoingHttpHeaders) =>
      writeHead(status, { ...given, ...headers })) as typeof response.writeHead;
    handler();
  },
  stall: (_fault, _request, response, handler) =>
    bend(response, handler, (data) => void response.write(data.subarray(0, data.length >> 1))),
  extra: (_fault, _request, response, handler) => {
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers: http.OutgoingHttpHeaders) => {
      const { 'content-length': _length, ...rest } = headers;
      return writeHead(status, rest);
    }) as typeof response.writeHead;
    bend(response, handler, (data) => response.end(Buffer.concat([data, Buffer.from('more')])));
  },
};

export class Faults {
  readonly #list: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#list.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#list.length = 0;
  }

  /** Tells the first lie that fits, or lets the handler answer. */
  apply(
    on: Origin,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    handler: Handler,
  ): void {
    const path = request.url ?? '/';
    const found = this.#list.find(
      ({ fault, left }) => left > 0 && fault.on === on && new RegExp(fault.match ?? '.').test(path),
    );
    if (found === undefined) {
      handler();
      return;
    }
    found.left -= 1;
    lies[found.fault.kind](found.fault, request, response, handler);
  }
}
