import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AxonError } from '../../axon/axon-error.ts';
import { randomFrom } from '../data-plane/random.ts';
import { CuttingServer } from '../hub-double/cutting-server.ts';
import { sha256 } from '../hub-double/hashes.ts';
import { type FetchQuestion, fetchWith } from './fetch-program.ts';

/*
 * Cut at a random byte, over and over: the bytes are right in the end, and each cut costs at most one per
 * cent of the file. Cuts are a connection that is reset and tried again at once, a run that gives up or
 * is interrupted and is followed by another, and kill -9.
 * MLOS_SOAK=1 cuts a thousand times; MLOS_CUTS and MLOS_CUTS_SEED choose the number and the seed.
 */
const isSoak = process.env['MLOS_SOAK'] === '1';
const total = Number(process.env['MLOS_CUTS'] ?? (isSoak ? 1000 : 60));
const seed = Number(process.env['MLOS_CUTS_SEED'] ?? Date.now() % 1e9);
const random = randomFrom(seed);
const upTo = (most: number) => Math.floor(random() * most);

const program = fileURLToPath(new URL('./fetch-program.js', import.meta.url));
const costShare = 0.01;
/** As axon has it: of the two sizes of file one comes in ranges. */
const ranges = { from: 64 * 1024 * 1024, piece: 16 * 1024 * 1024 };
const kinds = ['reset', 'reset', 'reset', 'give up', 'interrupt', 'kill'] as const;
type Kind = (typeof kinds)[number];

/** One run that is cut after so many bytes in the way of `kind`; true when it got to its end all the same. */
async function cutRun(
  kind: Kind,
  server: CuttingServer,
  bytes: number,
  question: FetchQuestion,
): Promise<boolean> {
  if (kind === 'kill') {
    const child = spawn(process.execPath, [program, JSON.stringify(question)], {
      stdio: 'inherit',
    });
    const ended = once(child, 'exit');
    server.cutAfter(bytes, () => void child.kill('SIGKILL'));
    const [status] = (await ended) as [number | null];
    assert.ok(status === 0 || status === null, `the program ended with ${status}`);
    return status === 0;
  }
  const interrupt = new AbortController();
  const again = () => {
    if (kind === 'interrupt') interrupt.abort();
    // One run, cut again and again: it goes on by itself.
    if (kind === 'reset' && upTo(4) > 0) server.cutAfter(1 + upTo(2 * bytes), again);
  };
  server.cutAfter(bytes, again);
  const maxRetries = kind === 'reset' ? 6 : 0;
  try {
    await fetchWith({ ...question, maxRetries }, interrupt.signal);
    return true;
  } catch (error) {
    const { code } = AxonError.from(error);
    assert.ok(['NETWORK', 'INTERRUPTED'].includes(code), String(error));
    return false;
  }
}

test(`cut ${total} times, seed ${seed}`, { timeout: 600_000 }, async (t) => {
  t.diagnostic(`MLOS_CUTS_SEED=${seed}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-cuts-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const dest = path.join(folder, 'file');
  let [cuts, files, worst] = [0, 0, 0];
  while (cuts < total) {
    const inRanges = upTo(2) === 0;
    const data = randomBytes((inRanges ? 68e6 : 16e6) + upTo(8e6));
    const server = new CuttingServer(data);
    const url = await server.start();
    t.after(() => server.close());
    const question = { url, dest, size: data.length, sha256: sha256(data), ranges, maxRetries: 3 };
    const planned = 1 + upTo(16);
    let whole = false;
    while (!whole && server.cuts < planned) {
      const kind = kinds[upTo(kinds.length)] ?? 'reset';
      whole = await cutRun(kind, server, upTo(data.length / 6), question);
      assert.ok(whole || !fs.existsSync(dest), 'nothing has its name before it is whole');
    }
    server.neverCut();
    if (!whole) await fetchWith(question, new AbortController().signal);
    assert.ok(fs.readFileSync(dest).equals(data), `seed ${seed}: other bytes`);
    assert.deepEqual(fs.readdirSync(folder), ['file']);
    const extra = server.sent - data.length;
    const share = server.cuts === 0 ? 0 : extra / data.length / server.cuts;
    assert.ok(
      extra <= server.cuts * costShare * data.length,
      `seed ${seed}: ${extra} bytes of ${data.length} were fetched twice for ${server.cuts} cuts`,
    );
    worst = Math.max(worst, share);
    cuts += server.cuts;
    files += 1;
    fs.rmSync(dest);
  }
  t.diagnostic(
    `${cuts} cuts of ${files} files; the worst file cost ${(100 * worst).toFixed(3)} % a cut`,
  );
});
