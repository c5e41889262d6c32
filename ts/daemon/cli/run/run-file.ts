import { readFile, stat } from 'node:fs/promises';
import { MlosError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';

function tooLarge(what: string): MlosError {
  return new MlosError(
    'PAYLOAD_TOO_LARGE',
    `${what} is larger than ${limits.httpBodyBytes} bytes, the most that a request may have.`,
  );
}

/** Errors: INVALID_ARGUMENT, PAYLOAD_TOO_LARGE. */
export async function readInputFile(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > limits.httpBodyBytes) throw tooLarge(path);
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof MlosError) throw cause;
    throw new MlosError('INVALID_ARGUMENT', `Cannot read ${path}: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

/** All of it. Errors: PAYLOAD_TOO_LARGE. */
export async function readInputStream(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > limits.httpBodyBytes) throw tooLarge('What comes through standard input');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
