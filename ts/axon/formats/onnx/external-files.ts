import path from 'node:path';
import { isPackagePath } from '../../../protocol/manifest.ts';
import { AxonError } from '../../axon-error.ts';
import { readOnnx } from './read-model.ts';

/** The data files that a model needs beside itself, relative to its folder; a path leaving it is refused. */
export function externalFilesOf(file: string): readonly string[] {
  const { externalFiles } = readOnnx(path.dirname(file), path.basename(file));
  for (const name of externalFiles) {
    if (!isPackagePath(name))
      throw new AxonError(
        'UNSAFE_PACKAGE',
        `${path.basename(file)} names the data file ${JSON.stringify(name.slice(0, 200))}, which is not inside its folder.`,
      );
  }
  return externalFiles;
}
