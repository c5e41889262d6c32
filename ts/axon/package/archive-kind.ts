import fs from 'node:fs';
import { AxonError } from '../axon-error.ts';
import { isCompressed } from './decompressor.ts';
import { blockBytes, readHeader, TarFault } from './tar-header.ts';

export interface Looked {
  /** What the bytes say; `tar` also for one that is compressed, null for neither. */
  readonly kind: 'zip' | 'tar' | null;
  readonly head: Buffer;
}

/** What kind of archive a file is by its first bytes: names and media types are often wrong. */
export function archiveKind(file: string): Looked {
  const block = Buffer.alloc(blockBytes);
  const fd = fs.openSync(file, 'r');
  try {
    const head = block.subarray(0, fs.readSync(fd, block, 0, blockBytes, 0));
    if (head.toString('latin1', 0, 2) === 'PK') return { kind: 'zip', head };
    return { kind: isCompressed(head) || isHeader(block) ? 'tar' : null, head };
  } catch (error) {
    throw AxonError.from(error);
  } finally {
    fs.closeSync(fd);
  }
}

function isHeader(block: Buffer): boolean {
  try {
    readHeader(block);
    return true;
  } catch (error) {
    // What is unsafe about a tar is for whoever reads it to refuse.
    if (error instanceof TarFault) return error.isUnsafe;
    throw error;
  }
}
