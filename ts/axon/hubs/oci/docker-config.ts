import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { AxonError, errnoOf } from '../../axon-error.ts';
import type { Context } from '../../context.ts';

/*
 * User name and password of a registry, from where `docker login` put them: `auths` in
 * ~/.docker/config.json, or the helper program that is named there (`docker-credential-<name>`).
 */
interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: unknown }>>;
  readonly credHelpers?: Readonly<Record<string, unknown>>;
  readonly credsStore?: unknown;
}

/** The `Basic` credential for the registry, or null: nobody logged in. */
export async function registryLogin(registry: string, context: Context): Promise<string | null> {
  const config = readConfig(context.env);
  const names = registry === 'docker.io' ? ['index.docker.io', 'docker.io'] : [registry];
  const keys = Object.keys(config.auths ?? {}).filter((key) => names.includes(hostOf(key)));
  for (const key of keys) {
    const auth = config.auths?.[key]?.auth;
    if (typeof auth === 'string' && auth !== '') return `Basic ${auth}`;
  }
  const helper = names.map((name) => config.credHelpers?.[name]).find((name) => name !== undefined);
  const program = helper ?? (keys.length > 0 ? config.credsStore : undefined);
  if (typeof program !== 'string' || !/^[A-Za-z0-9._-]+$/.test(program)) return null;
  return askHelper(program, keys[0] ?? registry, context);
}

const hostOf = (key: string) => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

function readConfig(env: NodeJS.ProcessEnv): DockerConfig {
  const folder = env['DOCKER_CONFIG'] || path.join(env['HOME'] ?? '', '.docker');
  const file = path.join(folder, 'config.json');
  try {
    const value = JSON.parse(fs.readFileSync(file, 'utf8')) as unknown;
    return typeof value === 'object' && value !== null ? (value as DockerConfig) : {};
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return {};
    throw new AxonError('INVALID_CONFIG', `${file} cannot be read as JSON.`, { cause: error });
  }
}

function askHelper(name: string, key: string, context: Context): Promise<string | null> {
  const { env, signal } = context;
  const program = `docker-credential-${name}`;
  return new Promise((resolve, reject) => {
    const child = execFile(program, ['get'], { env, signal, timeout: 30_000 }, (error, stdout) => {
      if (error !== null) {
        // The helpers say "not found" in words of their own and end with 1: then there is no login.
        if (error.code === 1) resolve(null);
        else reject(helperFailed(program, error));
        return;
      }
      try {
        const { Username, Secret } = JSON.parse(stdout) as Record<string, unknown>;
        resolve(`Basic ${Buffer.from(`${Username}:${Secret}`).toString('base64')}`);
      } catch (cause) {
        reject(helperFailed(program, cause));
      }
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(key);
  });
}

function helperFailed(program: string, cause: unknown): AxonError {
  return new AxonError(
    'INVALID_CONFIG',
    `${program}, which Docker's configuration names, gave no password. Log in again with docker login.`,
    { cause },
  );
}
