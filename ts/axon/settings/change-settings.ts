import fs from 'node:fs';
import { type Document, isMap, isScalar, parseDocument, YAMLMap } from 'yaml';
import { makeFolder } from '../../protocol/make-folder.ts';
import { AxonError, errnoOf } from '../axon-error.ts';
import type { Context } from '../context.ts';
import { acquireLock } from '../store/lock.ts';
import { replaceDurably, writeNew } from '../store/sync.ts';
import type { ConfigValue } from './read-value.ts';
import { Settings } from './settings.ts';

/** Nobody has config.yaml for longer than it takes to write it. */
const waitMs = 30_000;

/*
 * Changes one key of config.yaml.
 * 1. Reading, changing and putting into place happen under a lock, so that of two changes at once neither
 *    undoes the other.
 * 2. Only the key is touched: comments, order and what else stands there are its owner's.
 * 3. The file is whole at any time, and has mode 0600: it may hold tokens.
 * Null takes the key out. What is checked under the lock is `check`'s; the settings of then are given back.
 */
export async function changeSetting(
  key: string,
  value: ConfigValue | null,
  { processEnv, settings, output, signal }: Context,
  check: (now: Settings) => void = () => undefined,
): Promise<Settings> {
  const { file, home } = settings;
  makeFolder(home);
  const lock = await acquireLock(file, {
    waitMs,
    signal,
    onWait: () => output.note('Another axon changes config.yaml; waiting for it.'),
    about: 'config.yaml',
  });
  try {
    check(await Settings.read(processEnv));
    const document: Document = parseDocument(textOf(file));
    const keys = isMap(document.contents) ? document.contents : new YAMLMap(document.schema);
    if (keys.items.length === 0) keys.flow = false;
    document.contents = keys;
    if (value === null) takeOut(keys, key);
    else put(keys, key.split('.'), value);
    const draft = `${file}.${process.pid}.new`;
    replaceDurably(file, document.toString({ lineWidth: 0 }), draft, 0o600);
    return await Settings.read(processEnv);
  } finally {
    lock.release();
  }
}

/** A config.yaml to begin with, where there is none; says whether it made it. */
export function beginSettings({ home, file }: Settings): boolean {
  makeFolder(home);
  try {
    writeNew(file, '# `axon config list` shows what may stand here.\n', 0o600);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw AxonError.from(error);
  }
}

function textOf(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return '';
    throw AxonError.from(error);
  }
}

const nameOf = (key: unknown) => String(isScalar(key) ? key.value : key);

/** A key may stand as `a: {b: …}` or as `a.b: …`; what is left without a key goes, too. */
function takeOut(keys: YAMLMap, key: string): void {
  keys.items = keys.items.filter((pair) => {
    const name = nameOf(pair.key);
    if (name === key) return false;
    if (!isMap(pair.value) || !key.startsWith(`${name}.`)) return true;
    takeOut(pair.value, key.slice(name.length + 1));
    return pair.value.items.length > 0;
  });
}

/** Changes the value where it stands, else puts it in; a value in the place of a section makes way for it. */
function put(keys: YAMLMap, [head = '', ...rest]: readonly string[], value: ConfigValue): void {
  if (rest.length > 0) keys.delete([head, ...rest].join('.'));
  if (rest.length === 0) {
    keys.set(head, value);
    return;
  }
  const inner = keys.get(head);
  const branch = isMap(inner) ? inner : new YAMLMap(keys.schema);
  if (branch !== inner) keys.set(head, branch);
  put(branch, rest, value);
}
