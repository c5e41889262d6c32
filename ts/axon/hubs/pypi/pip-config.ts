import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { AxonError } from '../../axon-error.ts';
import type { Context } from '../../context.ts';
import type { Credential } from '../../download/follow.ts';

const run = promisify(execFile);

export interface PackageIndex {
  /** Ends in `/`; holds no password. */
  readonly url: string;
  readonly credential: Credential | null;
}

/*
 * The index's address comes from pip's own configuration: PIP_INDEX_URL, then its files as pip reads them
 * (later ones count more: system, user, environment). What none of them says is asked of pip itself, whose
 * help names the address that it uses.
 */
export async function packageIndex(context: Context): Promise<PackageIndex> {
  const { env } = context;
  const text = env['PIP_INDEX_URL'] || fromFiles(env) || (await askPip(context));
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new AxonError(
      'INVALID_CONFIG',
      `pip's configuration names no index that can be asked (${JSON.stringify(text)}). Set PIP_INDEX_URL to an http or https address.`,
    );
  const url = new URL(text);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  const clear = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const credential =
    username === ''
      ? null
      : {
          authorization: `Basic ${Buffer.from(clear).toString('base64')}`,
          scope: `${url.origin}/`,
        };
  return { url: url.href, credential };
}

function fromFiles(env: NodeJS.ProcessEnv): string {
  const named = env['PIP_CONFIG_FILE'];
  const home = env['HOME'] ?? '';
  const config = env['XDG_CONFIG_HOME'] || path.join(home, '.config');
  const systems = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':');
  const files = [
    ...systems.map((dir) => path.join(dir, 'pip/pip.conf')),
    '/etc/pip.conf',
    path.join(home, '.pip/pip.conf'),
    path.join(config, 'pip/pip.conf'),
    ...(env['VIRTUAL_ENV'] ? [path.join(env['VIRTUAL_ENV'], 'pip.conf')] : []),
    ...(named ? [named] : []),
  ];
  // pip's own way to say "no files at all".
  if (named === '/dev/null') return '';
  return files.map(indexOf).findLast((value) => value !== '') ?? '';
}

/** `index-url` of the section [global], or of [download], which counts more. */
function indexOf(file: string): string {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch {
    // No such file: nothing set.
    return '';
  }
  const values: Record<string, string> = {};
  let section = '';
  for (const line of text.split('\n')) {
    section = /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? section;
    const value = /^index[-_]url\s*[=:]\s*(\S+)/.exec(line.trim())?.[1];
    if (value !== undefined) values[section] = value;
  }
  return values['download'] ?? values['global'] ?? '';
}

async function askPip({ env, cwd, signal }: Context): Promise<string> {
  for (const [program, ...start] of [['pip3'], ['pip'], ['python3', '-m', 'pip']] as const) {
    try {
      const { stdout } = await run(program, [...start, 'download', '--help'], {
        env,
        cwd,
        signal,
        timeout: 30_000,
      });
      const words = stdout.replace(/\s+/g, ' ');
      const address = /--index-url <url> [^()]*\(default ?(https?:\/\/[^\s)]+)\)/.exec(words)?.[1];
      if (address !== undefined) return address;
    } catch {
      signal.throwIfAborted();
      // Not installed under this name: the next one.
    }
  }
  throw new AxonError(
    'INVALID_CONFIG',
    'The address of the Python package index is unknown: there is no pip to ask. Set PIP_INDEX_URL.',
  );
}
