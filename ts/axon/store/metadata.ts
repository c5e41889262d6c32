import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { metadataName, type StoreLayout } from './layout.ts';
import { readText } from './read-text.ts';
import { replaceDurably, syncPath } from './sync.ts';

/** What was asked for when the model was installed: the source as typed and the choice of files. */
export interface Asked {
  readonly source: string;
  readonly choice: Readonly<Record<string, unknown>>;
}

/** Where axon itself brought the model from, whatever a package's manifest says of that. */
export interface Brought {
  /** Loose files, described by axon, or a package with the manifest of whoever made it. */
  readonly kind: 'files' | 'package';
  readonly hub: string;
  readonly id: string;
  readonly revision: string | null;
}

/** `.axon_metadata.json`: what is true of this installation only, so not part of the manifest. */
export interface Metadata {
  readonly installed_at: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly axon_version: string;
  readonly manifest_sha256: string;
  /** Absent of what earlier versions installed. */
  readonly asked?: Asked;
  /** Absent of what earlier versions installed. */
  readonly from?: Brought;
  /** `axon update` leaves it as it is. */
  readonly pinned?: true;
}

/** How a model is brought again of which nobody noted where it came from. */
export const bringAnew =
  '`axon install <where it came from> --as <its id> --force` brings it again.';

/** Null where it is not one of ours: earlier releases of another axon wrote less into the same file. */
export function readMetadata(dir: string): Metadata | null {
  const file = path.join(dir, metadataName);
  const value = parse(file);
  const { manifest_sha256, axon_version, installed_at, asked, from } = value;
  if (typeof manifest_sha256 !== 'string' || typeof axon_version !== 'string') return null;
  if (typeof installed_at !== 'string') return null;
  const { asked: _asked, from: _from, pinned, ...rest } = value;
  return {
    ...(rest as unknown as Metadata),
    ...(isAsked(asked) ? { asked } : {}),
    ...(isBrought(from) ? { from } : {}),
    ...(pinned === true ? { pinned } : {}),
  };
}

/** Whether a model is pinned. One whose note is damaged, and about to be replaced, is not. */
export function isPinned(dir: string): boolean {
  try {
    return readMetadata(dir)?.pinned === true;
  } catch {
    return false;
  }
}

function isAsked(value: unknown): value is Asked {
  if (typeof value !== 'object' || value === null) return false;
  const { source, choice } = value as Record<string, unknown>;
  return typeof source === 'string' && typeof choice === 'object' && choice !== null;
}

function isBrought(value: unknown): value is Brought {
  const { kind, hub, id, revision } = (value ?? {}) as Partial<Record<keyof Brought, unknown>>;
  return (
    (kind === 'files' || kind === 'package') &&
    typeof hub === 'string' &&
    typeof id === 'string' &&
    (revision === null || typeof revision === 'string')
  );
}

function parse(file: string): Record<string, unknown> {
  const broken = (cause?: unknown) =>
    new AxonError('INVALID_PACKAGE', `${file} is not what axon wrote. ${bringAnew}`, { cause });
  const text = readText(file, 64 * 1024);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(error);
  }
  if (typeof value !== 'object' || value === null) throw broken();
  return value as Record<string, unknown>;
}

/** Into a package in the making. */
export function writeMetadata(dir: string, metadata: Metadata): void {
  const file = path.join(dir, metadataName);
  fs.writeFileSync(file, `${JSON.stringify(metadata, null, 2)}\n`);
  syncPath(file);
}

/** Of an installed model. Whoever calls it holds the model's lock. */
export function replaceMetadata(layout: StoreLayout, dir: string, metadata: Metadata): void {
  fs.mkdirSync(layout.drafts, { recursive: true });
  const draft = path.join(layout.drafts, randomUUID());
  replaceDurably(path.join(dir, metadataName), `${JSON.stringify(metadata, null, 2)}\n`, draft);
}
