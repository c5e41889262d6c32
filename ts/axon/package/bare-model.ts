import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { formatOf } from '../formats/file-kinds.ts';
import { archiveKind } from './archive-kind.ts';

/** A model by itself where a package is wanted. What could be an archive is left to those who read archives. */
export function refuseBareModel(file: string): void {
  const format = formatOf(file);
  if (format === null || archiveKind(file).kind === 'tar') return;
  const name = path.basename(file);
  throw new AxonError(
    'INVALID_PACKAGE',
    `${name} is a model file (${format}), not a package. Name a package folder, an .axon file or an installed model. ` +
      `To make a package of it: axon install ${JSON.stringify(file)} --as <namespace>/<name>@<version>, then axon pack <namespace>/<name>@<version>`,
  );
}
