import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { runProgram } from '../../axon/program.ts';
import { explain } from '../../protocol/explain-schema.ts';
import type { JsonSchema } from '../../protocol/json-schema.ts';
import type { HubDouble } from '../hub-double/hub-double.ts';

const main = fileURLToPath(new URL('../../axon/main.js', import.meta.url));

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
  /** A command line run in this process: the same but for main.ts, and no start of Node each time. */
  axon(...argv: string[]): Promise<Ended>;
  axonWith(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ended>;
  /** The built program in a process of its own. */
  spawned(...argv: string[]): Promise<Ended>;
  spawnedIn(env: NodeJS.ProcessEnv, ...argv: string[]): Promise<Ended>;
  /** The same, not waited for: to be stopped on the way. */
  start(...argv: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> };
  /** With a module in it that is loaded first, by its text. */
  spawnedWith(module: string, ...argv: string[]): Promise<Ended>;
  /** Files below the models folder; empty means that nothing is visible. */
  installed(): string[];
}

/** A home of its own for one test, with quick retries and the double as its hubs. */
export function makeHome(context: TestContext, double?: HubDouble): Home {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'axon-test-'));
  context.after(() => {
    try {
      requireValidManifests(path.join(dir, 'cache', 'models'));
    } finally {
      fs.rmSync(dir, { recursive: true, force: true });
    }
  });
  const config = 'download:\n  retry_wait_ms: 5\n  max_retries: 3\n  stall_seconds: 1\n';
  fs.writeFileSync(path.join(dir, 'config.yaml'), config);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: dir,
    AXON_HOME: dir,
    ...double?.env,
  };
  const models = path.join(dir, 'cache', 'models');
  const axonWith: Home['axonWith'] = (more, ...argv) => runIn({ ...env, ...more }, dir, argv);
  const start: Home['start'] = (...argv) => startAxon(argv, env, dir);
  return {
    dir,
    models,
    axonWith,
    start,
    axon: (...argv) => axonWith({}, ...argv),
    spawned: (...argv) => start(...argv).ended,
    spawnedIn: (more, ...argv) => startAxon(argv, { ...env, ...more }, dir).ended,
    spawnedWith: (module, ...argv) => {
      const loaded = `--import data:text/javascript,${encodeURIComponent(module)}`;
      return startAxon(argv, { ...env, NODE_OPTIONS: loaded }, dir).ended;
    },
    installed: () => (fs.existsSync(models) ? fs.readdirSync(models) : []),
  };
}

/**
 * Every package that any test makes is one that the published schema describes. Tests that damage a
 * manifest are told by the note beside it, which holds the hash of what was installed.
 */
function requireValidManifests(models: string): void {
  if (!fs.existsSync(models)) return;
  for (const name of fs.readdirSync(models, { recursive: true }) as string[]) {
    if (path.basename(name) !== 'manifest.yaml') continue;
    const text = fs.readFileSync(path.join(models, name), 'utf8');
    const note = path.join(models, path.dirname(name), '.axon_metadata.json');
    if (!fs.existsSync(note) || !fs.readFileSync(note, 'utf8').includes(sha256(text))) continue;
    const problem = explain(publishedSchema, parse(text), 'the document');
    assert.equal(problem, null, `${name}: ${problem ?? ''}`);
  }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const publishedSchema = JSON.parse(
  fs.readFileSync(new URL('../../../docs/manifest.schema.json', import.meta.url), 'utf8'),
) as JsonSchema;

function startAxon(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
): ReturnType<Home['start']> {
  const child = spawn(process.execPath, [main, ...argv], { env, cwd, timeout: 60_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) =>
      resolve({ status, stdout, stderr, json: <T>() => JSON.parse(stdout) as T }),
    );
  });
  return { child, ended };
}

async function runIn(env: NodeJS.ProcessEnv, cwd: string, argv: readonly string[]): Promise<Ended> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const status = await runProgram(argv, {
    env,
    cwd,
    stdin: Readable.from([]),
    stdout: out as unknown as NodeJS.WriteStream,
    stderr: err as unknown as NodeJS.WriteStream,
    signal: new AbortController().signal,
  });
  // Newer Nodes give one chunk a read, older ones all of them.
  const text = (stream: PassThrough) => {
    let all = '';
    for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) all += String(chunk);
    return all;
  };
  const [stdout, stderr] = [text(out), text(err)];
  return { status, stdout, stderr, json: <T>() => JSON.parse(stdout) as T };
}

/** A command line for what needs neither a home nor a hub. */
export function runHere(...argv: string[]): Promise<Ended> {
  return runIn({ AXON_HOME: path.join(os.tmpdir(), 'axon-test-none') }, os.tmpdir(), argv);
}
