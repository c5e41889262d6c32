import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import type { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { adaptersHere, withHttpDoor } from '../../../testing/conformance/fake-doors.ts';
import type { RequestContext } from '../../request-context.ts';
import { errorAnswer } from './error.ts';
import { eventStream, eventStreamType } from './event-stream.ts';
import type { Admitted, HttpReply, Surface } from './surface.ts';

// Guards: answers that come bit by bit, with back-pressure, and coded bodies, alike on each adapter.

const watchdog = { timeout: 60_000 };

/** Streams what the test says under /stream, and echoes compressed under /echo. */
class TestSurface implements Surface {
  made = 0;
  ended = 0;
  aborted = 0;
  readonly #events: (context: RequestContext) => AsyncIterable<string>;
  readonly #quietMs: number;

  constructor(events: (context: RequestContext) => AsyncIterable<string>, quietMs = 4_000) {
    this.#events = events;
    this.#quietMs = quietMs;
  }

  owns(path: string): boolean {
    return path === '/stream' || path === '/echo';
  }

  allow(): readonly string[] {
    return ['POST', 'OPTIONS'];
  }

  refuse(error: MlosError) {
    return errorAnswer(error);
  }

  admit({ path }: { readonly path: string }): Admitted {
    return {
      maxBodyBytes: 1_000_000,
      keepsBody: true,
      compresses: true,
      refuse: errorAnswer,
      run: (body, context) => (path === '/echo' ? echo(body) : this.#stream(context)),
    };
  }

  #stream(context: RequestContext): HttpReply {
    context.addEventListener('abort', () => {
      this.aborted += 1;
    });
    const parts = eventStream(this.#counted(context), this.#quietMs);
    return { status: 200, contentType: eventStreamType, headers: null, parts };
  }

  async *#counted(context: RequestContext): AsyncGenerator<string, void, void> {
    try {
      for await (const event of this.#events(context)) {
        this.made += 1;
        yield event;
      }
    } finally {
      this.ended += 1;
    }
  }
}

function echo(body: Buffer | null): HttpReply {
  const half = Math.floor((body?.length ?? 0) / 2);
  const whole = body ?? Buffer.alloc(0);
  const parts = [whole.subarray(0, half), whole.subarray(half)];
  return { status: 200, contentType: 'application/octet-stream', headers: null, body: parts };
}

async function* numbers(count: number, size = 1): AsyncGenerator<string, void, void> {
  for (let i = 0; i < count; i++) yield String(i).repeat(size);
}

async function becomes(isSo: () => boolean): Promise<void> {
  for (let i = 0; !isSo(); i++) {
    assert.ok(i < 1_000, 'it never came to be');
    await delay(10);
  }
}

test('a stream that is silent while its model works is not cut as idle', watchdog, async () => {
  const silent = async (adapter: (typeof adaptersHere)[number]) => {
    const surface = new TestSurface(async function* () {
      yield 'one';
      await delay(limits.httpIdleTimeoutMs + 1_500);
      yield 'two';
    }, 600_000);
    await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
      const response = await fetch(`http://127.0.0.1:${port}/stream`, { method: 'POST' });
      assert.equal(await response.text(), 'data: one\n\ndata: two\n\n', adapter);
    });
  };
  await Promise.all(adaptersHere.map(silent));
});

for (const adapter of adaptersHere) {
  describe(`streams on ${adapter}`, () => {
    test(
      'events come as they are made, in order, and the connection goes on',
      watchdog,
      async () => {
        let release: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        const surface = new TestSurface(async function* () {
          yield 'first\nline';
          await gate;
          yield 'second';
        });
        await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
          const response = await fetch(`http://127.0.0.1:${port}/stream`, { method: 'POST' });
          assert.equal(response.headers.get('content-type'), eventStreamType);
          let text = '';
          for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
            text += Buffer.from(chunk).toString();
            // Only now: the first event has come before the second was made.
            release();
          }
          assert.equal(text, 'data: first\ndata: line\n\ndata: second\n\n');
          assert.equal(surface.ended, 1);
          assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
        });
      },
    );

    test('while nothing comes a comment does', watchdog, async () => {
      const surface = new TestSurface(async function* () {
        await delay(120);
        yield 'late';
      }, 30);
      await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/stream`, { method: 'POST' });
        assert.match(await response.text(), /^(: waiting\n\n)+data: late\n\n$/);
      });
    });

    test('a client that does not read holds the maker back', watchdog, async () => {
      const surface = new TestSurface(() => numbers(5_000, 10_000));
      await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.pause();
        socket.write('POST /stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n');
        await becomes(() => surface.made > 0);
        await delay(500);
        const made = surface.made;
        assert.ok(made < 1_500, `${made} of 5,000 events were made for a client that reads none`);
        socket.resume();
        await becomes(() => surface.made > made);
        socket.destroy();
        await becomes(() => surface.ended === 1);
        assert.ok(surface.made < 5_000);
        assert.equal(surface.aborted, 1);
      });
    });

    test('a maker that fails ends the connection, not the daemon', watchdog, async () => {
      const surface = new TestSurface(async function* () {
        yield 'first';
        throw new Error('the maker broke');
      });
      await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
        const read = async () => {
          const response = await fetch(`http://127.0.0.1:${port}/stream`, { method: 'POST' });
          return await response.text();
        };
        await assert.rejects(read());
        assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
      });
    });

    test(
      'bodies in gzip and deflate are read, answers are coded where asked',
      watchdog,
      async () => {
        const surface = new TestSurface(() => numbers(1));
        await withHttpDoor({ adapter, surfaces: [surface] }, async ({ port }) => {
          const json = JSON.stringify({ inputs: { x: [[1, 2]] } });
          const reply = await fetch(`http://127.0.0.1:${port}/models/hf/double/inference`, {
            method: 'POST',
            headers: { 'content-encoding': 'gzip' },
            body: gzipSync(json),
          });
          assert.equal(reply.status, 200);
          assert.equal(reply.headers.get('content-encoding'), null);
          const plain = Buffer.from('abcdefgh'.repeat(10_000));
          for (const [accept, coding, unpack] of [
            ['gzip', 'gzip', gunzipSync],
            ['deflate', 'deflate', inflateSync],
            ['gzip;q=0, deflate', 'deflate', inflateSync],
          ] as const) {
            const { headers, bytes } = await raw(port, gzipSync(plain), {
              'content-encoding': 'gzip',
              'accept-encoding': accept,
            });
            assert.equal(headers['content-encoding'], coding);
            assert.deepEqual(unpack(bytes), plain);
          }
          const small = await raw(port, Buffer.from('ab'), { 'accept-encoding': 'gzip' });
          assert.equal(small.headers['content-encoding'], undefined);
          assert.equal(small.bytes.toString(), 'ab');
        });
      },
    );
  });
}

/** A request whose answer nobody unpacks on the way. */
async function raw(port: number, body: Buffer, headers: Record<string, string>) {
  const { request } = await import('node:http');
  return new Promise<{ headers: Record<string, unknown>; bytes: Buffer }>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/echo', method: 'POST', headers };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, bytes: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
