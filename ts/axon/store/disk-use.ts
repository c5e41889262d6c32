import path from 'node:path';
import { formatModelId } from '../../protocol/model-id.ts';
import { AxonError } from '../axon-error.ts';
import { listInstalled, readManifest } from './catalog.ts';
import { blobNames } from './collect.ts';
import type { StoreLayout } from './layout.ts';
import { statOrNone } from './same-content.ts';
import { type OnUnreadable, unlessKeptBack } from './unreadable.ts';

export interface ModelUse {
  readonly id: string;
  readonly own_bytes: number;
  readonly shared_bytes: number;
}

interface Content {
  readonly size: number;
  readonly models: Set<string>;
}

/** Who holds which bytes, by the files themselves: two names of one file are counted once. */
export function diskUse(
  layout: StoreLayout,
  onUnreadable: OnUnreadable,
): { readonly models: readonly ModelUse[]; readonly unused: number; readonly bytes: number } {
  const contents = new Map<string, Content>();
  const note = (file: string, model: string | null) => {
    const facts = unlessKeptBack(file, undefined, onUnreadable, () => statOrNone(file));
    if (facts === undefined) return;
    const key = `${facts.dev}:${facts.ino}`;
    const content = contents.get(key) ?? { size: facts.size, models: new Set() };
    if (model !== null) content.models.add(model);
    contents.set(key, content);
  };
  const ids: string[] = [];
  for (const { id, dir } of listInstalled(layout, onUnreadable)) {
    const name = formatModelId(id);
    ids.push(name);
    try {
      for (const file of readManifest(dir).spec.format.files) note(path.join(dir, file.path), name);
    } catch (error) {
      onUnreadable({ path: name, error: AxonError.from(error) });
    }
  }
  for (const sha256 of blobNames(layout, onUnreadable)) note(layout.blob(sha256), null);
  const own = new Map<string, number>();
  const shared = new Map<string, number>();
  let [unused, bytes] = [0, 0];
  for (const { size, models } of contents.values()) {
    bytes += size;
    if (models.size === 0) unused += size;
    const into = models.size === 1 ? own : shared;
    for (const model of models) into.set(model, (into.get(model) ?? 0) + size);
  }
  const models = ids.map((id) => ({
    id,
    own_bytes: own.get(id) ?? 0,
    shared_bytes: shared.get(id) ?? 0,
  }));
  return { models, unused, bytes };
}
