import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { makeFolder } from '../../protocol/make-folder.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import {
  type ConfigKey,
  configKeyNames,
  configKeys,
  formerKeys,
  isConfigKey,
  type KeyInfo,
} from './keys.ts';

export type ConfigValue = string | number | boolean;

function fail(message: string, cause?: unknown): never {
  throw new AxonError('INVALID_CONFIG', message, { cause });
}

/** The error for a key that is not one of ours; it names the nearest. */
export function unknownKey(key: string): AxonError {
  if (formerKeys.has(key))
    return new AxonError(
      'INVALID_CONFIG',
      `The key ${key} belongs to earlier releases and has no effect.`,
    );
  const hint = didYouMean(key, configKeyNames);
  return new AxonError(
    'INVALID_CONFIG',
    `Unknown configuration key ${JSON.stringify(key)}.${hint} \`axon config list\` shows all.`,
  );
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
}

/** Checks one value for one key; text from the command line is converted. */
export function readValue(key: ConfigKey, value: unknown): ConfigValue {
  const info: KeyInfo = configKeys[key];
  if (info.type === 'text') {
    return typeof value === 'string' ? value : fail(`${key} must be text.`);
  }
  if (info.type === 'endpoint') {
    if (isAddress(value) || (value === '' && info.default === '')) return value;
    return fail(`${key} must be an http or https address, not ${JSON.stringify(value)}.`);
  }
  if (info.type === 'boolean') {
    const flag = { true: true, false: false }[String(value)];
    return flag ?? fail(`${key} must be true or false, not ${JSON.stringify(value)}.`);
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = info;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return Number.isInteger(number) && (number as number) >= min && (number as number) <= max
    ? (number as number)
    : fail(`${key} must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}.`);
}

function flatten(value: unknown, prefix: string, out: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    out.set(prefix, value);
    return;
  }
  for (const [key, inner] of Object.entries(value))
    flatten(inner, prefix === '' ? key : `${prefix}.${key}`, out);
}

interface Tree {
  [name: string]: ConfigValue | Tree;
}

function plant(tree: Tree, [head = '', ...rest]: readonly string[], value: ConfigValue): void {
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = tree[head];
  const branch: Tree = typeof inner === 'object' ? inner : {};
  tree[head] = branch;
  plant(branch, rest, value);
}

/** config.yaml: values set by the user over defaults. Written whole, with mode 0600: it may hold tokens. */
export class Settings {
  readonly home: string;
  readonly file: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #set = new Map<ConfigKey, ConfigValue>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.home = path.resolve(env['AXON_HOME'] || path.join(env['HOME'] || homedir(), '.axon'));
    this.file = path.join(this.home, 'config.yaml');
  }

  static async load(env: NodeJS.ProcessEnv): Promise<Settings> {
    const settings = new Settings(env);
    let text: string;
    try {
      text = fs.readFileSync(settings.file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return settings;
      throw AxonError.from(error);
    }
    await settings.#read(text);
    return settings;
  }

  async #read(text: string): Promise<void> {
    const flat = new Map<string, unknown>();
    // The YAML library is loaded where there is something to read: most commands find no file.
    const { parseBoundedYaml } = await import('../../protocol/manifest-yaml.ts');
    try {
      flatten(parseBoundedYaml(text, this.file) ?? {}, '', flat);
    } catch (error) {
      fail(
        `${error instanceof Error ? error.message : String(error)} Correct or delete the file.`,
        error,
      );
    }
    flat.delete('');
    for (const [key, value] of flat) {
      if (isConfigKey(key)) this.#set.set(key, readValue(key, value));
      else if (!formerKeys.has(key))
        throw new AxonError('INVALID_CONFIG', `${this.file}: ${unknownKey(key).message}`);
    }
  }

  text(key: ConfigKey): string {
    return String(this.get(key));
  }

  number(key: ConfigKey): number {
    return Number(this.get(key));
  }

  get(key: ConfigKey): ConfigValue {
    return this.#set.get(key) ?? configKeys[key].default;
  }

  isSet(key: ConfigKey): boolean {
    return this.#set.has(key);
  }

  set(key: ConfigKey, value: ConfigValue): void {
    this.#set.set(key, value);
  }

  unset(key: ConfigKey): void {
    this.#set.delete(key);
  }

  get cacheDir(): string {
    const set = this.#env['AXON_CACHE_DIR'] || this.text('cache_dir');
    return set === '' ? path.join(this.home, 'cache') : path.resolve(set);
  }

  async save(): Promise<void> {
    const tree: Tree = {};
    for (const key of configKeyNames) {
      const value = this.#set.get(key);
      if (value !== undefined) plant(tree, key.split('.'), value);
    }
    const { stringify } = await import('yaml');
    makeFolder(this.home);
    const draft = `${this.file}.${process.pid}.new`;
    fs.writeFileSync(draft, stringify(tree), { mode: 0o600 });
    fs.renameSync(draft, this.file);
  }
}
