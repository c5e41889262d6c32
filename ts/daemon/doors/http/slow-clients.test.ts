import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { adaptersHere, withHttpDoor } from '../../../testing/conformance/fake-doors.ts';
import { readHttpAnswer } from '../../../testing/conformance/http-requests.ts';
import { rawExchange } from '../../../testing/conformance/raw-exchange.ts';
import type { HttpAdapterName } from './server.ts';

// Guards: a client that dawdles is cut (slow-loris), one that is merely slow is not. The watchdogs
// are far above the limits; nothing here measures.

const drips = (first: string, count: number) => [
  first,
  ...Array.from({ length: count }, () => 'a'),
];
const giveUpMs = 40_000;
const post = 'POST /models/hf/double/inference HTTP/1.1\r\nHost: localhost\r\n';

/** A reader that never reads, until the door cuts it. */
function neverReads(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const body = '{"bytes":20000000}';
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${post}Content-Length: ${body.length}\r\n\r\n${body}`);
    });
    socket.pause();
    // Paused, a socket does not see that it was closed: writing does.
    const poke = setInterval(() => socket.write(' '), 500);
    const watchdog = setTimeout(() => socket.destroy(new Error('not cut')), giveUpMs);
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== undefined));
    socket.on('close', () => {
      clearInterval(poke);
      clearTimeout(watchdog);
    });
  });
}

async function check(adapter: HttpAdapterName): Promise<void> {
  await withHttpDoor({ adapter }, async ({ port }) => {
    const address = { host: '127.0.0.1', port };
    const steady = 28; // Parts of 20 kB, half a second apart: 14 s, above every idle limit.
    const part = Buffer.alloc(20_000, 0x20);
    const lead = '{"echo":1';
    const head = `${post}Content-Length: ${lead.length + steady * part.length + 1}\r\n\r\n${lead}`;
    const busy = '{"echo":1,"sleep_ms":14000}';
    const until = (bytes: Buffer) => readHttpAnswer(bytes) !== null;
    const [lateHead, lateBody, silent, slow, patient, wasCut] = await Promise.all([
      rawExchange(address, drips('GET /health HTTP/1.1\r\nHost: localhost\r\nX: ', 100), {
        gapMs: 300,
        giveUpMs,
      }),
      rawExchange(address, [head], { giveUpMs }),
      rawExchange(address, ['GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'], { giveUpMs }),
      rawExchange(address, [head, ...Array.from({ length: steady }, () => part), '}'], {
        gapMs: 500,
        giveUpMs,
        until,
      }),
      rawExchange(address, [`${post}Content-Length: ${busy.length}\r\n\r\n${busy}`], {
        giveUpMs,
        until,
      }),
      neverReads(port),
    ]);
    assert.ok(lateHead.closed, `${adapter}: a head that drips is cut`);
    assert.ok(lateBody.closed, `${adapter}: a body that stops is cut`);
    assert.ok(silent.closed, `${adapter}: an idle connection is closed`);
    assert.ok(wasCut, `${adapter}: a client that never reads is cut`);
    assert.equal(readHttpAnswer(silent.received)?.status, 200);
    assert.equal(readHttpAnswer(slow.received)?.status, 200, `${adapter}: a slow body arrives`);
    assert.equal(
      readHttpAnswer(patient.received)?.status,
      200,
      `${adapter}: a long run is waited for`,
    );
  });
}

test('slow clients are cut or served on every adapter', { timeout: 90_000 }, async () => {
  await Promise.all(adaptersHere.map(check));
});
