import type { ManifestFile, VerifiedBy } from '../../protocol/manifest.ts';
import type { Context } from '../context.ts';
import { fetchOne } from '../download/fetch-all.ts';
import type { FileRequest } from '../download/fetch-file.ts';
import { NameGuard } from '../package/names.ts';
import type { Description, FileSource, HubFile, Pin } from './hub.ts';
import { HubArchive, type HubArchiveSpec } from './hub-archive.ts';

/** What a package registry has for a version: one archive with everything in it. */
export interface RegistryArchive
  extends Pick<HubArchiveSpec, 'label' | 'inner' | 'about' | 'describe'> {
  readonly pin: Pin;
  readonly request: Omit<FileRequest, 'dest' | 'label'>;
  readonly verifiedBy: VerifiedBy;
}

/** Files of an archive that is a version of a package. */
export class ArchiveSource implements FileSource {
  readonly kind = 'files';
  readonly pin: Pin;
  readonly #label: string;
  readonly #archive: HubArchive;

  constructor({ pin, request, ...archive }: RegistryArchive, context: Context) {
    const { label } = archive;
    this.pin = pin;
    this.#label = label;
    this.#archive = new HubArchive(
      {
        ...archive,
        hub: pin.hub,
        expected: request.expected,
        workName: 'archive',
        fetch: (dest) => fetchOne({ ...request, dest, label }, context.download),
      },
      context,
    );
  }

  plan(work: string): Promise<readonly HubFile[]> {
    return this.#archive.plan(work, new NameGuard(this.#label));
  }

  fetch(files: readonly HubFile[], into: string, work: string): Promise<readonly ManifestFile[]> {
    return this.#archive.extract(new Set(files.map((file) => file.path)), into, work);
  }

  describe(): Description {
    return this.#archive.description;
  }
}

/**
 * Names in a source tarball lie below one folder, which is taken off. A name that tries to leave stays as
 * it is, for the guard to refuse.
 */
export function belowTopFolder(name: string): string | null {
  const clean = name.replace(/^\.\//, '');
  if (clean.startsWith('/') || clean.split('/').includes('..')) return clean;
  const slash = clean.indexOf('/');
  return slash < 0 ? null : clean.slice(slash + 1) || null;
}
