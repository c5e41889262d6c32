import { join } from 'node:path';
import { MlosError } from '../../protocol/errors.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import type { PluginDescriptor } from '../plugin/descriptor.ts';
import { discoverPlugins, readPluginFolder } from '../plugin/discover.ts';
import { assertTrustedPath } from '../security/owned-path.ts';
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

/** Newest first: 1.10.0 before 1.9.0. */
function byVersion(a: CatalogEntry, b: CatalogEntry): number {
  return b.descriptor.version.localeCompare(a.descriptor.version, 'en', { numeric: true });
}

/**
 * Which plugins exist: built in, found in the plugin folders (they register themselves), and
 * registered by a caller (durable). Which of them run is not its business.
 */
export class PluginCatalog {
  readonly #store: RecordStore;
  readonly #maxPlugins: number;
  readonly #entries = new Map<string, CatalogEntry>();
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
    return this.#broken;
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
    const [newest] = this.list()
      .filter((entry) => entry.descriptor.name === id)
      .sort(byVersion);
    if (newest !== undefined) return newest;
    const known = [...this.#entries.keys()];
    throw new MlosError(
      'PLUGIN_NOT_FOUND',
      `No plugin ${JSON.stringify(id)} is registered.${didYouMean(id, known)} Registered: ${known.join(', ') || 'none'}.`,
    );
  }

  /**
   * Registers the plugin of a folder after `check` has seen what its plugin.yaml says. Durable when it
   * resolves; the same folder again is a no-op.
   */
  async register(
    folder: string,
    check: (descriptor: PluginDescriptor) => void,
  ): Promise<CatalogEntry> {
    await assertTrustedPath(join(folder, 'plugin.yaml'), 'The plugin');
    const descriptor = await readPluginFolder(folder);
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
    const entry: CatalogEntry = { descriptor, source: 'registered' };
    this.#entries.set(descriptor.id, entry);
    return entry;
  }

  unregister(id: string): void {
    const entry = this.resolve(id);
    if (entry.source !== 'registered') {
      throw new MlosError(
        'FAILED_PRECONDITION',
        entry.source === 'builtin'
          ? `Plugin ${entry.descriptor.id} is built in and cannot be unregistered.`
          : `Plugin ${entry.descriptor.id} registers itself from ${entry.descriptor.folder}. Move that folder away and restart the daemon.`,
      );
    }
    this.#store.remove(prefix + entry.descriptor.id);
    this.#entries.delete(entry.descriptor.id);
  }

  async #discover(folders: readonly string[], source: PluginSource): Promise<void> {
    const { found, broken } = await discoverPlugins(folders);
    this.#broken.push(...broken);
    for (const descriptor of found) {
      try {
        await assertTrustedPath(join(descriptor.folder, 'plugin.yaml'), 'The plugin');
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
      const { folder } = value as PluginRecord;
      try {
        await assertTrustedPath(join(folder, 'plugin.yaml'), 'The plugin');
        this.#add({ descriptor: await readPluginFolder(folder), source: 'registered' });
      } catch (error) {
        this.#broken.push({ folder, reason: MlosError.from(error).message });
      }
    }
  }

  #add(entry: CatalogEntry): void {
    const existing = this.#entries.get(entry.descriptor.id);
    if (existing === undefined) this.#entries.set(entry.descriptor.id, entry);
    else if (existing.descriptor.folder !== entry.descriptor.folder) {
      this.#broken.push({
        folder: entry.descriptor.folder,
        reason: `its id ${entry.descriptor.id} is taken by ${existing.descriptor.folder}`,
      });
    }
  }
}
