import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { adaptersHere, withHttpDoor } from '../../../testing/conformance/fake-doors.ts';
import { readHttpAnswer } from '../../../testing/conformance/http-requests.ts';
import { rawExchange } from '../../../testing/conformance/raw-exchange.ts';

// Guards: both adapters behave alike on the wire. Every test runs on each adapter that this Node has.

const run = promisify(execFile);
const watchdog = { timeout: 60_000 };
const inference = '/models/hf/double/inference';
const threeMegabytes = JSON.stringify({ echo: true, x: 'a'.repeat(3_000_000) });

async function hasCurl(): Promise<boolean> {
  return await run('curl', ['--version']).then(
    () => true,
    () => false,
  );
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

for (const adapter of adaptersHere) {
  describe(`HTTP door on ${adapter}`, () => {
    test('three spellings of a model id, and HEAD, OPTIONS', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port, adapter: name }) => {
        assert.equal(name, adapter);
        const base = `http://127.0.0.1:${port}`;
        for (const id of ['hf-double@latest', 'hf%2Fdouble%40latest', 'hf/double@latest']) {
          const response = await fetch(`${base}/models/${id}/inference`, {
            method: 'POST',
            body: JSON.stringify({ inputs: { x: [[1, 2]] } }),
          });
          const body = (await response.json()) as { outputs: unknown };
          assert.deepEqual([response.status, body.outputs], [200, { y: [2, 4] }], id);
          assert.equal(response.headers.get('content-type'), 'application/json');
        }
        const head = await fetch(`${base}/health`, { method: 'HEAD' });
        const get = await fetch(`${base}/health`);
        assert.equal(head.headers.get('content-length'), get.headers.get('content-length'));
        assert.equal(await head.text(), '');
        const options = await fetch(`${base}/models/hf/x`, { method: 'OPTIONS' });
        assert.equal(options.headers.get('allow'), 'GET, DELETE, HEAD, OPTIONS');
        const ready = await fetch(`${base}/readyz`);
        assert.deepEqual(
          [ready.status, ((await ready.json()) as { ready: unknown }).ready],
          [503, false],
        );
      });
    });

    test('errors carry the model and a request id', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }) => {
        const response = await fetch(`http://127.0.0.1:${port}/models/hf/none/inference`, {
          method: 'POST',
        });
        const body = (await response.json()) as Record<string, unknown>;
        assert.equal(response.status, 404);
        assert.equal(body['model_id'], 'hf/none');
        assert.ok(response.headers.has('x-request-id'));
        assert.equal(response.headers.get('access-control-allow-origin'), null);
      });
    });

    test('a configured origin gets its CORS header', watchdog, async () => {
      const allowedOrigins = ['https://app.example'];
      await withHttpDoor({ adapter, allowedOrigins }, async ({ port }) => {
        const origin = 'Origin: https://app.example\r\n';
        const { received } = await rawExchange(
          { host: '127.0.0.1', port },
          [`OPTIONS /models HTTP/1.1\r\nHost: localhost\r\n${origin}\r\n`],
          { until: (bytes) => readHttpAnswer(bytes) !== null },
        );
        assert.match(String(received), /access-control-allow-origin: https:\/\/app\.example/);
        assert.match(String(received), /access-control-allow-methods: GET/);
      });
    });

    test('Expect: 100-continue is answered once, before the body', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }) => {
        const head =
          `POST ${inference} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n` +
          `Content-Length: ${threeMegabytes.length}\r\n\r\n`;
        // Nothing of the body is sent: only an interim answer can come, and only one.
        const interim = await rawExchange({ host: '127.0.0.1', port }, [head], {
          until: (bytes) => bytes.length > 0,
        });
        assert.equal(String(interim.received), 'HTTP/1.1 100 Continue\r\n\r\n');
        const whole = await rawExchange({ host: '127.0.0.1', port }, [head, threeMegabytes], {
          until: (bytes) => readHttpAnswer(bytes) !== null,
        });
        const text = String(whole.received);
        assert.equal(text.split('100 Continue').length, 2, text.slice(0, 200));
        assert.equal(readHttpAnswer(whole.received)?.status, 200);
      });
    });

    test('curl sends 3 MB, and reads its 413 with and without Expect', watchdog, async (t) => {
      if (!(await hasCurl())) {
        t.skip('curl is not installed');
        return;
      }
      await withHttpDoor({ adapter, maxBodyBytes: 4_000_000 }, async ({ port }) => {
        const curl = async (bytes: number, ...headers: string[]) => {
          const body = JSON.stringify({ echo: 1, x: 'a'.repeat(bytes) });
          const options = ['-s', '-o', '/dev/null', '-w', '%{http_code} %{time_starttransfer}'];
          const target = `http://127.0.0.1:${port}${inference}`;
          const flags = headers.flatMap((header) => ['-H', header]);
          const child = run('curl', [...options, ...flags, '--data-binary', '@-', target]);
          child.child.stdin?.on('error', () => undefined); // curl stops reading at its 413.
          child.child.stdin?.end(body);
          return (await child).stdout.split(' ')[0];
        };
        assert.equal(await curl(3_000_000), '200');
        assert.equal(await curl(3_000_000, 'Expect: 100-continue'), '200');
        assert.equal(await curl(3_000_000, 'Expect:'), '200');
        for (const bytes of [4_000_001, 30_000_000]) {
          assert.equal(await curl(bytes, 'Expect: 100-continue'), '413');
          assert.equal(await curl(bytes, 'Expect:'), '413');
          assert.equal(await curl(bytes, 'Expect:', 'Transfer-Encoding: chunked'), '413');
        }
      });
    });

    test('a body at the limit passes, one byte more does not', watchdog, async () => {
      const body = JSON.stringify({ echo: 1, x: 'a'.repeat(1_000) });
      for (const [maxBodyBytes, status] of [
        [body.length, 200],
        [body.length - 1, 413],
      ] as const) {
        await withHttpDoor({ adapter, maxBodyBytes }, async ({ port }) => {
          const response = await fetch(`http://127.0.0.1:${port}${inference}`, {
            method: 'POST',
            body,
          });
          assert.equal(response.status, status);
          await response.text();
        });
      }
    });

    test('a client that leaves aborts its request', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }, dispatcher) => {
        const body = '{"sleep_ms":30000}';
        await rawExchange(
          { host: '127.0.0.1', port },
          [
            `POST ${inference} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          ],
          { giveUpMs: 300 },
        );
        while (dispatcher.aborted === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        assert.equal(dispatcher.active, 0);
      });
    });

    test('a large answer reaches a slow reader whole', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }) => {
        const agent = new Agent({ keepAlive: false });
        const bytes = await new Promise<number>((resolve, reject) => {
          const req = request(
            { host: '127.0.0.1', port, path: inference, method: 'POST', agent },
            (res) => {
              let count = 0;
              res.pause();
              setTimeout(() => res.resume(), 300);
              res.on('data', (chunk: Buffer) => {
                count += chunk.length;
              });
              res.on('end', () => resolve(count));
            },
          );
          req.on('error', reject);
          req.end('{"bytes":10000000}');
        });
        assert.ok(bytes > 20_000_000, `${bytes} bytes came`);
      });
    });

    test('a client that pipelines and never reads does not pile up answers', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }, dispatcher) => {
        const body = '{"bytes":30000}';
        const one = `POST ${inference} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        const { connect } = await import('node:net');
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.pause();
        for (let i = 0; i < 50; i++) {
          if (!socket.destroyed) socket.write(one.repeat(100));
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
        socket.destroy();
        assert.ok(dispatcher.calls < 4_000, `${dispatcher.calls} of 5,000 were run`);
      });
    });

    test('close lets the answer under way finish and takes no more', watchdog, async () => {
      await withHttpDoor({ adapter }, async (door) => {
        const url = `http://127.0.0.1:${door.port}${inference}`;
        const body = '{"sleep_ms":300,"echo":1}';
        const answer = fetch(url, { method: 'POST', body });
        await new Promise((resolve) => setTimeout(resolve, 100));
        const closed = door.close();
        assert.equal((await answer).status, 200);
        await closed;
        await door.close();
        await assert.rejects(fetch(url));
      });
    });

    test('a port in use is named', watchdog, async () => {
      await withHttpDoor({ adapter }, async ({ port }) => {
        await assert.rejects(
          withHttpDoor({ adapter, port }, async () => undefined),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, 'FAILED_PRECONDITION');
            assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*in use`));
            return true;
          },
        );
      });
    });

    test('10,000 bad requests leave descriptors and memory as they were', watchdog, async () => {
      await withHttpDoor({ adapter, maxBodyBytes: 1_000 }, async ({ port }) => {
        const bad = [
          'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n',
          'GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n',
          `POST ${inference} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n{"a`,
          'PUT /health HTTP/1.1\r\nHost: localhost\r\n\r\n',
          'nonsense\r\n\r\n',
        ];
        const flood = async (count: number) => {
          for (let sent = 0; sent < count; sent += 50) {
            const batch = Array.from({ length: 50 }, (_, i) =>
              rawExchange({ host: '127.0.0.1', port }, [bad[i % bad.length] ?? ''], {
                until: (bytes) => bytes.includes('"code"'),
                giveUpMs: 25,
              }),
            );
            await Promise.all(batch);
          }
        };
        await flood(1_000);
        const before = { fds: descriptors(), rss: process.memoryUsage().rss };
        await flood(10_000);
        await new Promise((resolve) => setTimeout(resolve, 200));
        assert.ok(descriptors() <= before.fds + 20, `${before.fds} → ${descriptors()} descriptors`);
        const grown = process.memoryUsage().rss - before.rss;
        assert.ok(grown < 100 * 1024 * 1024, `memory grew by ${grown} bytes`);
      });
    });
  });
}
