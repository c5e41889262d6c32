import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import {
  type ConfigName,
  type ConfigValue,
  configKeys,
  configNames,
  environmentName,
} from './keys.ts';
import { readConfigValue } from './value.ts';

/** Flags win over the environment, that over the file, that over the defaults. */
export type ConfigSource = 'flag' | 'environment' | 'file' | 'default';

interface Entry {
  readonly value: unknown;
  readonly source: ConfigSource;
  /** The variable, flag or file that set it. */
  readonly origin: string;
}

/** The effective configuration, each value with where it came from. */
export class Config {
  readonly #entries: ReadonlyMap<ConfigName, Entry>;
  /** The file that was read, or null. */
  readonly file: string | null;

  constructor(entries: ReadonlyMap<ConfigName, Entry>, file: string | null) {
    this.#entries = entries;
    this.file = file;
  }

  get<N extends ConfigName>(name: N): ConfigValue<N> {
    return this.#entries.get(name)?.value as ConfigValue<N>;
  }

  source(name: ConfigName): ConfigSource {
    return this.#entries.get(name)?.source ?? 'default';
  }

  entries(): readonly (Entry & { readonly name: ConfigName })[] {
    return configNames.map((name) => ({
      name,
      ...(this.#entries.get(name) ?? { value: null, source: 'default', origin: '' }),
    }));
  }
}

export interface ConfigInput {
  /** `--config`. */
  readonly file?: string | undefined;
  /** Settings from flags, by name. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder that relative paths are resolved against. */
  readonly workingDirectory: string;
}

function findFile(input: ConfigInput): string | null {
  const named = input.file ?? input.environment['MLOS_CONFIG'];
  if (named !== undefined && named !== '') {
    const path = resolve(input.workingDirectory, named);
    if (!existsSync(path)) {
      throw new MlosError('INVALID_ARGUMENT', `The configuration file ${path} does not exist.`);
    }
    return path;
  }
  const places = [
    join(input.workingDirectory, 'mlos-core.yaml'),
    join(homedir(), '.mlos', 'mlos-core.yaml'),
    '/etc/mlos/mlos-core.yaml',
  ];
  return places.find((path) => existsSync(path)) ?? null;
}

/** The nearest name; where nothing is near, all of the section or, last, where the list is. */
function hint(name: string): string {
  const near = didYouMean(name, configNames);
  if (near !== '') return near;
  const section = configNames.filter((known) => known.startsWith(`${name.split('.')[0]}.`));
  const names = section.length > 0 ? section : configNames;
  return ` There are: ${names.join(', ')}.`;
}

export function parseConfigName(name: string, source: string): ConfigName {
  if (Object.hasOwn(configKeys, name)) return name as ConfigName;
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${source}: unknown setting ${JSON.stringify(name)}.${hint(name)}`,
  );
}

/** `{api: {http: {port: 1}}}` → `api.http.port = 1`. */
function flattenYaml(value: unknown, prefix: string, out: Map<string, unknown>): void {
  const isSection = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isSection || Object.hasOwn(configKeys, prefix)) {
    out.set(prefix, value);
    return;
  }
  for (const [key, inner] of Object.entries(value)) {
    flattenYaml(inner, prefix === '' ? key : `${prefix}.${key}`, out);
  }
}

async function readFileEntries(path: string): Promise<Map<string, unknown>> {
  // Loaded only where there is a file to read: the YAML reader is memory that an idle daemon keeps.
  const { parseBoundedYaml } = await import('../../protocol/manifest-yaml.ts');
  const out = new Map<string, unknown>();
  let tree: unknown;
  try {
    tree = parseBoundedYaml(readFileSync(path, 'utf8'), path);
  } catch (error) {
    throw new MlosError('INVALID_ARGUMENT', MlosError.from(error).message, { cause: error });
  }
  if (tree === null || tree === undefined) return out;
  if (typeof tree !== 'object' || Array.isArray(tree)) {
    throw new MlosError('INVALID_ARGUMENT', `${path}: expected a map such as "api: …" at the top.`);
  }
  flattenYaml(tree, '', out);
  return out;
}

/** Reads all sources. Throws INVALID_ARGUMENT naming the source, the key and what would be right. */
export async function loadConfig(input: ConfigInput): Promise<Config> {
  const entries = new Map<ConfigName, Entry>();
  const put = (name: ConfigName, value: unknown, source: ConfigSource, origin: string): void => {
    entries.set(name, { value: readConfigValue(name, value, origin), source, origin });
  };
  for (const name of configNames) {
    entries.set(name, { value: configKeys[name].default, source: 'default', origin: 'built in' });
  }
  const file = findFile(input);
  const fileEntries = file === null ? [] : await readFileEntries(file);
  for (const [key, value] of fileEntries) {
    if (value !== null) put(parseConfigName(key, file ?? ''), value, 'file', file ?? '');
  }
  for (const name of configNames) {
    const variable = environmentName(name);
    const value = input.environment[variable];
    if (value !== undefined && value !== '') put(name, value, 'environment', variable);
  }
  for (const [key, value] of Object.entries(input.flags ?? {})) {
    if (value !== undefined)
      put(parseConfigName(key, 'command line'), value, 'flag', 'command line');
  }
  return new Config(resolvePaths(entries, input.workingDirectory), file);
}

const pathNames = new Set<ConfigName>([
  'core.data_dir',
  'api.ipc.socket_path',
  'api.http.socket_path',
  'api.http.tls.cert',
  'api.http.tls.key',
  'api.http.tls.client_ca',
  'api.grpc.socket_path',
  'api.grpc.tls.cert',
  'api.grpc.tls.key',
  'api.grpc.tls.client_ca',
  'logging.file',
  'security.trusted_keys',
]);

function resolvePaths(
  entries: ReadonlyMap<ConfigName, Entry>,
  workingDirectory: string,
): ReadonlyMap<ConfigName, Entry> {
  const out = new Map(entries);
  for (const name of pathNames) {
    const entry = out.get(name);
    if (entry === undefined || entry.value === '') continue;
    const full = (path: unknown) =>
      resolve(workingDirectory, String(path).replace(/^~(?=\/|$)/, homedir()));
    const { value } = entry;
    out.set(name, { ...entry, value: Array.isArray(value) ? value.map(full) : full(value) });
  }
  return out;
}
