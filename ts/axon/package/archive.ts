import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { limits } from '../../protocol/limits.ts';
import { type Manifest, type ManifestFile, parseManifest } from '../../protocol/manifest.ts';
import { AxonError } from '../axon-error.ts';
import { Digest } from '../download/digest.ts';
import { manifestName, signatureName } from '../store/layout.ts';
import { requireSpace } from '../store/space.ts';
import type { ArchiveFile } from './archive-limits.ts';
import { writeManifest } from './manifest-file.ts';
import { NameGuard } from './names.ts';
import { packedEnding } from './small-files.ts';
import { readTar } from './tar-entries.ts';
import { writeNewFile } from './write-file.ts';

/*
 * `.axon`: a tar with manifest.yaml first, its signature where there is one, and then the files that the
 * manifest lists: under their names as they are, or with `.gz` behind the name compressed. Every byte must
 * be what the manifest states, and nothing else may be there.
 */
export interface Opened {
  readonly manifest: Manifest;
  /** manifest.yaml as it stands in the archive: what a signature is about. */
  readonly text: string;
  readonly signature: string | null;
}

interface Sink {
  /** Before the first file. */
  begin?(manifest: Manifest): void;
  take(file: ManifestFile, body: AsyncIterable<Buffer>): Promise<{ sha256: string; size: number }>;
}

/** Unpacks into the empty folder `into`, manifest and signature too. */
export function unpackArchive(archive: string, into: string, signal: AbortSignal): Promise<Opened> {
  const sink: Sink = {
    begin: ({ spec }) => requireSpace(into, totalOf(spec.format.files)),
    take: (file, body) => writeNewFile(into, file.path, body),
  };
  return readArchive(archive, sink, signal).then((opened) => {
    writeManifest(into, opened.text, opened.signature);
    return opened;
  });
}

/** Reads the whole archive and checks every byte; writes nothing. `look`: what else a file is looked at for. */
export function checkArchive(
  archive: string,
  signal: AbortSignal,
  look: Sink['take'] = (_file, body) => hashed(body),
): Promise<Opened> {
  return readArchive(archive, { take: look }, signal);
}

/** The sha256 and the size of what passes by; the first bytes are `seen` before the others. */
export async function hashed(
  body: AsyncIterable<Buffer>,
  seen: (first: Buffer) => void = () => undefined,
): ReturnType<Sink['take']> {
  const digest = new Digest(null, null);
  for await (const chunk of body) {
    if (digest.bytes === 0) seen(chunk);
    digest.update(chunk);
  }
  if (digest.bytes === 0) seen(Buffer.alloc(0));
  return { ...digest.finish(), size: digest.bytes };
}

async function readArchive(archive: string, sink: Sink, signal: AbortSignal): Promise<Opened> {
  const label = path.basename(archive);
  const reader = new ArchiveReader(label, sink);
  await readTar(archive, label, (entry) => reader.next(entry), signal);
  return reader.end();
}

class ArchiveReader {
  readonly #label: string;
  readonly #sink: Sink;
  readonly #names: NameGuard;
  readonly #missing = new Map<string, ManifestFile>();
  #manifest: Pick<Opened, 'manifest' | 'text'> | null = null;
  #signature: string | null = null;
  #entries = 0;

  constructor(label: string, sink: Sink) {
    this.#label = label;
    this.#sink = sink;
    this.#names = new NameGuard(label);
  }

  async next(entry: ArchiveFile): Promise<void> {
    this.#entries += 1;
    if (this.#manifest === null) return this.#readManifest(entry);
    if (this.#entries === 2 && entry.name === signatureName) {
      this.#signature = await textOf(entry, limits.signatureBytes, this.#label);
      return;
    }
    const isPacked = !this.#missing.has(entry.name) && entry.name.endsWith(packedEnding);
    const name = isPacked ? entry.name.slice(0, -packedEnding.length) : entry.name;
    this.#names.add(name, null);
    const file = this.#missing.get(name);
    if (file === undefined)
      throw new AxonError(
        'INVALID_PACKAGE',
        `${this.#label} holds ${JSON.stringify(entry.name)}, which its manifest does not list.`,
      );
    this.#missing.delete(name);
    if (!isPacked && entry.size !== file.size) throw this.#mismatch(name);
    const got = isPacked
      ? await inflate(entry.body, (body) => this.#sink.take(file, this.#atMost(file, body)))
      : await this.#sink.take(file, entry.body);
    if (got.sha256 !== file.sha256 || got.size !== file.size) throw this.#mismatch(name);
  }

  end(): Opened {
    if (this.#manifest === null) throw new AxonError('INVALID_PACKAGE', `${this.#label} is empty.`);
    const [first] = this.#missing.keys();
    if (first === undefined) return { ...this.#manifest, signature: this.#signature };
    throw new AxonError(
      'INVALID_PACKAGE',
      `${this.#label} lacks ${JSON.stringify(first)}, which its manifest lists.`,
    );
  }

  async #readManifest(entry: ArchiveFile): Promise<void> {
    const opened = await readManifestEntry(entry, this.#label);
    const { manifest } = opened;
    for (const file of manifest.spec.format.files) this.#missing.set(file.path, file);
    this.#sink.begin?.(manifest);
    this.#manifest = opened;
  }

  /** A compressed member may not give more than the manifest states, however small it is itself. */
  async *#atMost(file: ManifestFile, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > file.size) throw this.#mismatch(file.path);
      yield chunk;
    }
  }

  #mismatch(name: string): AxonError {
    return new AxonError(
      'CHECKSUM_MISMATCH',
      `${this.#label}: ${JSON.stringify(name)} is not what the manifest states. Nothing was installed.`,
    );
  }
}

/** The manifest, which is the first entry of every archive. */
export async function readManifestEntry(
  entry: ArchiveFile,
  label: string,
): Promise<Pick<Opened, 'manifest' | 'text'>> {
  if (entry.name !== manifestName)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label} is not an .axon package: it must begin with ${manifestName}, and begins with ${JSON.stringify(entry.name.slice(0, 100))}. ` +
        `Packages of earlier releases have no manifest inside: unpack it (tar xzf) into a folder and install the folder.`,
    );
  const text = await textOf(entry, limits.manifestBytes, label);
  return { manifest: parseManifest(text, `${label}: ${manifestName}`), text };
}

async function inflate<T>(
  packed: AsyncIterable<Buffer>,
  take: (body: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  let refused: unknown = null;
  const taken = pipeline(packed, createGunzip(), (body) =>
    take(body).catch((error: unknown) => {
      refused = error;
      throw error;
    }),
  );
  // What ends a pipeline hides why: the streams before it then fail, too.
  return taken.catch((error: unknown) => {
    throw refused instanceof AxonError ? refused : error;
  });
}

async function textOf({ name, size, body }: ArchiveFile, most: number, label: string) {
  if (size > most)
    throw new AxonError(
      'INVALID_PACKAGE',
      `${label}: ${name} has ${size} bytes; at most ${most} are read.`,
    );
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function totalOf(files: readonly ManifestFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
