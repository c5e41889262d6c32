import { limits } from '../../protocol/limits.ts';
import { foldedPath, isPackagePath } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { reservedNames, reservedPrefix } from '../store/layout.ts';

/** Largest sum of all files of one package: the largest open models stay below it. */
export const maxPackageBytes = 4 * 1024 ** 4;

/** How much of a name its first folders are: folding may change lengths, but not their number. */
function lengthOf(name: string, folder: string): number {
  return name.split('/').slice(0, folder.split('/').length).join('/').length;
}

/**
 * Collects names that a source brings and refuses those that could do harm: outside the package, twice,
 * the same but for case or Unicode form, a file where another name needs a folder, or more than the limit.
 */
export class NameGuard {
  readonly #source: string;
  readonly #names = new Map<string, string>();
  readonly #folders = new Map<string, string>();
  #bytes = 0;

  constructor(source: string) {
    this.#source = source;
  }

  add(name: string, size: number | null): void {
    if (!isPackagePath(name)) this.#refuse(name, 'is not a path inside the package');
    if (name.split('/').length > limits.packageDepth)
      this.#refuse(name, `lies deeper than ${limits.packageDepth} folders`);
    const key = foldedPath(name);
    const [first = ''] = key.split('/');
    if (reservedNames.has(first)) this.#refuse(name, 'is a name that axon itself uses');
    if (key.split('/').some((part) => part.startsWith(reservedPrefix)))
      this.#refuse(
        name,
        `has a part that begins with ${reservedPrefix}, which axon keeps for itself`,
      );
    const twin = this.#names.get(key);
    if (twin !== undefined)
      this.#refuse(name, twin === name ? 'comes twice' : `collides with ${JSON.stringify(twin)}`);
    if (this.#folders.has(key)) this.#refuse(name, 'is a file and a folder');
    this.#names.set(key, name);
    this.#addFolders(name, key);
    this.#bytes += size ?? 0;
    if (this.#names.size > limits.packageFiles)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${this.#source} has more than ${limits.packageFiles} files.`,
      );
    if (this.#bytes > maxPackageBytes)
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${this.#source} has more than ${maxPackageBytes} bytes.`,
      );
  }

  #addFolders(name: string, key: string): void {
    for (let slash = key.lastIndexOf('/'); slash > 0; slash = key.lastIndexOf('/', slash - 1)) {
      const folder = key.slice(0, slash);
      const twin = this.#folders.get(folder);
      const written = name.slice(0, lengthOf(name, folder));
      if (twin !== undefined && twin !== written)
        this.#refuse(name, `lies in a folder that collides with ${JSON.stringify(twin)}`);
      if (twin !== undefined) return; // So are those above it.
      if (this.#names.has(folder)) this.#refuse(name, 'needs a folder where a file is');
      this.#folders.set(folder, written);
    }
  }

  #refuse(name: string, why: string): never {
    throw new AxonError(
      'UNSAFE_PACKAGE',
      `${this.#source}: the file name ${JSON.stringify(name.slice(0, 200))} ${why}. Nothing was installed.`,
      { details: { name: name.slice(0, 200) } },
    );
  }
}
