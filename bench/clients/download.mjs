import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fetchAll } from '../../dist/axon/download/fetch-all.js';
import { Slots } from '../../dist/axon/download/slots.js';
import { noProgress } from '../../dist/axon/render/progress.js';

/** axon's downloader in a process of its own: fetches files to a folder, verified and on disk. */
function requestsFor({ url, folder, size, sha256, files }) {
  return Array.from({ length: files }, (_, i) => ({
    path: `file-${i}`,
    url: `${url}/${size}`,
    dest: join(folder, `file-${i}`),
    label: `file-${i}`,
    size,
    maxBytes: size,
    expected: { algorithm: 'sha256', hex: sha256 },
    statusError: ({ status }) => new Error(`the server answered ${status}`),
  }));
}

function peakMb() {
  const status = readFileSync('/proc/self/status', 'utf8');
  return (Number(/^VmHWM:\s+(\d+) kB/m.exec(status)[1]) * 1024) / 1e6;
}

async function fetch(question) {
  const options = {
    maxRetries: 0,
    retryWaitMs: 1,
    stallMs: 30_000,
    connections: new Slots(question.connections),
    ranges: { from: 64 * 1024 * 1024, piece: 16 * 1024 * 1024 },
    progress: noProgress,
    note: () => undefined,
    signal: new AbortController().signal,
  };
  const requests = requestsFor(question);
  const started = performance.now();
  await fetchAll(requests, options);
  const ms = performance.now() - started;
  for (const { dest } of requests) rmSync(dest);
  return { ms, peak_mb: peakMb() };
}

process.on('message', (question) => {
  fetch(question).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: error.stack }),
  );
});
process.send({});
