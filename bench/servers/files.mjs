import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Files of a stated size, with ranges, as fast as Node sends: `/<bytes>` is so many bytes, a block of
 * random ones over and over.
 */
const block = randomBytes(1024 * 1024);

function* blocks(start, end) {
  for (let at = start; at < end; ) {
    const from = at % block.length;
    const piece = block.subarray(from, Math.min(block.length, from + end - at));
    yield piece;
    at += piece.length;
  }
}

async function send(request, response) {
  const size = Number(request.url.slice(1));
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const start = Number(first ?? 0);
  const end = last ? Math.min(size, Number(last) + 1) : size;
  response.writeHead(first === undefined ? 200 : 206, {
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...(first === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  });
  // Who fetches may hang up early.
  await pipeline(Readable.from(blocks(start, end)), response).catch(() => response.destroy());
}

const server = createServer((request, response) => void send(request, response));
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', ({ size }) => {
  const hash = createHash('sha256');
  for (const piece of blocks(0, size)) hash.update(piece);
  process.send({ sha256: hash.digest('hex') });
});
