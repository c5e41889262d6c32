import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** Why the real registry server cannot run here, or false. It comes with `apt-get install docker-registry`. */
export const noRegistry: string | false =
  spawnSync('docker-registry', ['--version']).error === undefined
    ? false
    : 'docker-registry is not installed';

/** A registry server of its own on a free port of this machine, with its data in a temporary folder. */
export async function startRegistry(
  context: TestContext,
  htpasswd?: string,
): Promise<{ readonly host: string }> {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-registry-'));
  const config = path.join(dir, 'config.yml');
  const users = path.join(dir, 'users');
  if (htpasswd !== undefined) fs.writeFileSync(users, htpasswd);
  const auth = htpasswd === undefined ? '' : `auth: {htpasswd: {realm: test, path: ${users}}}\n`;
  fs.writeFileSync(
    config,
    `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${dir}/data}}\nhttp: {addr: '127.0.0.1:0'}\n${auth}`,
  );
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  });
  context.after(async () => {
    const ended = new Promise((done) => child.once('exit', done));
    if (child.exitCode === null && child.kill()) await ended;
    fs.rmSync(dir, { recursive: true, force: true });
  });
  let said = '';
  const host = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const address = /listening on 127\.0\.0\.1:(\d+)/.exec(said)?.[1];
      if (address !== undefined) resolve(`127.0.0.1:${address}`);
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`docker-registry ended: ${said}`)));
  });
  return { host };
}
