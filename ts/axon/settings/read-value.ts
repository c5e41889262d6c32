import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { type ConfigKey, configKeys, type KeyInfo } from './keys.ts';

export type ConfigValue = string | number | boolean;

/** What a value has to be, in words, where it is not that; else the value. */
type Read = (value: unknown, info: KeyInfo) => { readonly is: ConfigValue } | string;

const text: Read = (value) => (typeof value === 'string' ? { is: value } : 'text');

const readers: Readonly<Record<KeyInfo['type'], Read>> = {
  text,
  files: text,
  folder: (value) =>
    typeof value === 'string' && (value === '' || path.isAbsolute(value))
      ? { is: value }
      : 'an absolute path (a relative one changes with the working directory)',
  endpoint: (value, info) =>
    isAddress(value) || (value === '' && info.default === '')
      ? { is: value }
      : 'an http or https address',
  boolean(value) {
    const flag = { true: true, false: false }[String(value)];
    return flag === undefined ? 'true or false' : { is: flag };
  },
  number(value, { min = 0, max = Number.MAX_SAFE_INTEGER }) {
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return Number.isInteger(number) && (number as number) >= min && (number as number) <= max
      ? { is: number as number }
      : `a whole number from ${min} to ${max}`;
  },
};

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\/[^/]/.test(value) && URL.canParse(value);
}

/** Checks one value for one key; text is converted. */
export function readValue(key: ConfigKey, value: unknown): ConfigValue {
  const info: KeyInfo = configKeys[key];
  const read = readers[info.type](value, info);
  if (typeof read === 'object') return read.is;
  // What stands in the place of a token may be one.
  const given = info.secret === true ? '' : `, not ${JSON.stringify(value)}`;
  throw new AxonError('INVALID_CONFIG', `${key} must be ${read}${given}.`);
}

/** A value as a command line has it: its paths are those of the working directory. */
export function readTyped(key: ConfigKey, typed: string, cwd: string): ConfigValue {
  const { type }: KeyInfo = configKeys[key];
  const resolved = (file: string) => (file === '' ? '' : path.resolve(cwd, file));
  if (type === 'folder') return readValue(key, resolved(typed));
  if (type !== 'files') return readValue(key, typed);
  const files = typed.split(',').map((file) => resolved(file.trim()));
  return readValue(key, files.join(','));
}
