import { MlosError } from '../../protocol/errors.ts';
import { type ConfigKey, type ConfigName, configKeys } from './keys.ts';

const trueWords = new Set(['true', '1', 'yes', 'on']);
const falseWords = new Set(['false', '0', 'no', 'off']);

function fail(name: ConfigName, value: unknown, expected: string, source: string): never {
  throw new MlosError(
    'INVALID_ARGUMENT',
    `${source}: ${name} is ${JSON.stringify(value)}, but must be ${expected}.`,
  );
}

function readBoolean(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const word = String(value).toLowerCase();
  if (trueWords.has(word)) return true;
  return falseWords.has(word) ? false : null;
}

function readList(value: unknown): readonly string[] | null {
  const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
  if (!Array.isArray(items) || items.some((item) => typeof item !== 'string')) return null;
  return items.filter((item: string) => item !== '');
}

const cpuLimit = 4096;

/** `0,2-3`, or a list of numbers and such texts; ascending, each once. */
function readCpus(value: unknown): readonly number[] | null {
  const items = Array.isArray(value) ? value : String(value).split(',');
  const cpus = new Set<number>();
  for (const item of items) {
    const text = String(item).trim();
    if (text === '') continue;
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) >= cpuLimit)
      return null;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.add(cpu);
  }
  return [...cpus].sort((a, b) => a - b);
}

function readInteger(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** One value as its key wants it, from text (environment, flags) or YAML. Throws INVALID_ARGUMENT. */
export function readConfigValue(name: ConfigName, value: unknown, source: string): unknown {
  const key: ConfigKey<unknown> = configKeys[name];
  switch (key.type) {
    case 'boolean':
      return readBoolean(value) ?? fail(name, value, 'true or false', source);
    case 'integer': {
      const number = readInteger(value);
      const { min = 0, max = Number.MAX_SAFE_INTEGER } = key;
      if (number === null || number < min || number > max) {
        fail(name, value, `an integer from ${min} to ${max}`, source);
      }
      return number;
    }
    case 'choice': {
      const text = String(value);
      if (key.choices?.includes(text) !== true) {
        fail(name, value, `one of ${key.choices?.join(', ')}`, source);
      }
      return text;
    }
    case 'list':
      return readList(value) ?? fail(name, value, 'a list of texts', source);
    case 'cpus':
      return readCpus(value) ?? fail(name, value, 'CPU numbers such as 2,4-7', source);
    default:
      if (typeof value === 'string' || typeof value === 'number') return String(value);
      return fail(name, value, 'a text', source);
  }
}
