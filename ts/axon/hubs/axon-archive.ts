import fs from 'node:fs';
import path from 'node:path';
import { limits } from '../../protocol/limits.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import type { Context } from '../context.ts';
import { fetchOne } from '../download/fetch-all.ts';
import type { FetchedBytes, FileRequest } from '../download/fetch-file.ts';
import type { ExpectedHash } from '../download/options.ts';
import { readHead } from '../download/read-head.ts';
import { unpackArchive } from '../package/archive.ts';
import { writeManifest } from '../package/manifest-file.ts';
import { peekManifest } from '../package/peek-manifest.ts';
import { ArchiveNotes } from '../store/archive-notes.ts';
import type { PackageSource, Pin, TakeStored } from './hub.ts';

/** A manifest and what a tar has before it. */
const mostPeeked = 2 * limits.manifestBytes;

interface Note {
  readonly manifest: string;
  readonly signature: string | null;
}

export interface ArchivePlace {
  readonly pin: Pin;
  /** What its source states of it. */
  readonly expected: ExpectedHash | null;
  request(): Promise<Omit<FileRequest, 'dest'>>;
  /** Of an address without a hash: the sha256 of what is there, if that came before. */
  known?(): string | null;
  /** Told of an archive that came, and of the files in it. */
  came?(archive: FetchedBytes, files: readonly string[]): void;
}

/**
 * An `.axon` archive at an address. Where the same one came before, its manifest is known, and nothing comes if
 * the store has all of its files.
 */
export function axonArchive(place: ArchivePlace, context: Context): PackageSource {
  const { pin, expected } = place;
  const notes = new ArchiveNotes(context.layout, pin.hub, isNote);
  const noted = () => notes.read(expected) ?? notes.read(sha256Hash(place.known?.() ?? null));
  return {
    kind: 'package',
    pin,
    isProven: expected !== null,
    manifest: async () => noted()?.manifest ?? null,
    async peek() {
      const archive = await place.request();
      const look = (bytes: AsyncIterable<Buffer>) =>
        peekManifest(bytes, archive.label, context.signal);
      return readHead(archive, mostPeeked, look, context.download);
    },
    async unpack(into, work, stored) {
      const note = stored === null ? null : noted();
      if (note !== null && stored !== null) {
        const manifest = await takeAll(note, into, stored);
        if (manifest !== null) return { manifest, text: note.manifest };
        fs.rmSync(into, { recursive: true });
        fs.mkdirSync(into);
      }
      const archive = path.join(work, 'package.axon');
      const got = await fetchOne({ ...(await place.request()), dest: archive }, context.download);
      const opened = await unpackArchive(archive, into, context.signal);
      const { text, signature, manifest } = opened;
      const files = manifest.spec.format.files.map(({ sha256 }) => sha256);
      for (const hash of [expected, sha256Hash(got.sha256)])
        notes.write(hash, files, { manifest: text, signature });
      place.came?.(got, files);
      return opened;
    },
  };
}

function sha256Hash(hex: string | null): ExpectedHash | null {
  return hex === null ? null : { algorithm: 'sha256', hex };
}

async function takeAll({ manifest: text, signature }: Note, into: string, stored: TakeStored) {
  const manifest = parseManifest(text);
  for (const file of manifest.spec.format.files)
    if (!(await stored(file, path.join(into, file.path)))) return null;
  writeManifest(into, text, signature);
  return manifest;
}

function isNote(value: unknown): value is Note {
  const { manifest, signature } = (value ?? {}) as Partial<Note>;
  return typeof manifest === 'string' && (signature === null || typeof signature === 'string');
}
