import { MlosError } from '../../protocol/errors.ts';
import { dashedModelId, formatModelId, parseModelId } from '../../protocol/model-id.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import type { ModelRecord } from './model-record.ts';
import { nameOf, Ordinals } from './ordinals.ts';
import type { RecordStore } from './record-store.ts';

const prefix = 'model/';
/** The last ordinal of a name whose model with it has gone. */
const ordinalPrefix = 'ordinal/';

/**
 * Which models exist. Reads are from memory; a write is on disk before memory changes, so what a
 * caller was told is what a restart finds.
 */
export class ModelRegistry {
  readonly #store: RecordStore;
  readonly #maxModels: number;
  readonly #models = new Map<string, ModelRecord>();
  /** Dashed spelling → ids; more than one where two ids collapse to the same dashes. */
  readonly #dashed = new Map<string, Set<string>>();
  readonly #ordinals = new Ordinals();
  /** Keys whose records fail their checksum. */
  readonly corrupted: readonly string[];

  constructor(store: RecordStore, options: { readonly maxModels: number }) {
    this.#store = store;
    this.#maxModels = options.maxModels;
    const { records, corrupted } = store.scan(prefix);
    const given = store.scan(ordinalPrefix);
    for (const { key, value } of given.records) {
      this.#ordinals.used(key.slice(ordinalPrefix.length), value as number);
    }
    for (const { value } of records) this.#remember(withDefaults(value));
    const unnumbered = this.list().filter((record) => record.ordinal === 0);
    unnumbered.sort((a, b) => (a.registeredAt < b.registeredAt ? -1 : 1));
    for (const record of unnumbered) this.#assignOrdinal(record);
    this.corrupted = [...corrupted, ...given.corrupted];
  }

  get size(): number {
    return this.#models.size;
  }

  list(): readonly ModelRecord[] {
    return [...this.#models.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  find(id: string): ModelRecord | undefined {
    return this.#models.get(id);
  }

  /**
   * A model by any of its spellings: the id, the id without `@latest`, or with dashes for slashes.
   * Errors: MODEL_NOT_FOUND naming the nearest, INVALID_MODEL_ID where dashes fit several.
   */
  resolve(text: string): ModelRecord {
    const direct = this.#models.get(text) ?? this.#models.get(`${text}@latest`);
    if (direct !== undefined) return direct;
    const ids = this.#dashed.get(text) ?? this.#dashed.get(`${text}@latest`);
    if (ids !== undefined && ids.size > 1) {
      throw new MlosError(
        'INVALID_MODEL_ID',
        `${JSON.stringify(text)} fits several models: ${[...ids].join(', ')}. Use one of these ids.`,
      );
    }
    const [only] = ids ?? [];
    const found = only === undefined ? undefined : this.#models.get(only);
    if (found !== undefined) return found;
    throw new MlosError(
      'MODEL_NOT_FOUND',
      `No model ${JSON.stringify(text.slice(0, 256))} is registered.` +
        didYouMean(text, [...this.#models.keys(), ...this.#dashed.keys()]),
      { details: { model_id: text.slice(0, 256) } },
    );
  }

  /**
   * The same for clients whose versions are integers: of a name the model that has this ordinal, of 0 the
   * highest. A whole id is that model, if the ordinal is its own or 0. Errors: MODEL_NOT_FOUND.
   */
  resolveOrdinal(text: string, ordinal: number): ModelRecord {
    const id = text.includes('@') ? text : this.#ordinals.find(text, ordinal);
    const found = id === undefined ? undefined : this.#models.get(id);
    if (found !== undefined && (ordinal === 0 || found.ordinal === ordinal)) return found;
    const shown = JSON.stringify(text.slice(0, 256));
    const what = ordinal === 0 ? shown : `${shown} with the version ${ordinal}`;
    throw new MlosError(
      'MODEL_NOT_FOUND',
      `No model ${what} is registered.${didYouMean(text, [...this.#ordinals.names])}`,
      { details: { model_id: text.slice(0, 256), ordinal } },
    );
  }

  /** The ordinal that this content has, or would get now. */
  ordinalFor(id: string, digest: string): number {
    const known = this.#models.get(id);
    return known?.digest === digest ? known.ordinal : this.#ordinals.next(nameOf(id));
  }

  /** On disk when it returns. Errors: STORAGE_FULL, TOO_MANY_REQUESTS at `core.max_models`. */
  put(record: ModelRecord): void {
    if (!this.#models.has(record.id) && this.#models.size >= this.#maxModels) {
      throw new MlosError(
        'TOO_MANY_REQUESTS',
        `${this.#maxModels} models are registered, which is the limit (core.max_models). Unregister one first.`,
      );
    }
    this.#store.put(prefix + record.id, record);
    this.#remember(record);
  }

  remove(id: string): void {
    const record = this.#models.get(id);
    const name = nameOf(id);
    // First: a crash in between leaves the ordinal used, never free.
    if (record?.ordinal === this.#ordinals.last(name)) {
      this.#store.put(ordinalPrefix + name, record.ordinal);
    }
    this.#store.remove(prefix + id);
    this.#models.delete(id);
    if (record !== undefined) this.#ordinals.remove(id, record.ordinal);
    const dashed = dashedModelId(id);
    this.#dashed.get(dashed)?.delete(id);
    if (this.#dashed.get(dashed)?.size === 0) this.#dashed.delete(dashed);
  }

  #assignOrdinal(record: ModelRecord): void {
    this.put({ ...record, ordinal: this.#ordinals.next(nameOf(record.id)) });
  }

  #remember(record: ModelRecord): void {
    this.#models.set(record.id, record);
    if (record.ordinal > 0) this.#ordinals.put(record.id, record.ordinal);
    const dashed = dashedModelId(record.id);
    const ids = this.#dashed.get(dashed) ?? new Set<string>();
    ids.add(record.id);
    this.#dashed.set(dashed, ids);
  }
}

/** Records of earlier versions lack what was not thought of then; an ordinal of 0 is none yet. */
function withDefaults(value: unknown): ModelRecord {
  const {
    engine = {},
    ordinal = 0,
    ...rest
  } = value as Omit<ModelRecord, 'engine' | 'ordinal'> &
    Partial<Pick<ModelRecord, 'engine' | 'ordinal'>>;
  return { ...rest, engine, ordinal };
}

/** The canonical id of what a caller typed at registration. */
export function canonicalModelId(text: string): string {
  return formatModelId(parseModelId(text));
}
