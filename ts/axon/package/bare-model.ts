import fs from 'node:fs';
import path from 'node:path';
import { AxonError } from '../axon-error.ts';
import { formatOf } from '../formats/file-kinds.ts';
import { blockBytes, readHeader, TarFault } from './tar-header.ts';

/** A model by itself where a package is wanted. What could be an archive is left to those who read archives. */
export function refuseBareModel(file: string): void {
  const format = formatOf(file);
  if (format === null || maybeArchive(file)) return;
  const name = path.basename(file);
  throw new AxonError(
    'INVALID_PACKAGE',
    `${name} is a model file (${format}), not a package. Name a package folder, an .axon file or an installed model. ` +
      `To make a package of it: axon install ${JSON.stringify(file)} --as <namespace>/<name>@<version>, then axon pack <namespace>/<name>@<version>`,
  );
}

function maybeArchive(file: string): boolean {
  const fd = fs.openSync(file, 'r');
  try {
    const block = Buffer.alloc(blockBytes);
    fs.readSync(fd, block, 0, blockBytes, 0);
    if (block[0] === 0x1f && block[1] === 0x8b) return true;
    readHeader(block);
    return true;
  } catch (error) {
    if (error instanceof TarFault) return false;
    throw AxonError.from(error);
  } finally {
    fs.closeSync(fd);
  }
}
