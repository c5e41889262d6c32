import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { type Dtype, dtypeNames } from '../protocol/dtype.ts';
import { MlosError } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { parseBoundedYaml } from '../protocol/manifest-yaml.ts';
import { didYouMean } from '../protocol/nearest.ts';
import { smiLimits } from './smi-limits.ts';

/*
 * plugin.yaml: what a plugin is called, which formats it runs and how it is started.
 */
export const pluginManifestName = 'plugin.yaml';
const apiVersion = 'mlos.io/smi/v1';

export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly frameworks: readonly string[];
  readonly formats: readonly string[];
  readonly dtypes: readonly Dtype[];
  readonly command: readonly string[];
  readonly concurrency: number | null;
}

const keys = [
  'apiVersion',
  'kind',
  'name',
  'version',
  'description',
  'frameworks',
  'formats',
  'dtypes',
  'command',
  'concurrency',
];

function fail(what: string, key: string, received: unknown, right: string): never {
  const came = received === undefined ? 'nothing' : (JSON.stringify(received) ?? String(received));
  throw new MlosError(
    'INVALID_MANIFEST',
    `${what}: ${key}: ${came.slice(0, 200)} came; expected ${right}.`,
    { details: { key, expected: right } },
  );
}

/** Names and versions together form a plugin id, so both keep to its grammar. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,62}$/;

class Fields {
  readonly #what: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(what: string, value: unknown) {
    this.#what = what;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      fail(what, 'the document', value, 'a map of keys');
    }
    this.#fields = value as Record<string, unknown>;
    const strange = Object.keys(value).find((key) => !keys.includes(key));
    if (strange !== undefined) {
      throw new MlosError(
        'INVALID_MANIFEST',
        `${what}: ${JSON.stringify(strange.slice(0, 100))} is no key of plugin.yaml.` +
          `${didYouMean(strange, keys)} Known: ${keys.join(', ')}.`,
      );
    }
  }

  literal(key: string, right: string): void {
    if (this.#fields[key] !== right) fail(this.#what, key, this.#fields[key], right);
  }

  word(key: string, pattern: RegExp, right: string): string {
    const value = this.#fields[key];
    if (typeof value !== 'string' || !pattern.test(value)) fail(this.#what, key, value, right);
    return value;
  }

  text(key: string): string {
    const value = this.#fields[key] ?? '';
    if (typeof value !== 'string' || value.length > limits.reasonLength) {
      fail(this.#what, key, value, `a text of up to ${limits.reasonLength} characters`);
    }
    return value;
  }

  list(key: string, right: string, options: { minimum: number; length: number }): string[] {
    const value = this.#fields[key] ?? [];
    const fits =
      Array.isArray(value) &&
      value.length >= options.minimum &&
      value.length <= smiLimits.words &&
      value.every(
        (item) => typeof item === 'string' && item !== '' && item.length <= options.length,
      );
    if (!fits) fail(this.#what, key, this.#fields[key], right);
    return value;
  }

  dtypes(): Dtype[] {
    const right = `a list of ${dtypeNames.join(', ')}`;
    const list = this.list('dtypes', right, { minimum: 0, length: smiLimits.wordLength });
    const strange = list.find((name) => !dtypeNames.includes(name as Dtype));
    if (strange !== undefined) fail(this.#what, 'dtypes', strange, right);
    return list as Dtype[];
  }

  concurrency(): number | null {
    const value = this.#fields['concurrency'];
    if (value === undefined) return null;
    const right = `a whole number from 1 to ${smiLimits.concurrency}`;
    const fits = typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
    if (!fits || value > smiLimits.concurrency) fail(this.#what, 'concurrency', value, right);
    return value;
  }
}

/** Reads a plugin.yaml. Throws INVALID_MANIFEST naming the key, what came and what would be right. */
export function parsePluginManifest(text: string, what = pluginManifestName): PluginManifest {
  const fields = new Fields(what, parseBoundedYaml(text, what));
  const word = { minimum: 1, length: smiLimits.wordLength };
  fields.literal('apiVersion', apiVersion);
  fields.literal('kind', 'Plugin');
  return {
    name: fields.word('name', namePattern, 'letters, digits, ".", "_", "-", such as onnx'),
    version: fields.word('version', versionPattern, 'a version in quotes, such as "1.0.0"'),
    description: fields.text('description'),
    frameworks: fields.list('frameworks', 'a list such as [onnx]', { ...word, minimum: 0 }),
    formats: fields.list('formats', 'a list of execution formats, such as [onnx]', word),
    dtypes: fields.dtypes(),
    command: fields.list('command', 'a list [program, argument, …], such as [node, main.js]', {
      minimum: 1,
      length: 4_096,
    }),
    concurrency: fields.concurrency(),
  };
}

/**
 * The command as it is run: `node` is the running Node; what is a file of the folder becomes an
 * absolute path; the rest (options, programs on PATH) stays as it is.
 */
export function resolveCommand(command: readonly string[], folder: string): string[] {
  return command.map((part, index) => {
    if (index === 0 && part === 'node') return process.execPath;
    if (isAbsolute(part) || part.startsWith('-')) return part;
    const inFolder = resolve(folder, part);
    return part.startsWith('.') || existsSync(inFolder) ? inFolder : part;
  });
}
