import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HubDouble } from '../../testing/hub-double/hub-double.ts';

const main = fileURLToPath(new URL('../main.js', import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface Home {
  readonly dir: string;
  readonly models: string;
  axon(...argv: string[]): Promise<Ended>;
  axonWith(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ended>;
  /** Files below the models folder; empty means that nothing is visible. */
  installed(): string[];
}

/** A home of its own for one test, with quick retries and the double as its hubs. */
export function makeHome(context: TestContext, double?: HubDouble): Home {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-test-'));
  context.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  const config = 'download:\n  retry_wait_ms: 5\n  max_retries: 3\n  stall_seconds: 1\n';
  fs.writeFileSync(path.join(dir, 'config.yaml'), config);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: dir,
    AXON_HOME: dir,
    ...(double === undefined ? {} : { HF_ENDPOINT: double.hf, npm_config_registry: double.npm }),
  };
  const models = path.join(dir, 'cache', 'models');
  const axonWith: Home['axonWith'] = (more, ...argv) => runAxon(argv, { ...env, ...more }, dir);
  return {
    dir,
    models,
    axonWith,
    axon: (...argv) => axonWith({}, ...argv),
    installed: () => (fs.existsSync(models) ? fs.readdirSync(models) : []),
  };
}

function runAxon(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...argv], { env, cwd, timeout: 60_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) =>
      resolve({ status, stdout, stderr, json: <T>() => JSON.parse(stdout) as T }),
    );
  });
}
