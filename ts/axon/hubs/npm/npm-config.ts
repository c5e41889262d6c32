import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import type { Credential } from '../../download/follow.ts';

/*
 * The registry's address and its tokens come from npm's own configuration, as npm reads it:
 * environment (npm_config_…) over the project's .npmrc over the user's. What none of them says is asked
 * of npm itself.
 */
const run = promisify(execFile);

export class NpmConfig {
  readonly #values: ReadonlyMap<string, string>;
  readonly #context: Context;

  constructor(context: Context) {
    const { env, cwd } = context;
    this.#context = context;
    const userFile = env['npm_config_userconfig'] ?? path.join(env['HOME'] ?? '', '.npmrc');
    const values = new Map([
      ...readNpmrc(userFile, env),
      ...readNpmrc(path.join(cwd, '.npmrc'), env),
    ]);
    for (const [key, value] of Object.entries(env)) {
      const name = /^npm_config_(.+)$/i.exec(key)?.[1];
      if (name !== undefined && value !== undefined)
        values.set(name.startsWith('/') ? name : name.toLowerCase(), value);
    }
    this.#values = values;
  }

  /** The address that serves the package, ending in `/`. */
  async registryFor(packageName: string): Promise<string> {
    const scope = packageName.startsWith('@')
      ? packageName.slice(0, packageName.indexOf('/'))
      : null;
    const scoped = scope === null ? undefined : this.#values.get(`${scope}:registry`);
    const text = scoped ?? this.#values.get('registry') ?? (await this.#ask());
    if (!/^https?:\/\//.test(text))
      throw new AxonError(
        'INVALID_CONFIG',
        `npm's configuration names no registry address (${JSON.stringify(text)}). Set one with \`npm config set registry\`.`,
      );
    return text.endsWith('/') ? text : `${text}/`;
  }

  async #ask(): Promise<string> {
    const { env, cwd, signal } = this.#context;
    try {
      const { stdout } = await run('npm', ['config', 'get', 'registry'], {
        env,
        cwd,
        signal,
        timeout: 30_000,
      });
      return stdout.trim();
    } catch (error) {
      throw new AxonError(
        'INVALID_CONFIG',
        'The npm registry address is unknown: npm could not be asked. Set npm_config_registry.',
        { cause: error },
      );
    }
  }

  /** npm's rule: settings `//host/path/:_authToken` count for addresses below that path. */
  credentialFor(registry: string): Credential | null {
    const url = new URL(registry);
    let folder = url.pathname;
    while (folder !== '') {
      const prefix = `//${url.host}${folder}`;
      const authorization = this.#authorization(prefix);
      if (authorization !== null) return { authorization, scope: `${url.protocol}${prefix}` };
      folder = folder.slice(0, folder.slice(0, -1).lastIndexOf('/') + 1);
    }
    return null;
  }

  #authorization(prefix: string): string | null {
    const token = this.#values.get(`${prefix}:_authToken`);
    if (token !== undefined) return `Bearer ${token}`;
    const basic = this.#values.get(`${prefix}:_auth`);
    if (basic !== undefined) return `Basic ${basic}`;
    const user = this.#values.get(`${prefix}:username`);
    const password = this.#values.get(`${prefix}:_password`);
    if (user === undefined || password === undefined) return null;
    const clear = `${user}:${Buffer.from(password, 'base64').toString('utf8')}`;
    return `Basic ${Buffer.from(clear).toString('base64')}`;
  }
}

function readNpmrc(file: string, env: NodeJS.ProcessEnv): Map<string, string> {
  const values = new Map<string, string>();
  let text = '';
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    // No such file: nothing set.
  }
  for (const line of text.split('\n')) {
    const match = /^\s*([^;#=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const bare = match[2].replace(/^"(.*)"$/, '$1');
    values.set(
      match[1],
      bare.replace(/\$\{([^}]+)\}/g, (all, name: string) => env[name] ?? all),
    );
  }
  return values;
}
