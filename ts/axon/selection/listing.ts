import { type Format, folderOf, formatOf, nameOf } from '../formats/file-kinds.ts';

/** Longer names cannot be files of a package; nothing looks at them any closer. */
const maxPathLength = 1024;

/** The names of a source, indexed once, so that ten thousand of them cost no more than reading them. */
export class Listing {
  /** Sorted by code unit. */
  readonly paths: readonly string[];
  readonly #names: ReadonlySet<string>;
  readonly #formats = new Map<Format, string[]>();

  constructor(paths: readonly string[]) {
    this.paths = paths.filter((path) => path.length <= maxPathLength).sort();
    this.#names = new Set(this.paths);
    for (const path of this.paths) {
      const format = formatOf(path);
      if (format === null) continue;
      const list = this.#formats.get(format);
      if (list === undefined) this.#formats.set(format, [path]);
      else list.push(path);
    }
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  of(format: Format): readonly string[] {
    return this.#formats.get(format) ?? [];
  }

  get formats(): readonly Format[] {
    return [...this.#formats.keys()];
  }

  /** Everything below a folder, at any depth. */
  *below(folder: string): Generator<string> {
    for (let at = this.#lowerBound(folder); at < this.paths.length; at++) {
      const path = this.paths[at] ?? '';
      if (!path.startsWith(folder)) return;
      yield path;
    }
  }

  #lowerBound(text: string): number {
    let low = 0;
    let high = this.paths.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.paths[middle] ?? '') < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Folders with a model_index.json: diffusion pipelines, whose parts lie in folders below. */
  pipelines(): readonly string[] {
    return this.paths.filter((path) => nameOf(path) === 'model_index.json').map(folderOf);
  }
}

/** The parts that diffusion pipelines are made of; other folders below one are not run. */
const component =
  /^(unet|transformer(_\d)?|prior|decoder|controlnet|vae|vae_encoder|vae_decoder|vqvae|movq|text_encoder(_\d)?|image_encoder|safety_checker)\/$/;

/** The pipeline that a file is a part of, or null. */
export function pipelineOf(path: string, pipelines: ReadonlySet<string>): string | null {
  const folder = folderOf(path);
  const pipeline = folderOf(folder.slice(0, -1));
  const isPart = pipelines.has(pipeline) && component.test(folder.slice(pipeline.length));
  return folder !== '' && isPart ? pipeline : null;
}

export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
