import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProcess, using } from './processes.mjs';
import { alternate, medianRatio } from './stats.mjs';
import { check, targets } from './targets.mjs';

/** What does a verified download take, beside curl to disk and sha256sum one after the other? */
const manyFiles = 8;

function hasCurl() {
  return spawnSync('curl', ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Not in this process: whoever measures sleeps. */
function curlAndSum({ url, size, sha256, folder }) {
  const file = join(folder, 'curl');
  const started = performance.now();
  const curl = spawnSync('curl', ['-sS', '-f', '-o', file, `${url}/${size}`]);
  const sum = spawnSync('sha256sum', [file], { encoding: 'utf8' });
  const ms = performance.now() - started;
  rmSync(file, { force: true });
  if (curl.status !== 0 || !sum.stdout.startsWith(sha256)) throw new Error('curl failed');
  return { ms };
}

export function axonDownload(plan) {
  const title = 'A download to disk with verification, loopback';
  if (!hasCurl()) {
    process.stderr.write('  axon-download: curl was not found, nothing is measured\n');
    return { id: 'axon-download', title: `${title}: skipped, no curl`, rows: [], checks: [] };
  }
  const size = plan.rounds === 1 ? 100e6 : 1e9;
  const folder = mkdtempSync(join(tmpdir(), 'mlos-bench-download-'));
  const starts = [
    () => startProcess('servers/files.mjs'),
    () => startProcess('clients/download.mjs'),
    () => startProcess('clients/download.mjs'),
  ];
  return using(starts, async (server, one, many) => {
    const url = `http://127.0.0.1:${server.ready.port}`;
    const { sha256 } = await server.ask({ size });
    const small = size / manyFiles;
    const smallHash = (await server.ask({ size: small })).sha256;
    const whole = { url, folder, size, sha256, files: 1 };
    const parts = { url, folder, size: small, sha256: smallHash, files: manyFiles };
    const result = await alternate(plan, {
      curl: async () => curlAndSum(whole),
      one: () => one.ask({ ...whole, connections: 1 }),
      ranges: () => one.ask({ ...whole, connections: 4 }),
      'in turn': () => many.ask({ ...parts, connections: 1 }),
      parallel: () => many.ask({ ...parts, connections: 4 }),
    });
    return report(result, { title, size });
  }).finally(() => rmSync(folder, { recursive: true, force: true }));
}

function report(result, { title, size }) {
  const row = (name, key, baseline) => ({
    name,
    p50: result[key].ms * 1000,
    mb_per_second: size / 1e3 / result[key].ms,
    peak_mb: result[key].peak_mb,
    payload_bytes: size,
    baseline,
    ratio: medianRatio(result[key], result[baseline], 'ms'),
  });
  // A ratio of times; of throughputs it is the inverse.
  const throughput = (key, of) => 1 / medianRatio(result[key], result[of], 'ms');
  const { shareOfCurl, peakMb, parallelTimes } = targets.download;
  return {
    id: 'axon-download',
    title: `${title}, ${size / 1e6} MB`,
    rows: [
      row('curl, then sha256sum', 'curl', 'curl'),
      row('axon, one connection', 'one', 'curl'),
      row('axon, four connections', 'ranges', 'curl'),
      row(`axon, ${manyFiles} files in turn`, 'in turn', 'curl'),
      row(`axon, ${manyFiles} files, four at once`, 'parallel', 'in turn'),
    ],
    checks: [
      check('axon, times the throughput of curl and sha256sum', throughput('ranges', 'curl'), {
        atLeast: shareOfCurl,
      }),
      check('the same over one connection', throughput('one', 'curl'), { atLeast: shareOfCurl }),
      check(
        `${manyFiles} files at once, times the throughput of one after another`,
        throughput('parallel', 'in turn'),
        {
          atLeast: parallelTimes,
        },
      ),
      check(
        'peak memory of the process that downloads',
        Math.max(
          ...['ranges', 'parallel'].flatMap((key) =>
            result[key].rounds.map((round) => round.peak_mb),
          ),
        ),
        { atMost: peakMb },
        'MB',
      ),
    ],
  };
}
