import { MlosError } from '../../protocol/errors.ts';
import { dashedModelId, formatModelId, parseModelId } from '../../protocol/model-id.ts';
import { didYouMean } from '../../protocol/nearest.ts';
import type { ModelRecord } from './model-record.ts';
import type { RecordStore } from './record-store.ts';

const prefix = 'model/';

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
  /** Keys whose records fail their checksum. */
  readonly corrupted: readonly string[];

  constructor(store: RecordStore, options: { readonly maxModels: number }) {
    this.#store = store;
    this.#maxModels = options.maxModels;
    const { records, corrupted } = store.scan(prefix);
    // Records of before there was an engine have no options for it.
    for (const { value } of records) {
      const { engine = {}, ...rest } = value as Partial<Pick<ModelRecord, 'engine'>> &
        Omit<ModelRecord, 'engine'>;
      this.#remember({ ...rest, engine });
    }
    this.corrupted = corrupted;
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
    this.#store.remove(prefix + id);
    this.#models.delete(id);
    const dashed = dashedModelId(id);
    this.#dashed.get(dashed)?.delete(id);
    if (this.#dashed.get(dashed)?.size === 0) this.#dashed.delete(dashed);
  }

  #remember(record: ModelRecord): void {
    this.#models.set(record.id, record);
    const dashed = dashedModelId(record.id);
    const ids = this.#dashed.get(dashed) ?? new Set<string>();
    ids.add(record.id);
    this.#dashed.set(dashed, ids);
  }
}

/** The canonical id of what a caller typed at registration. */
export function canonicalModelId(text: string): string {
  return formatModelId(parseModelId(text));
}
