import type http from 'node:http';

export type Handler = (
  request: http.IncomingMessage,
  response: http.ServerResponse,
  url: URL,
) => void;

export function sendJson(
  response: http.ServerResponse,
  status: number,
  value: unknown,
  headers: http.OutgoingHttpHeaders = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    ...headers,
  });
  response.end(body);
}

export function sendRedirect(
  response: http.ServerResponse,
  status: number,
  to: string,
  headers: http.OutgoingHttpHeaders = {},
): void {
  // A redirect has a length of its own, which is never that of the file.
  const body = `Redirecting to ${to}`;
  response.writeHead(status, {
    location: to,
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Bytes with Range support. */
export function sendBytes(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  data: Buffer,
  headers: http.OutgoingHttpHeaders = {},
): void {
  const common = {
    'accept-ranges': 'bytes',
    'content-type': 'application/octet-stream',
    ...headers,
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  if (range === null) {
    response.writeHead(200, { ...common, 'content-length': data.length });
    response.end(data);
  } else if (start >= data.length) {
    response.writeHead(416, { 'content-range': `bytes */${data.length}`, 'content-length': 0 });
    response.end();
  } else {
    const part = data.subarray(start, range[2] ? Number(range[2]) + 1 : data.length);
    const place = `bytes ${start}-${start + part.length - 1}/${data.length}`;
    response.writeHead(206, { ...common, 'content-range': place, 'content-length': part.length });
    response.end(part);
  }
}
