/** One regular file of an archive. Its name is as it stands there: whoever uses it has to guard it. */
export interface ArchiveFile {
  readonly name: string;
  readonly size: number;
  readonly body: AsyncIterable<Buffer>;
}

/** An archive may unpack to so many times its size, once it is past the free allowance. */
const maxRatio = 250;
const freeBytes = 256 * 1024 * 1024;

export function mayUnpackTo(archiveBytes: number): number {
  return Math.max(freeBytes, archiveBytes * maxRatio);
}
