import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { didYouMean } from '../../protocol/nearest.ts';
import { shellWord } from '../../protocol/shell-word.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import { type ConfigKey, configKeyNames, configKeys, formerKeys, isConfigKey } from './keys.ts';
import { type ConfigValue, readValue } from './read-value.ts';

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

function flatten(value: unknown, prefix: string, out: Map<string, unknown>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    out.set(prefix, value);
    return;
  }
  for (const [key, inner] of Object.entries(value))
    flatten(inner, prefix === '' ? key : `${prefix}.${key}`, out);
}

/** config.yaml: values set by the user over defaults. change-settings.ts writes it. */
export class Settings {
  readonly home: string;
  readonly file: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #set = new Map<ConfigKey, ConfigValue>();
  readonly #wrong = new Map<string, AxonError>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
    this.home = path.resolve(env['AXON_HOME'] || path.join(env['HOME'] || homedir(), '.axon'));
    this.file = path.join(this.home, 'config.yaml');
  }

  /** For whoever needs them right: what is wrong in the file is an error. */
  static async load(env: NodeJS.ProcessEnv): Promise<Settings> {
    const settings = await Settings.read(env);
    const [wrong] = settings.wrong.values();
    if (wrong !== undefined) throw wrong;
    return settings;
  }

  /** For whoever mends them: what is wrong in the file is set apart, and has no effect. */
  static async read(env: NodeJS.ProcessEnv): Promise<Settings> {
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
    if (flat.has(''))
      fail(`${this.file} is no list of keys and values. Correct or delete the file.`);
    for (const [key, value] of flat) {
      if (formerKeys.has(key)) continue;
      try {
        if (!isConfigKey(key)) throw unknownKey(key);
        this.#set.set(key, readValue(key, value));
      } catch (thrown) {
        const { message } = AxonError.from(thrown);
        const remedy = `\`axon config unset ${shellWord(key)}\` takes it out of the file.`;
        this.#wrong.set(key, new AxonError('INVALID_CONFIG', `${this.file}: ${message} ${remedy}`));
      }
    }
  }

  /** Keys of the file that are not ours or have a value that cannot be, and what is to be said of each. */
  get wrong(): ReadonlyMap<string, AxonError> {
    return this.#wrong;
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

  get cacheDir(): string {
    const set = this.#env['AXON_CACHE_DIR'] || this.text('cache_dir');
    return set === '' ? path.join(this.home, 'cache') : path.resolve(set);
  }
}
