import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { findPlugin } from '../plugin/choose.ts';
import type { PluginDescriptor } from '../plugin/descriptor.ts';
import { discoverPlugins, readPluginFolder } from '../plugin/discover.ts';
import { assertTrustedCommand, assertTrustedPath } from '../security/owned-path.ts';
import type { PluginRecord } from './model-record.ts';
import type { RecordStore } from './record-store.ts';

const prefix = 'plugin/';

export type PluginSource = 'builtin' | 'folder' | 'registered';

export interface CatalogEntry {
  readonly descriptor: PluginDescriptor;
  readonly source: PluginSource;
}

export interface BrokenPlugin {
  readonly folder: string;
  readonly reason: string;
}

/** Only the daemon's user and root may decide what the plugin of a folder runs. */
async function assertTrusted(descriptor: PluginDescriptor): Promise<void> {
  await assertTrustedPath(join(descriptor.folder, 'plugin.yaml'), 'The plugin');
  await assertTrustedCommand(descriptor.command, `The program of plugin ${descriptor.id}`);
}

async function readTrusted(folder: string): Promise<PluginDescriptor> {
  // Nothing of what others may have written is read, so no error quotes it.
  await assertTrustedPath(join(folder, 'plugin.yaml'), 'The plugin');
  const descriptor = await readPluginFolder(folder);
  await assertTrusted(descriptor);
  return descriptor;
}

/**
 * Which plugins exist: built in, found in the plugin folders (they register themselves), and
 * registered by a caller (durable). Which of them run is not its business.
 */
export class PluginCatalog {
  readonly #store: RecordStore;
  readonly #maxPlugins: number;
  readonly #entries = new Map<string, CatalogEntry>();
  /** Record id → folder, of every plugin that a caller registered. */
  readonly #records = new Map<string, string>();
  /** Record id → why it cannot be used, of records that the last start could not bring back. */
  readonly #lost = new Map<string, BrokenPlugin>();
  readonly #broken: BrokenPlugin[] = [];
  readonly #corrupted: string[] = [];

  private constructor(store: RecordStore, maxPlugins: number) {
    this.#store = store;
    this.#maxPlugins = maxPlugins;
  }

  static async open(options: {
    readonly store: RecordStore;
    readonly builtinFolder: string;
    readonly folders: readonly string[];
    readonly maxPlugins: number;
  }): Promise<PluginCatalog> {
    const catalog = new PluginCatalog(options.store, options.maxPlugins);
    await catalog.#discover([options.builtinFolder], 'builtin');
    await catalog.#discover(options.folders, 'folder');
    await catalog.#recall();
    return catalog;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Folders that look like plugins but cannot be used, with the reason. */
  get broken(): readonly BrokenPlugin[] {
    return [...this.#broken, ...this.#lost.values()];
  }

  get corrupted(): readonly string[] {
    return this.#corrupted;
  }

  list(): readonly CatalogEntry[] {
    return [...this.#entries.values()].sort((a, b) => (a.descriptor.id < b.descriptor.id ? -1 : 1));
  }

  /** By `name@version`, or by name for its newest version. Errors: PLUGIN_NOT_FOUND. */
  resolve(id: string): CatalogEntry {
    const direct = this.#entries.get(id);
    if (direct !== undefined) return direct;
    const all = this.list();
    const { id: found } = findPlugin(
      all.map((entry) => entry.descriptor),
      id,
    );
    return all.find((entry) => entry.descriptor.id === found) as CatalogEntry;
  }

  /**
   * Registers the plugin of a folder after `check` has seen what its plugin.yaml says. Durable when it
   * resolves; the same folder again is a no-op.
   */
  async register(
    folder: string,
    check: (descriptor: PluginDescriptor) => void,
  ): Promise<CatalogEntry> {
    const descriptor = await readTrusted(folder);
    check(descriptor);
    const existing = this.#entries.get(descriptor.id);
    if (existing !== undefined) {
      if (existing.descriptor.folder === descriptor.folder) return existing;
      throw new MlosError(
        'ALREADY_EXISTS',
        `Plugin ${descriptor.id} is registered from ${existing.descriptor.folder}. Unregister it, or give this one another version.`,
      );
    }
    if (this.#entries.size >= this.#maxPlugins) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#maxPlugins} plugins are registered, which is the limit (core.max_plugins).`,
      );
    }
    const record: PluginRecord = {
      id: descriptor.id,
      folder: descriptor.folder,
      registeredAt: new Date().toISOString(),
    };
    this.#store.put(prefix + descriptor.id, record);
    this.#records.set(descriptor.id, descriptor.folder);
    this.#lost.delete(descriptor.id);
    const entry: CatalogEntry = { descriptor, source: 'registered' };
    this.#entries.set(descriptor.id, entry);
    return entry;
  }

  /** What `unregister` takes for an id or a name. Errors: PLUGIN_NOT_FOUND. */
  registeredId(id: string): string {
    return this.#lost.has(id) ? id : this.resolve(id).descriptor.id;
  }

  /** Forgets a plugin that was registered, whether it can be used or not. Its files stay. */
  unregister(id: string): void {
    if (this.#lost.has(id)) {
      this.#forget(id);
      return;
    }
    const { source, descriptor } = this.resolve(id);
    if (source !== 'registered') {
      throw new MlosError(
        'FAILED_PRECONDITION',
        source === 'builtin'
          ? `Plugin ${descriptor.id} is built in and cannot be unregistered.`
          : `Plugin ${descriptor.id} registers itself from ${descriptor.folder}. Move that folder away and restart the daemon.`,
      );
    }
    // A plugin.yaml whose version has changed leaves a record under each id that it had.
    for (const [recordId, folder] of this.#records) {
      if (folder === descriptor.folder) this.#forget(recordId);
    }
    this.#entries.delete(descriptor.id);
  }

  #forget(recordId: string): void {
    this.#store.remove(prefix + recordId);
    this.#records.delete(recordId);
    this.#lost.delete(recordId);
  }

  async #discover(folders: readonly string[], source: PluginSource): Promise<void> {
    const { found, broken } = await discoverPlugins(folders);
    this.#broken.push(...broken);
    for (const descriptor of found) {
      try {
        await assertTrusted(descriptor);
        this.#add({ descriptor, source });
      } catch (error) {
        this.#broken.push({ folder: descriptor.folder, reason: MlosError.from(error).message });
      }
    }
  }

  async #recall(): Promise<void> {
    const { records, corrupted } = this.#store.scan(prefix);
    this.#corrupted.push(...corrupted);
    for (const { value } of records) {
      const { id, folder } = value as PluginRecord;
      this.#records.set(id, folder);
      try {
        this.#add({ descriptor: await readTrusted(folder), source: 'registered' });
      } catch (error) {
        const why = MlosError.from(error).message;
        const way = `It is registered as ${id}; \`mlos plugins unregister ${id}\` forgets it.`;
        this.#lost.set(id, { folder, reason: `${why} ${way}` });
      }
    }
  }

  /** Errors: ALREADY_EXISTS where another folder has its id. */
  #add(entry: CatalogEntry): void {
    const { id, folder } = entry.descriptor;
    const existing = this.#entries.get(id);
    if (existing === undefined) this.#entries.set(id, entry);
    else if (existing.descriptor.folder !== folder) {
      throw new MlosError(
        'ALREADY_EXISTS',
        `Its id ${id} is taken by ${existing.descriptor.folder}.`,
      );
    }
  }
}
