import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { hashFile } from '../download/fetch-file.ts';
import { type HashOf, type Verification, verifyPackage } from '../package/verify.ts';
import { type Installed, listInstalled } from '../store/catalog.ts';
import { blobNames } from '../store/collect.ts';
import type { StoreLayout } from '../store/layout.ts';
import { strayText } from '../store/unreadable.ts';

export interface CheckedModel {
  readonly model: Installed;
  /** What is wrong with its files. */
  readonly found: Verification;
}

export interface StoreCheck {
  readonly blobs: number;
  /** Blobs whose bytes are not what their name says, and names that are no hash. */
  readonly damagedBlobs: readonly string[];
  readonly models: readonly CheckedModel[];
  /** Models whose manifest or note cannot be read, and why. */
  readonly broken: readonly { readonly model: Installed; readonly reason: string }[];
  /** What else is wrong in the folder of models, in words. */
  readonly others: readonly string[];
}

/** Hashes everything in the store, each content once however many names it has. Changes nothing. */
export async function checkStore(layout: StoreLayout, signal: AbortSignal): Promise<StoreCheck> {
  const hashOf = rememberingHash(signal);
  const damagedBlobs: string[] = [];
  let blobs = 0;
  for (const name of blobNames(layout)) {
    blobs += 1;
    if (!(await isBlob(layout.blob(name), name, hashOf))) damagedBlobs.push(name);
  }
  const models: CheckedModel[] = [];
  const broken: { model: Installed; reason: string }[] = [];
  const others: string[] = [];
  const installed = listInstalled(
    layout,
    ({ path: what, error }) => others.push(`${what} cannot be read: ${error.message}`),
    (dir) => others.push(strayText(dir)),
  );
  for (const model of installed) {
    try {
      models.push({ model, found: await verifyPackage(model.dir, signal, hashOf) });
    } catch (error) {
      signal.throwIfAborted();
      broken.push({ model, reason: AxonError.from(error).message });
    }
  }
  return { blobs, damagedBlobs, models, broken, others };
}

/** Whether under the name lies a file, and the content that it says. */
async function isBlob(file: string, name: string, hashOf: HashOf): Promise<boolean> {
  const isFile = fs.lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
  return isFile && /^[0-9a-f]{64}$/.test(name) && (await hashOf(file)) === name;
}

export function isWhole({ missing, damaged, extra }: Verification): boolean {
  return missing.length + damaged.length + extra.length === 0;
}

/** The files that have to be brought again, by name. */
export function brokenFiles({ missing, damaged }: Verification): readonly string[] {
  return [...missing, ...damaged];
}

function rememberingHash(signal: AbortSignal): HashOf {
  const known = new Map<string, Promise<string>>();
  return (file) => {
    const { dev, ino } = fs.statSync(path.resolve(file));
    const key = `${dev}:${ino}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const hash = hashFile(file, null, signal).then(({ sha256 }) => sha256);
    known.set(key, hash);
    return hash;
  };
}
